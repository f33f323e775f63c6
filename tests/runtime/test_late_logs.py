"""Twin of runtime/late_logs.py, in a process of its own: it is about what is imported when."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = """
import logging, sys
from runtime.late_logs import set_up_late_logs
set_up_late_logs("ad-1")
log = logging.getLogger("aiohttp.server")
log.debug("nobody reads this")
assert "structlog" not in sys.modules
for number in range(2):
    log.warning("odd %s", "1" + "39" + "00000000")
assert "structlog" in sys.modules
"""


def test_structlog_comes_with_the_first_line_and_redacts_it() -> None:
    """Nothing is imported until a line is logged; that line and the next come out once, redacted."""
    run = subprocess.run(
        [sys.executable, "-c", CODE], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    lines = [json.loads(line) for line in run.stderr.splitlines()]
    assert [line["event"] for line in lines] == ["odd [redacted]"] * 2
    assert {line["process"] for line in lines} == {"ad-1"}
