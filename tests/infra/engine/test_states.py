"""Copies of a stack's state."""

from pathlib import Path

from infra.engine.states import BACKUPS_MAX, back_up, read_export

EXPORT = '{"version": 3, "deployment": {"manifest": {}, "resources": [{"urn": "u"}], "pending_operations": [{"type": "creating"}]}}'


def test_an_export_is_kept_as_it_is_for_us_alone(tmp_path: Path) -> None:
    """Byte for byte, so that it can be imported again."""
    path = back_up(read_export(EXPORT), "dev-public", tmp_path / "new")
    assert path is not None
    assert path.read_text() == EXPORT
    assert path.stat().st_mode & 0o777 == 0o600


def test_of_an_empty_stack_nothing_is_kept(tmp_path: Path) -> None:
    """However it is written."""
    for text in ('{"version": 3}', '{"deployment": null}', '{"deployment": {"manifest": {}}}'):
        assert back_up(read_export(text), "dev-public", tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_the_oldest_go_and_other_stacks_stay(tmp_path: Path) -> None:
    """By name, which is the time."""
    for n in range(BACKUPS_MAX + 3):
        (tmp_path / f"dev-public-20200101-{n:06}.json").touch()
    (tmp_path / "dev-private-20200101-000000.json").touch()
    back_up(read_export(EXPORT), "dev-public", tmp_path)
    kept = sorted(it.name for it in tmp_path.glob("dev-public-*"))
    assert len(kept) == BACKUPS_MAX
    assert kept[0] == "dev-public-20200101-000004.json"
    assert (tmp_path / "dev-private-20200101-000000.json").exists()


def test_pending_operations_are_read() -> None:
    """The rest stays unread."""
    assert read_export(EXPORT).deployment.pending_operations == ({"type": "creating"},)
