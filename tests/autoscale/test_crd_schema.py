"""Struct types as structural schemas."""

from typing import Annotated, Literal

import msgspec
import pytest

from autoscale.crd_schema import schema_of
from contracts.promotion import Moment


class Inner(msgspec.Struct, frozen=True):
    """An inner one."""

    x: int = 3


class Outer(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """An outer one."""

    at_moment: Moment
    kind: Literal["a", "b"] = "a"
    rate: Annotated[float, msgspec.Meta(gt=0, le=9)] | None = None
    share: Annotated[float, msgspec.Meta(ge=0, lt=1)] = 0.5
    inner: Inner = Inner()
    many: Annotated[tuple[Inner, ...], msgspec.Meta(min_length=1, max_length=4)]
    word: Annotated[str, msgspec.Meta(pattern="^x+$", description="some x")] = "x"
    plain: Annotated[str, msgspec.Meta(pattern="^y+$", max_length=3)]
    on: bool = False


def test_every_kind_of_field_has_its_schema() -> None:
    """Types, limits both ways, enums, lists; patterns in words where the contract has words."""
    schema = schema_of(Outer)
    assert schema["required"] == ["atMoment", "many", "plain"]
    fields = schema["properties"]
    assert fields["atMoment"] == {"type": "string", "format": "date-time"}
    assert fields["kind"] == {"type": "string", "enum": ["a", "b"], "default": "a"}
    assert fields["rate"] == {
        "type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 9,
    }  # fmt: skip
    assert fields["share"]["exclusiveMaximum"] is True
    assert fields["many"]["items"]["properties"]["x"] == {
        "type": "integer", "format": "int64", "default": 3,
    }  # fmt: skip
    assert (fields["many"]["minItems"], fields["many"]["maxItems"]) == (1, 4)
    assert fields["word"]["x-kubernetes-validations"] == [
        {"rule": "self.matches('^x+$')", "message": "must be some x"}
    ]
    assert "pattern" not in fields["word"]
    assert fields["plain"] == {"type": "string", "pattern": "^y+$", "maxLength": 3}
    assert fields["on"] == {"type": "boolean", "default": False}


def test_a_default_object_is_empty_so_that_inner_defaults_apply() -> None:
    """Kubernetes fills in the inside."""
    assert schema_of(Outer)["properties"]["inner"]["default"] == {}


def test_what_has_no_place_in_a_crd_is_an_error() -> None:
    """Bytes, for one; and something that is no struct."""

    class Odd(msgspec.Struct):
        data: bytes

    with pytest.raises(TypeError, match="no place"):
        schema_of(Odd)
    with pytest.raises(TypeError, match="no struct"):
        schema_of(int)  # type: ignore[arg-type]
