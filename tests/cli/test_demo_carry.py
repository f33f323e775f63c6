"""What a run tells while it goes; the whole of it is shown by test_demo_run.py and tests/e2e."""

import io

from rich.console import Console

from cli.demo_carry import Narrator


def test_the_narrator_tells_minutes_and_seconds() -> None:
    """Each line starts with the time since the command began."""
    told = io.StringIO()
    Narrator(Console(file=told))("hello")
    assert told.getvalue() == "  0:00  hello\n"
