"""The command behind the dynamic provider, and what counts as a change."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.cluster import ClusterSpec, ClusterState, NodePool
from infra.drivers.local_state import (
    HIDDEN,
    LocalClusterError,
    absent,
    ask,
    must_apply,
    outputs,
    pod_endpoint,
    replaced_by,
    spec_of,
)

SPEC = ClusterSpec(
    environment="dev", site="public",
    pools=(NodePool(name="ads", nodes=3, runtime="process", traffic_class="public"),),
)  # fmt: skip
STATE = ClusterState(
    environment="dev", site="public", ready=True, identifier="dev-public-1",
    endpoint="https://10.96.0.2:6443", kubeconfig="", pod_network="10.97.0.0/16",
    peer_pod_network="10.98.0.0/16", nodes={"ads": 3}, namespace="is0000-pub",
)  # fmt: skip


def bag(spec: ClusterSpec = SPEC, root: str = "/srv/x", **outs: object) -> dict[str, object]:
    """A property bag as the engine hands it over: every number a float."""
    floats = msgspec.json.decode(msgspec.json.encode(spec))
    for pool in floats["pools"]:
        pool |= {key: float(it) for key, it in pool.items() if type(it) is int}
    return {"root": root, "spec": floats, **outs}


def kept(spec: ClusterSpec = SPEC, state: ClusterState = STATE) -> dict[str, object]:
    return outputs(bag(spec), state)


def resized(nodes: int, most: int = 0) -> ClusterSpec:
    pool = msgspec.structs.replace(SPEC.pools[0], nodes=nodes, nodes_max=most)
    return msgspec.structs.replace(SPEC, pools=(pool,))


def test_a_specification_survives_the_engine() -> None:
    """Its floats become numbers of nodes again."""
    assert spec_of(bag()) == SPEC


def test_nothing_changed_is_no_change() -> None:
    """A second preview is empty."""
    assert not must_apply(kept(), bag())
    assert replaced_by(kept(), bag()) == []


@given(st.integers(0, 20), st.integers(0, 20))
def test_another_number_of_nodes_is_an_update(old: int, new: int) -> None:
    """And never another cluster."""
    state = msgspec.structs.replace(STATE, nodes={"ads": old})
    olds = kept(resized(old), state)
    assert must_apply(olds, bag(resized(new))) == (old != new)
    assert replaced_by(olds, bag(resized(new))) == []


@given(st.integers(0, 20), st.integers(0, 20), st.integers(0, 20))
def test_what_a_refresh_saw_is_healed_unless_a_scaler_did_it(
    seen: int, nodes: int, most: int
) -> None:
    """Fewer nodes than asked for are always made again; more are left alone within the scaler's bound."""
    olds = kept(resized(nodes, most), msgspec.structs.replace(STATE, nodes={"ads": seen}))
    healed = must_apply(olds, bag(resized(nodes, most)))
    assert healed == (seen < nodes or seen > max(nodes, most))


def test_a_cluster_that_is_not_ready_is_applied_again() -> None:
    """A run that was killed half-way is finished by the next."""
    assert must_apply(kept(state=msgspec.structs.replace(STATE, ready=False)), bag())


@pytest.mark.parametrize(
    ("spec", "root", "properties"),
    [
        (msgspec.structs.replace(SPEC, environment="test"), "/srv/x", ["spec"]),
        (msgspec.structs.replace(SPEC, site="private"), "/srv/x", ["spec"]),
        (SPEC, "/srv/y", ["root"]),
        (msgspec.structs.replace(SPEC, prometheus=True), "/srv/x", []),
    ],
)
def test_only_another_place_is_another_cluster(
    spec: ClusterSpec, root: str, properties: list[str]
) -> None:
    """Environment, site and checkout; nothing else replaces."""
    assert replaced_by(kept(), bag(spec, root)) == properties


