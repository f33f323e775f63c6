"""What breaks on clusters, in which order, and that it is healed whatever happens."""

import socket
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli import demo_clusters_faults
from cli.demo_clusters_faults import Breaking, drawn
from cli.demo_traffic import TrafficError
from contracts.load import LoadSummary
from tests.cli.test_demo_clusters import ground, pod

SUMMARY = LoadSummary(
    run="r", planned=1, sent=1, completed=1, late_sends=0, cpu_s=1, wall_s=1, started_mono_ns=0,
    ended_mono_ns=1,
)  # fmt: skip


class Told:
    """Stands in for the faults of real clusters and for the traffic, and keeps the order of what was asked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, dies_at_s: float = 1e9) -> None:
        self.done: list[str] = []
        self._dies_at_s = dies_at_s
        self.is_cut = False
        faults = demo_clusters_faults.site_faults
        monkeypatch.setattr(faults, "fault_nodes", self._nodes)
        monkeypatch.setattr(faults, "fault_link", self._cut)
        monkeypatch.setattr(faults, "heal", self._heal)
        monkeypatch.setattr(demo_clusters_faults, "_crosses", lambda *_: not self.is_cut)
        monkeypatch.setattr(demo_clusters_faults, "_answers", lambda _pod: False)

    def _nodes(self, _ground, operation, *, site, names, lost) -> None:
        assert (site, lost) == ("public", False)
        self.done.append(f"{operation} {' '.join(names)}")

    def _cut(self, _ground, fault, direction) -> None:
        self.is_cut = True
        self.done.append(f"cut {direction} {fault.left_s}")

    def _heal(self, _ground) -> None:
        self.is_cut = False
        self.done.append("heal")

    def wait_until(self, offset_s: float) -> None:
        if offset_s >= self._dies_at_s:
            raise TrafficError("the generator failed")
        self.done.append(f"at {offset_s:g}")

    def finish(self) -> LoadSummary:
        self.done.append("finish")
        return SUMMARY


def breaking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Breaking:
    place = ground(tmp_path)
    ads = tuple(pod("ads", node=f"ads-{n}") for n in range(1, 4))
    monkeypatch.setattr(type(place), "pods", lambda _self, _site: ads)
    return Breaking(place, duration_s=90, seed=1, say=lambda _text: None)


@given(st.integers(1, 60), st.integers(0, 2**63 - 1))
def test_thirty_percent_of_the_nodes_die_and_at_least_one(count: int, seed: int) -> None:
    """Each once, the same for the same seed whatever the order they are told in."""
    nodes = tuple(f"ads-{n}" for n in range(count))
    found = drawn(nodes, seed)
    assert len(set(found)) == max(1, count * 3 // 10)
    assert set(found) <= set(nodes)
    assert drawn(nodes[::-1], seed) == found


def test_nodes_die_then_the_link_is_cut_and_both_are_healed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At their times; both are proven, and the kernel would end the cut by itself soon after."""
    told = Told(monkeypatch)
    records, summary = breaking(tmp_path, monkeypatch).run(told)
    node = records[0].targets[0]
    assert told.done == [
        "at 15", f"kill-nodes {node}", "at 30", "cut both 60", "at 60", "heal", "finish",
        f"start-nodes {node}",
    ]  # fmt: skip
    assert [it.kind for it in records] == ["node_kill", "link_cut"]
    assert all(it.proven and it.proof for it in records)
    assert all(0 < it.injected_mono_ns <= it.healed_mono_ns for it in records)
    assert summary == SUMMARY


@pytest.mark.parametrize("dies_at_s", [30.0, 60.0])
def test_whatever_ends_the_run_nothing_stays_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dies_at_s: float
) -> None:
    """A generator that dies between the kill and the cut, or under the cut."""
    told = Told(monkeypatch, dies_at_s=dies_at_s)
    with pytest.raises(TrafficError):
        breaking(tmp_path, monkeypatch).run(told)
    assert told.done[-1].startswith("start-nodes ads-")
    assert ("heal" in told.done) == (dies_at_s == 60.0)
    assert not told.is_cut


def test_a_cut_that_lets_something_through_is_not_proven(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run is then INVALID: nothing was shown."""
    told = Told(monkeypatch)
    monkeypatch.setattr(demo_clusters_faults, "_crosses", lambda *_: True)
    records, _ = breaking(tmp_path, monkeypatch).run(told)
    assert not records[1].proven


def test_a_pod_answers_when_it_takes_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """And not when nothing listens there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(demo_clusters_faults, "PORT_HTTP", server.getsockname()[1])
        away = pod("ads")
        at_home = msgspec.structs.replace(
            away, status=msgspec.structs.replace(away.status, pod_ip="127.0.0.1")
        )
        assert demo_clusters_faults._answers(at_home)
    assert not demo_clusters_faults._answers(at_home)
