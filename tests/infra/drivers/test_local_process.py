"""The class the state keeps: small, by name, and equal to itself for ever."""

import base64
import subprocess
import sys

import dill
import pytest
from pulumi.dynamic.dynamic import serialize_provider

from infra.drivers import local_state
from infra.drivers.local_process import LocalClusterProvider
from infra.rules.values import SECRET, SIGNATURE
from infra.stacks import ROOT
from tests.infra.drivers.test_local_state import STATE, bag, kept, resized


class Command:
    """Answers in place of `local.clusters`, which its own tests run."""

    def __init__(self, monkeypatch, state=STATE) -> None:
        self.asked: list[str] = []
        self.state = state
        monkeypatch.setattr(local_state, "ask", self)

    def __call__(self, verb, _properties):
        self.asked.append(verb)
        return self.state


def test_the_state_keeps_a_name_and_no_code() -> None:
    """A new version of the program brings its own code to an old cluster, and Python may be another."""
    text = serialize_provider(LocalClusterProvider())
    assert text == serialize_provider(LocalClusterProvider())
    raw = base64.b64decode(text)
    assert len(raw) < 120
    assert b"infra.drivers.local_process" in raw
    assert isinstance(dill.loads(raw), LocalClusterProvider)


def test_the_engines_process_can_load_it() -> None:
    """From another directory, knowing nothing of the program."""
    text = serialize_provider(LocalClusterProvider())
    code = f"import base64, dill; print(type(dill.loads(base64.b64decode('{text}'))).__name__)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "infra", capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "LocalClusterProvider"


def test_nothing_secret_is_captured() -> None:
    """So the engine need not hide the class itself, and a diff can be read."""
    assert LocalClusterProvider.serialize_as_secret_always is False


def test_a_check_before_the_first_run_asks_nobody(monkeypatch) -> None:
    """There is no cluster yet, and another place is another cluster."""
    command = Command(monkeypatch)
    assert LocalClusterProvider().check({}, bag()).inputs == bag()
    assert LocalClusterProvider().check(bag(root="/srv/y"), bag()).inputs == bag()
    assert command.asked == []


def test_a_check_of_a_cluster_that_is_there_makes_its_previews_known(monkeypatch) -> None:
    """What an update leaves alone is an input too, its kubeconfig a secret one; and none of it is a change."""
    command = Command(monkeypatch)
    checked = LocalClusterProvider().check(bag(), bag(resized(13)))
    assert checked.failures == []
    assert checked.inputs["kubeconfig"] == {SIGNATURE: SECRET, "value": ""}
    assert checked.inputs["cluster_identifier"] == "dev-public-1"
    assert "nodes" not in checked.inputs
    assert command.asked == ["read"]
    assert not local_state.must_apply(kept(), {**checked.inputs, "spec": bag()["spec"]})


def test_a_check_after_the_cluster_went_is_as_before_the_first_run(monkeypatch) -> None:
    """There is nothing to be known of it."""
    Command(monkeypatch, local_state.absent(local_state.spec_of(bag())))
    assert LocalClusterProvider().check(bag(), bag()).inputs == bag()


def test_create_and_update_are_the_same_apply(monkeypatch) -> None:
    """Level-triggered: the cluster ends as specified, whatever it was."""
    command = Command(monkeypatch)
    made = LocalClusterProvider().create(bag())
    assert made.id == "dev-public-1"
    assert made.outs == kept()
    assert LocalClusterProvider().update("dev-public-1", kept(), bag()).outs == kept()
    assert command.asked == ["apply", "apply"]


def test_reading_changes_nothing_and_sees_a_lost_node(monkeypatch) -> None:
    """The id stays, the count is what there is."""
    import msgspec  # noqa: PLC0415 - only to take a node away

    command = Command(monkeypatch, msgspec.structs.replace(STATE, nodes={"ads": 2}))
    found = LocalClusterProvider().read("dev-public-1", kept())
    assert (found.id, found.outs["nodes"]) == ("dev-public-1", {"ads": 2})
    assert command.asked == ["read"]


def test_a_cluster_that_is_gone_has_no_id(monkeypatch) -> None:
    """The engine then makes it anew."""
    Command(monkeypatch, local_state.absent(local_state.spec_of(bag())))
    assert LocalClusterProvider().read("dev-public-1", kept()).id == ""


def test_a_difference_is_an_update_unless_it_is_another_place() -> None:
    """And of two clusters in one place the old one goes first."""
    same = LocalClusterProvider().diff("x", kept(), bag())
    assert (same.changes, same.replaces) == (False, [])
    more = LocalClusterProvider().diff("x", kept(), bag(resized(13)))
    assert (more.changes, more.replaces) == (True, [])
    moved = LocalClusterProvider().diff("x", kept(), bag(root="/srv/y"))
    assert (moved.changes, moved.replaces, moved.delete_before_replace) == (True, ["root"], True)


def test_deleting_is_one_command(monkeypatch) -> None:
    """And its failure is the engine's failure: the cluster is then still there."""
    command = Command(monkeypatch)
    LocalClusterProvider().delete("dev-public-1", kept())
    assert command.asked == ["delete"]

    def fails(_verb, _properties):
        raise local_state.LocalClusterError("busy")

    monkeypatch.setattr(local_state, "ask", fails)
    with pytest.raises(local_state.LocalClusterError):
        LocalClusterProvider().delete("dev-public-1", kept())
