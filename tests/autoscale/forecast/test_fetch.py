"""Histories come over real sockets, and what cannot be had is said."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from autoscale.forecast.fetch import from_prometheus, from_warehouse
from autoscale.forecast.readings import ReadingError

NOW_S = 2_000_000_000 // 60 * 60


class Prometheus(BaseHTTPRequestHandler):
    """Answers query_range with one series of 2 a second for the last 90 minutes."""

    def do_GET(self) -> None:
        asked = {key: value[0] for key, value in parse_qs(urlsplit(self.path).query).items()}
        begin = max(int(asked["start"]), NOW_S - 90 * 60)
        values = [[at, "2"] for at in range(begin, int(asked["end"]) + 1, 60)]
        result = [{"metric": {}, "values": values}] if asked["query"] == "up" else []
        body = json.dumps(
            {"status": "success", "data": {"resultType": "matrix", "result": result}}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code="-", size="-") -> None:
        """Quiet."""


@pytest.fixture
def prometheus() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Prometheus)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_history_is_read_from_prometheus(prometheus: str) -> None:
    """Ninety minutes of 120 requests, ending before now."""
    start, demand = from_prometheus(prometheus, "up", until_s=NOW_S)
    assert demand.tolist() == [120.0] * 90
    assert start.timestamp() == NOW_S - 90 * 60


def test_an_empty_answer_and_a_dead_server_are_told(prometheus: str) -> None:
    """No sample is not no traffic."""
    with pytest.raises(ReadingError, match="no sample at all"):
        from_prometheus(prometheus, "nothing", until_s=NOW_S)
    with pytest.raises(ReadingError, match="is Prometheus there"):
        from_prometheus("http://127.0.0.1:1", "up", until_s=NOW_S)


def test_a_warehouse_that_is_not_there_is_told() -> None:
    """The first line of the driver's message, no traceback."""
    with pytest.raises(ReadingError, match="warehouse: "):
        from_warehouse("host=/nonexistent dbname=warehouse", until_s=NOW_S)


@pytest.mark.engines
def test_history_is_read_from_the_warehouse(postgres_dsn: str) -> None:
    """Events count in the minute they occurred, from a real PostgreSQL."""
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute("create table events(occurred_ms bigint not null)")
        connection.execute(
            "insert into events select %s + n * 30000 from generate_series(0, 9) n",
            ((NOW_S - 600) * 1000,),
        )
    try:
        start, demand = from_warehouse(postgres_dsn, until_s=NOW_S)
    finally:
        with psycopg.connect(postgres_dsn, autocommit=True) as connection:
            connection.execute("drop table events")
    assert start.timestamp() == NOW_S - 600
    assert demand.tolist() == [2.0] * 5 + [0.0] * 5
