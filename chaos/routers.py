"""The routers of a cloud as an operator sees them: which policy is in force, read the files again."""

import os
from pathlib import Path

import msgspec

from chaos.asking import Question, ask
from chaos.cloud import Cloud

ROUTERS = ("core", "edge")
ASK_S = 5.0
"""Compiling a policy takes a tenth of a second on an idle core."""


class _Readiness(msgspec.Struct):
    """What is needed of a router's /readyz."""

    policy: str


def digests(cloud: Cloud) -> dict[str, str]:
    """The policy each router has in force; empty for one that does not answer. Raises `CloudError`."""
    return {router: _digest(cloud.endpoint(f"{router}.probe")) for router in ROUTERS}


def _digest(probe: str) -> str:
    answer = ask(probe, Question(target="/readyz"), timeout_s=ASK_S)
    try:
        return msgspec.json.decode(answer.body, type=_Readiness).policy
    except msgspec.MsgspecError:
        return ""


def reload_all(cloud: Cloud) -> dict[str, int]:
    """Tell every router to read its files again; the status each answered with. Raises `CloudError`."""
    question = Question(method="POST", target="/reload")
    return {
        router: ask(cloud.endpoint(f"{router}.admin"), question, timeout_s=ASK_S).status
        for router in ROUTERS
    }


def put_policy(cloud: Cloud, text: str) -> dict[str, int]:
    """Write the policy file whole and have it read. Raises `OSError`, `CloudError`."""
    path = Path(cloud.state().policy)
    scratch = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    scratch.write_text(text)
    scratch.replace(path)
    return reload_all(cloud)
