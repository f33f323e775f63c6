"""Live demand."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from autoscale.control.look import Demand
from autoscale.control.prometheus import Prometheus
from autoscale.control.settings import DemandSettings
from tests.autoscale.control.fake_shop import FakeClock

KEY = "HorizontalPodAutoscaler/ads/x"


class Asked:
    """A Prometheus that answers what the test says."""

    def __init__(self) -> None:
        self.queries: list[str] = []
        self.values: list[str] = ["120.5"]
        self.code = 200
        asked = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.queries.append(parse_qs(urlsplit(self.path).query)["query"][0])
                result = [{"metric": {}, "value": [1.0, value]} for value in asked.values]
                body = json.dumps(
                    {"status": "success", "data": {"resultType": "vector", "result": result}}
                ).encode()
                self.send_response(asked.code)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def asked() -> Iterator[Asked]:
    made = Asked()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.05,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def prometheus(asked: Asked, **changes: object) -> tuple[Prometheus, FakeClock]:
    clock = FakeClock()
    settings = DemandSettings(
        **({"url": asked.url, "query": 'rps{{svc="{name}"}}', "every_s": 10} | changes)
    )
    return Prometheus(settings, clock), clock


def test_now_and_the_highest_of_the_window_are_asked_for(asked: Asked) -> None:
    """For the workloads wanted last, with their names filled in."""
    source, _ = prometheus(asked, query='rps{svc="{name}",ns="{namespace}"}')
    assert source.demand({KEY: 900.0}) == {}
    source.ask_all()
    assert source.demand({KEY: 900.0}) == {KEY: Demand(120.5, 120.5)}
    assert asked.queries == [
        'rps{svc="x",ns="ads"}',
        'max_over_time((rps{svc="x",ns="ads"})[900s:45s])',
    ]
    assert source.demand({}) == {}


def test_several_series_are_added_up(asked: Asked) -> None:
    """One per pod, or per router."""
    source, _ = prometheus(asked)
    asked.values = ["1", "2.5"]
    source.demand({KEY: 60})
    source.ask_all()
    assert source.demand({KEY: 60})[KEY].now == 3.5


@pytest.mark.parametrize("values", [[], ["NaN"], ["+Inf"], ["much"]])
def test_no_number_is_no_demand(asked: Asked, values: list[str]) -> None:
    """Not zero: zero would let go of everything."""
    source, _ = prometheus(asked)
    asked.values = values
    source.demand({KEY: 60})
    source.ask_all()
    assert source.demand({KEY: 60}) == {}


def test_what_was_known_is_forgotten_after_three_rounds(asked: Asked) -> None:
    """A Prometheus that went away is no news that traffic did."""
    source, clock = prometheus(asked)
    source.demand({KEY: 60})
    source.ask_all()
    asked.code, asked.values = 503, []
    clock.advance(29)
    source.ask_all()
    assert source.demand({KEY: 60})[KEY].now == 120.5
    clock.advance(2)
    assert source.demand({KEY: 60}) == {}


def test_a_server_that_is_not_there_is_counted(asked: Asked) -> None:
    """And asked again next time."""
    source, _ = prometheus(asked, url="http://127.0.0.1:1")
    source.demand({KEY: 60})
    source.ask_all()
    assert source.failures == 2


def test_a_workload_may_have_a_query_of_its_own(asked: Asked) -> None:
    """Without any it is not asked for."""
    source, _ = prometheus(asked, query="", queries={KEY: "ours"})
    assert source.query_of(KEY) == "ours"
    assert source.query_of("Deployment/a/b") == ""
    source.demand({"Deployment/a/b": 60})
    source.ask_all()
    assert asked.queries == []
