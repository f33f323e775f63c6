"""Twin of marketing/options.py."""

import ipaddress
from pathlib import Path

import pytest

from marketing.options import parse_options

COMMON = [
    "--name",
    "n",
    "--site",
    "public",
    "--listen",
    "127.0.1.10:0",
    "--allow",
    "127.0.1.0/24",
    "--ready",
    "r.json",
]


def test_the_documented_command_line_is_understood() -> None:
    """The argv `local` uses becomes frozen options."""
    options = parse_options(["ads", *COMMON, "--control", "c.sock"])
    assert (options.service, options.host, options.port) == ("ads", "127.0.1.10", 0)
    assert options.allow == (ipaddress.ip_network("127.0.1.0/24"),)
    assert options.control == Path("c.sock")


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["clicks", *COMMON], "--kafka"),
        (["orders", *COMMON], "--dsn"),
        (["profiles", *COMMON], "--dsn"),
        (["mail", *COMMON], "choose from"),
        (["ads", *COMMON, "--listen", "nowhere"], "HOST:PORT"),
        (["ads", *COMMON, "--listen", "127.0.1.1:65536"], "HOST:PORT"),
        (["ads", *COMMON, "--allow", "127.0.1.1/24"], "--allow"),
        (["ads"], "required"),
    ],
)
def test_bad_usage_exits_with_2_and_says_what_is_expected(
    argv: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A usage error names the option at fault."""
    with pytest.raises(SystemExit) as stopped:
        parse_options(argv)
    assert stopped.value.code == 2
    assert expected in capsys.readouterr().err
