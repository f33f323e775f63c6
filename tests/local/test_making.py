"""Drawing the ground of a new cloud and laying it."""

import os
from pathlib import Path

import msgspec

from local.engines import plan_engines
from local.making import draw_ground, lay_ground, new_state, standing_of, write_files
from local.plan import CloudOptions, ProcessSpec
from local.state import CloudFiles


def test_grounds_differ_and_keep_asked_ports(tmp_path: Path) -> None:
    """Two clouds at once get different identities and directories; a port that was asked for is used."""
    files = CloudFiles(tmp_path)
    one, other = (draw_ground(files, CloudOptions(core_port=18080)) for _ in range(2))
    assert one.id != other.id
    assert one.temporary != other.temporary
    assert one.ports["router-core"] == 18080
    assert one.ports != other.ports
    assert len(set(one.ports.values())) == len(one.ports)


def test_the_ground_is_private(tmp_path: Path) -> None:
    """Others may at most pass through the temporary directory, and only where root must let `nobody`."""
    files = CloudFiles(tmp_path)
    files.cloud.mkdir(parents=True)
    ground = msgspec.structs.replace(
        draw_ground(files, CloudOptions()), temporary=str(tmp_path / "temporary")
    )
    lay_ground(ground)
    temporary = tmp_path / "temporary"
    assert temporary.stat().st_mode & 0o777 == (0o711 if os.geteuid() == 0 else 0o700)
    assert (temporary / "ctl").stat().st_mode & 0o777 == 0o700
    assert (files.cloud / "policy.yaml").read_text().startswith("# The policy")
    assert "password" not in (files.cloud / "warehouse.dsn").read_text()


def test_a_new_state_is_never_kept(tmp_path: Path) -> None:
    """Half-started clouds are cleaned up, also when they were meant to stay."""
    files = CloudFiles(tmp_path)
    options = CloudOptions(keep=True, without=frozenset({"scan"}))
    ground = draw_ground(files, options)
    state = new_state(ground, plan_engines(ground, tmp_path))
    assert not state.keep
    assert state.owner_pid == os.getpid()
    standing = standing_of(ground, options)
    assert standing.options() == options
    # whoever switched something off is on record, so that its death is seen
    assert (standing.holder_pid == os.getpid()) == bool(options.without)
    assert not standing.is_left()


def test_files_are_written_as_planned(tmp_path: Path) -> None:
    """Every file of every spec."""
    path = tmp_path / "settings.json"
    spec = ProcessSpec(
        name="x", role="ads", site="public", argv=(), environ={}, cwd="/", log="",
        files={str(path): "{}"},
    )  # fmt: skip
    write_files((spec,))
    assert path.read_text() == "{}"
