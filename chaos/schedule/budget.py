"""What the routers have counted of requests that failed: the error budget's only witness on a running cloud."""

import re

from chaos.asking import Question, ask
from chaos.cloud import Cloud, CloudError
from chaos.routers import ROUTERS
from chaos.schedule.gates import Burn

ASK_S = 5.0
_LINE = re.compile(rb"^isthmus_router_requests_total\{([^}]*)\} ([0-9.e+]+)", re.MULTILINE)
_CODE = re.compile(rb'code="(\d{3})"')


def read_burn(cloud: Cloud) -> Burn:
    """Requests and failures (5xx) of both routers since they started; `unknown` if one does not say."""
    requests = failed = 0
    for router in ROUTERS:
        try:
            answer = ask(
                cloud.endpoint(f"{router}.probe"), Question(target="/metrics"), timeout_s=ASK_S
            )
        except CloudError as error:
            return Burn(unknown=str(error))
        if answer.status != 200:
            return Burn(unknown=f"router {router}: {answer.end}, status {answer.status}")
        for labels, value in _LINE.findall(answer.body):
            code = _CODE.search(labels)
            count = int(float(value))
            requests += count
            failed += count if code is not None and code[1].startswith(b"5") else 0
    return Burn(requests=requests, failed=failed)
