"""The grammar as structs: every key is described, and unknown ones are refused everywhere."""

import msgspec
import pytest
from msgspec import inspect

from policy.files import FileStruct, PolicyFile, TopologyFile


def structs() -> list[type[FileStruct]]:
    return sorted(FileStruct.__subclasses__(), key=lambda found: found.__name__)


@pytest.mark.parametrize("struct", structs(), ids=lambda found: found.__name__)
def test_unknown_keys_are_refused_at_every_level(struct: type[FileStruct]) -> None:
    """A misspelt key never falls back to a default, and nothing can be changed once read."""
    kind = inspect.type_info(struct)
    assert isinstance(kind, inspect.StructType)
    assert kind.forbid_unknown_fields
    assert struct.__struct_config__.frozen
    assert struct.__doc__


@pytest.mark.parametrize("struct", [PolicyFile, TopologyFile])
def test_the_version_is_required(struct: type[FileStruct]) -> None:
    """A file of a later version is refused, not half understood."""
    with pytest.raises(msgspec.ValidationError, match="version"):
        msgspec.convert({}, struct)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"version": "isthmus/v9"}, struct)
