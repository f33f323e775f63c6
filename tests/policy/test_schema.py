"""The generated JSON Schemas."""

import json

import pytest
import yaml

from policy.schema import KINDS, FileKind, json_schema, schema_path, write_schemas
from tests.policy.json_schema import faults
from tests.policy.samples import DEMO, DESIGN, TOPOLOGY


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_the_committed_schema_is_the_generated_one(kind: FileKind) -> None:
    """`make schemas` after a change of the grammar."""
    assert schema_path(kind).read_bytes() == json_schema(kind)


@pytest.mark.parametrize(
    ("kind", "text"), [("policy", DESIGN), ("policy", DEMO), ("topology", TOPOLOGY)]
)
def test_good_files_fit_their_schema(kind: FileKind, text: bytes) -> None:
    """The policy of the design, of the demo, and a topology."""
    schema = json.loads(json_schema(kind))
    assert list(faults(yaml.safe_load(text), schema, schema)) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"class: sensitive", b"class: secret"), (b"service: clicks", b"servce: clicks"),
        (b"isthmus/v1", b"isthmus/v2"), (b"64KiB", b"64kb"), (b"holds: [public]}", b"holds: []}"),
        (b"bucket(100)", b"round(100)"), (b"env:ISTHMUS_USER_KEY", b"plain"), (b"id: ads", b"id: 7"),
    ],
)  # fmt: skip
def test_bad_files_do_not(old: bytes, new: bytes) -> None:
    """What the loader refuses by grammar, the schema refuses too."""
    schema = json.loads(json_schema("policy"))
    assert old in DESIGN
    assert list(faults(yaml.safe_load(DESIGN.replace(old, new, 1)), schema, schema))


def test_schemas_are_written_where_they_are_read(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Writing twice changes nothing."""
    monkeypatch.setattr("policy.schema.schema_path", lambda kind: tmp_path / "schema" / kind)
    write_schemas()
    first = {path.name: path.read_bytes() for path in (tmp_path / "schema").iterdir()}
    write_schemas()
    assert first == {kind: json_schema(kind) for kind in KINDS}
