"""A pod's directory."""

from local.agent_files import PodFiles, PodRecord, stored_pods
from local.agent_machine import new_state
from local.agent_sandbox import Sandbox
from local.agent_volumes import VolumeFile
from tests.local.agents import pod


def record(uid="u1") -> PodRecord:
    sandbox = Sandbox(namespace="n", interface="i", address="10.97.1.2")
    return PodRecord(
        namespace="shop", name="web", uid=uid, state=new_state(pod(), now_s=1.0), sandbox=sandbox
    )


def test_a_record_survives_and_a_torn_one_is_none(tmp_path) -> None:
    """A record that cannot be read does not stop the node."""
    files = PodFiles(tmp_path, "u1")
    assert files.read() is None
    files.write(record())
    assert files.read() == record()
    assert files.directory.stat().st_mode & 0o777 == 0o700
    PodFiles(tmp_path, "u2").write(record("u2"))
    (tmp_path / "u2/record.json").write_text("{")
    assert [it.uid for it in stored_pods(tmp_path)] == ["u1"]
    assert stored_pods(tmp_path / "none") == []
    files.remove()
    assert stored_pods(tmp_path) == []


def test_volume_files_have_their_modes_and_are_replaced_whole(tmp_path) -> None:
    """A reader that has the old file open keeps it; an unchanged one is not touched."""
    files = PodFiles(tmp_path, "u1")
    one = VolumeFile(path="deep/key", data=b"1", mode=0o600)
    files.write_volume("v", (one,))
    path = files.volumes / "v/deep/key"
    assert path.stat().st_mode & 0o777 == 0o600
    inode = path.stat().st_ino
    files.write_volume("v", (one,))
    assert path.stat().st_ino == inode
    with path.open("rb") as old:
        files.write_volume("v", (VolumeFile(path="deep/key", data=b"2", mode=0o600),))
        assert old.read() == b"1"
    assert path.read_bytes() == b"2"
    assert [it.name for it in path.parent.iterdir()] == ["key"]


def test_an_empty_directory_can_be_written_by_anybody_and_keeps_what_is_in_it(tmp_path) -> None:
    """Refreshing volumes takes nothing away."""
    files = PodFiles(tmp_path, "u1")
    files.write_volume("work", ())
    base = files.volumes / "work"
    assert base.stat().st_mode & 0o777 == 0o777
    (base / "x").write_text("kept")
    files.write_volume("work", ())
    assert (base / "x").read_text() == "kept"
