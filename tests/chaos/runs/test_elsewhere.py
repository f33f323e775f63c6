"""Twin of chaos/runs/elsewhere.py."""

from chaos.runs.elsewhere import ELSEWHERE
from chaos.runs.experiment import built_in


def test_what_is_not_shipped_says_where_and_why() -> None:
    """None of them is a file, each names a place and a reason."""
    names = {it.name for it in ELSEWHERE}
    assert names == {"api-server-loss", "disk-full", "router-worker-crash"}
    assert not names & {path.stem for path in built_in()}
    assert all(it.where and it.why_not for it in ELSEWHERE)
