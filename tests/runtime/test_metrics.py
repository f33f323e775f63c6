"""Plain counters and their exposition."""

import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from runtime.metrics import CounterTable, render

LABEL = st.text(max_size=8)


@given(st.lists(st.tuples(LABEL, LABEL, st.integers(1, 1000)), max_size=20))
def test_every_label_pair_is_exposed_with_its_sum(added: list[tuple[str, str, int]]) -> None:
    """What was counted is what a scrape reads, whatever the label says."""
    table = CounterTable("isthmus_test", "A test.", ("one", "two"))
    sums: dict[tuple[str, str], int] = {}
    for one, two, by in added:
        table.add(one, two, by=by)
        sums[one, two] = sums.get((one, two), 0) + by
    text = render((table.family(),)).decode()
    samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
    assert {s.name for s in samples} <= {"isthmus_test_total"}
    assert {(s.labels["one"], s.labels["two"]): s.value for s in samples} == sums


def test_counting_does_not_import_the_client() -> None:
    """A process that is never scraped never pays for it."""
    code = (
        "import sys; from runtime.metrics import CounterTable; CounterTable('a', 'b', ()).add(); "
        "sys.exit('prometheus_client' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
