"""The protocol without the SDK."""

import subprocess
import sys


def test_the_sdk_itself_is_not_imported() -> None:
    """It would cost a second at each start, several times per command."""
    code = (
        "import sys, toolchain.language_protocol as p; p.language.RunRequest();"
        "print(any(it.startswith(('pulumi.output', 'pulumi.resource')) for it in sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout == "False\n"


def test_where_the_sdk_is_loaded_already_it_stays() -> None:
    """Somebody who imported it keeps the whole of it."""
    code = "import pulumi, toolchain.language_protocol; print(pulumi.Output.__name__)"
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout == "Output\n"
