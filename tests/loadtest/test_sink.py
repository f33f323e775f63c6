import json

import pytest

from contracts.history import OrderEvent
from contracts.load import LoadSummary, RequestRow
from loadtest.sink import LineFile, Progress, RunFiles, read_history, read_lines, read_rows
from tests.loadtest.test_figures import row

SUMMARY = LoadSummary(
    run="test", planned=2, sent=2, completed=2, late_sends=0, cpu_s=0.1, wall_s=1.0,
    started_mono_ns=1, ended_mono_ns=2,
)  # fmt: skip


def test_rows_come_back_as_written(tmp_path):
    """A row is one JSON array per line and decodes to itself."""
    rows = [row(n, beacon=f"b-{n}") for n in range(3)]
    with RunFiles(tmp_path) as files:
        for one in rows:
            files.requests.add(one)
    assert read_rows(tmp_path) == rows
    lines = (tmp_path / "requests.ndjson").read_text().splitlines()
    assert all(isinstance(json.loads(line), list) for line in lines)


def test_nothing_is_out_before_a_flush_and_all_is_after(tmp_path):
    """Rows wait in the buffer until flushed; a line written at once takes along what waits."""
    file = LineFile(tmp_path / "f")
    file.add(row(1))
    assert (tmp_path / "f").read_bytes() == b""
    file.write(row(2))
    assert len((tmp_path / "f").read_bytes().splitlines()) == 2
    file.close()


def test_a_torn_last_line_is_left_out(tmp_path):
    """What a killed writer did not finish is no line."""
    whole = b'{"second":0,"sent":1,"ok":1,"shed":0,"failed":0}\n'
    (tmp_path / "f").write_bytes(whole + whole[:20])
    found = list(read_lines(tmp_path / "f", Progress))
    assert found == [Progress(second=0, sent=1, ok=1, shed=0, failed=0)]


def test_a_wrong_line_is_named(tmp_path):
    """A whole line of another shape is an error with file and line."""
    (tmp_path / "requests.ndjson").write_bytes(b"[1]\n")
    with pytest.raises(ValueError, match=r"requests\.ndjson:1: .*expected RequestRow"):
        read_rows(tmp_path)


def test_the_summary_appears_whole_and_last(tmp_path):
    """When the summary stands there, every row does too."""
    with RunFiles(tmp_path) as files:
        files.requests.add(row(1))
        files.finish(SUMMARY)
        assert len(read_rows(tmp_path)) == 1
        assert json.loads((tmp_path / "summary.json").read_bytes())["planned"] == 2
    assert not list(tmp_path.glob("*.tmp"))


def test_files_are_for_their_owner_only(tmp_path):
    """Rows and histories are written with mode 0600."""
    with RunFiles(tmp_path):
        modes = {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes == {0o600}


def test_history_is_read_in_order(tmp_path):
    """Events come back in the order they were written."""
    events = [
        OrderEvent(kind="invoke", key="k", attempt=n, mono_ns=n, wall_ms=n, body_sha="s")
        for n in range(4)
    ]
    with RunFiles(tmp_path) as files:
        for one in events:
            files.orders.write(one)
        assert list(read_history(tmp_path)) == events


def test_row_fields_are_those_of_the_contract():
    """A row's array has one element per field of the contract."""
    assert len(RequestRow.__struct_fields__) == 15


def test_synced_lines_are_whole(tmp_path):
    """After `sync` what was added stands in the file."""
    file = LineFile(tmp_path / "l.ndjson")
    file.add(Progress(second=1, sent=2, ok=2, shed=0, failed=0))
    file.sync()
    assert [one.second for one in read_lines(tmp_path / "l.ndjson", Progress)] == [1]
    file.close()