def test_new_addresses_and_credentials_are_outputs(tmp_path) -> None:
    """They change no input, so they replace nothing."""
    path = tmp_path / "kubeconfig"
    path.write_text("text")
    moved = msgspec.structs.replace(STATE, endpoint="https://10.100.0.2:6444", kubeconfig=str(path))
    outs = outputs(bag(), moved)
    assert outs["kubeconfig"] == "text"
    assert not must_apply(outs, bag())
    assert replaced_by(kept(), bag()) == []


def test_a_cluster_that_was_never_finished_has_no_kubeconfig_yet(tmp_path) -> None:
    """A refresh after a killed run still answers."""
    half = msgspec.structs.replace(STATE, ready=False, kubeconfig=str(tmp_path / "nowhere"))
    assert outputs(bag(), half)["kubeconfig"] == ""


def test_pods_reach_the_api_server_at_their_own_gateway() -> None:
    """The first address of the pod range, on the port of the endpoint; nothing of a cluster that is not there."""
    assert pod_endpoint(STATE) == "https://10.97.0.1:6443"
    assert pod_endpoint(absent(SPEC)) == ""


def test_stores_are_told_with_their_password_from_its_file(tmp_path) -> None:
    """And are secret as inputs and outputs; a cluster without stores has empty ones."""
    passfile = tmp_path / "pgpass"
    passfile.write_text("*:*:*:isthmus:a-password\n")
    stored = msgspec.structs.replace(
        STATE, kafka="10.97.0.1:9092", postgres="10.98.0.1:5432", passfile=str(passfile)
    )
    outs = outputs(bag(), stored)
    assert outs["kafka"] == ["10.97.0.1:9092"]
    assert outs["ledger_dsn"] == "host=10.98.0.1 port=5432 dbname=ledger user=isthmus"
    assert outs["warehouse_dsn"] == "host=10.98.0.1 port=5432 dbname=warehouse user=isthmus"
    assert outs["database_password"] == "a-password"
    assert {"ledger_dsn", "warehouse_dsn", "database_password", "kubeconfig"} == set(HIDDEN)
    bare = outputs(bag(), STATE)
    assert (bare["kafka"], bare["ledger_dsn"], bare["database_password"]) == ([], "", "")


FAKE = """
import sys
verb, root, spec = sys.argv[1], sys.argv[3], sys.stdin.read()
assert '"environment":"dev"' in spec
{body}
"""


def root_with(tmp_path, body: str) -> str:
    """A checkout whose `local.clusters` does `body`: what the real one cannot be made to do on demand."""
    (tmp_path / "local").mkdir()
    (tmp_path / "local/__init__.py").write_text("")
    (tmp_path / "local/clusters.py").write_text(FAKE.format(body=body))
    return str(tmp_path)


@pytest.mark.parametrize("verb", ["apply", "read"])
def test_the_answer_is_the_state(tmp_path, verb) -> None:
    """Specification on stdin, state on stdout."""
    body = f"assert verb == '{verb}' and root\nprint({msgspec.json.encode(STATE).decode()!r})"
    assert ask(verb, bag(root=root_with(tmp_path, body))) == STATE


def test_a_silent_delete_is_a_cluster_that_is_gone(tmp_path) -> None:
    """There is nothing to say of it."""
    assert ask("delete", bag(root=root_with(tmp_path, "pass"))) == absent(SPEC)


def test_a_failure_has_the_commands_own_words(tmp_path) -> None:
    """They name the fix; without words at least the exit code."""
    body = "sys.stderr.write('no root; fix: sudo'); sys.exit(3)"
    with pytest.raises(LocalClusterError, match=r"^no root; fix: sudo$"):
        ask("apply", bag(root=root_with(tmp_path, body)))


def test_a_silent_failure_names_its_exit_code(tmp_path) -> None:
    """Nothing is taken for success."""
    with pytest.raises(LocalClusterError, match="read: exit code 3"):
        ask("read", bag(root=root_with(tmp_path, "sys.exit(3)")))


def test_a_root_that_is_not_there_is_an_error(tmp_path) -> None:
    """Not a traceback of the engine's."""
    with pytest.raises(LocalClusterError, match=r"local\.clusters read"):
        ask("read", bag(root=str(tmp_path / "nowhere")))
