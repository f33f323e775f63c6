"""Twin of chaos/schedule/budget.py."""

import http.server
import threading

import pytest

from chaos.schedule.budget import read_burn
from chaos.schedule.gates import Burn
from tests.chaos.stage import HOST, Stage

TEXT = b"""\
# TYPE isthmus_router_requests_total counter
isthmus_router_requests_total{route="ads",class="public",site="public",code="200"} 990.0
isthmus_router_requests_total{route="ads",class="public",site="",code="503"} 7.0
isthmus_router_requests_total{route="orders",class="sensitive",site="private",code="404"} 3.0
isthmus_router_raised_total{route="click"} 5.0
"""


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(TEXT)))
        self.end_headers()
        self.wfile.write(TEXT)

    def log_message(self, *_args: object) -> None:
        """Quiet."""


def test_both_routers_are_counted_and_only_5xx_failed(set_stage: Stage) -> None:
    """A client's mistake burns no budget."""
    with http.server.HTTPServer((HOST, 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for router in ("core", "edge"):
            set_stage.endpoint(f"{router}.probe", f"{HOST}:{server.server_address[1]}")
        set_stage.save()
        assert read_burn(set_stage.cloud) == Burn(requests=2000, failed=14)
        server.shutdown()


@pytest.mark.parametrize("address", ["127.0.6.1:1", ""])
def test_a_router_that_cannot_be_asked_leaves_the_budget_unknown(
    set_stage: Stage, address: str
) -> None:
    """Whether it is gone or on nobody's record."""
    if address:
        set_stage.endpoint("core.probe", address)
    set_stage.save()
    assert read_burn(set_stage.cloud).unknown
