"""JSON Schema of policy.yaml and topology.yaml, generated from the grammar, for editors and pipelines.

`python -m policy.schema` writes them beside this module. What refers from name to name is checked by the
loader only: a file may fit its schema and still be refused.
"""

from pathlib import Path
from typing import Final, Literal

import msgspec

from policy.files import PolicyFile, TopologyFile

FileKind = Literal["policy", "topology"]
KINDS: Final[dict[FileKind, type[msgspec.Struct]]] = {
    "policy": PolicyFile,
    "topology": TopologyFile,
}


def json_schema(kind: FileKind) -> bytes:
    """The schema of one kind of file, indented JSON with a final newline; equal on every run."""
    title = f"{kind}.yaml"
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **msgspec.json.schema(KINDS[kind]),
    }
    return msgspec.json.format(msgspec.json.encode(document, order="deterministic")) + b"\n"


def schema_path(kind: FileKind) -> Path:
    """Where the committed copy stands."""
    return Path(__file__).parent / "schema" / f"{kind}.json"


def write_schemas() -> None:
    """Bring the committed copies up to date."""
    for kind in KINDS:
        path = schema_path(kind)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(json_schema(kind))


if __name__ == "__main__":
    write_schemas()
