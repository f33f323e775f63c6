"""Words only fixture experiments may use: an action that raises, one that harms without a lease, a probe that raises."""

import os
import signal
import threading
from collections.abc import Mapping

from chaos.runs.session import cloud_of
from chaos.runs.vocabulary import Entry, words
from runtime.processes import is_running, signal_process


def raises(configuration: Mapping[str, object]) -> None:
    """Fail."""
    raise RuntimeError("on purpose")


def harm(configuration: Mapping[str, object]) -> str:
    """Kill a node without a lease: nobody will heal it."""
    for node in cloud_of(configuration).processes("ads"):
        if is_running(node.pid, node.start_ticks):
            signal_process(node.pid, node.start_ticks, signal.SIGKILL)
            return node.name
    raise RuntimeError("no node")


def end_soon(configuration: Mapping[str, object]) -> None:
    """SIGTERM to this process in a moment, as an operator or a CronJob's deadline would."""
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()


def cannot_look(configuration: Mapping[str, object]) -> bool:
    """A probe that raises."""
    raise RuntimeError("no way to look")


WORDS = words(
    Entry(kind="action", func=raises),
    Entry(kind="action", func=harm, site="public", is_fault=True),
    Entry(kind="action", func=end_soon),
    Entry(kind="probe", func=cannot_look),
)
