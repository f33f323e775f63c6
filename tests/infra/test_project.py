"""Pulumi.yaml is what the settings say."""

import msgspec

from infra.config import keys, project_file
from infra.project import PATH


def test_the_project_file_is_current() -> None:
    """`python -m infra.project` was run after the last change of a key."""
    assert PATH.read_text() == project_file()


def test_it_is_the_yaml_it_is_meant_to_be() -> None:
    """Every key with type, description and default; one project; a runtime that works for dynamic providers."""
    file = msgspec.yaml.decode(PATH.read_bytes())
    assert (file["name"], file["main"]) == ("isthmus", "infra")
    assert file["runtime"] == {"name": "python"}
    assert {name: it["default"] for name, it in file["config"].items()} == {
        it.name: list(it.default) if isinstance(it.default, tuple) else it.default for it in keys()
    }
