"""Several workers' metrics as one."""

from router.merge import merge
from router.metrics import Metrics


def text(state: float, requests: int) -> bytes:
    metrics = Metrics(
        lambda: [
            ("isthmus_router_upstream_state", "s", (("node", "a"),), state),
            ("isthmus_router_in_flight", "f", (), 1.0),
        ]
    )
    for _ in range(requests):
        metrics.request("ads", "public", site="public", status=200)
        metrics.duration("public", 0.01)
    return metrics.render()


def lines(merged: bytes, name: str) -> list[str]:
    return [line for line in merged.decode().splitlines() if line.startswith(name)]


def test_counters_and_histograms_add_up_and_states_take_the_worst() -> None:
    """Two workers that saw 2 and 3 requests saw 5; an endpoint one of them ejected is ejected."""
    merged = merge((text(0.0, 2), text(3.0, 3)))
    assert lines(merged, "isthmus_router_requests_total{")[0].endswith(" 5.0")
    assert lines(merged, "isthmus_router_duration_seconds_count")[0].endswith(" 5.0")
    assert lines(merged, "isthmus_router_upstream_state{")[0].endswith(" 3.0")
    assert lines(merged, "isthmus_router_in_flight ")[0].endswith(" 2.0")


def test_a_dead_worker_leaves_its_counters_only() -> None:
    """What it counted stays true; what it saw of endpoints does not."""
    kept = merge((text(3.0, 2),), counters_only=True)
    assert lines(kept, "isthmus_router_requests_total{")
    assert not lines(kept, "isthmus_router_upstream_state")
    assert merge((kept, text(0.0, 1))).count(b"# TYPE isthmus_router_requests_total counter") == 1
    assert merge((b"",)).strip() == b""
