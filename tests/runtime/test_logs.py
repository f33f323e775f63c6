"""Twin of runtime/logs.py: what must never stand in a log, whoever writes the line."""

import io
import json
import logging
import random
import re
import string
import sys
import unicodedata
import urllib.parse
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from runtime.logs import MASK, redact_text, redact_value, set_up_logs

surroundings = st.text(max_size=30)
seeds = st.randoms(use_true_random=False)


def mobile(rng: random.Random) -> str:
    return f"1{rng.choice('3456789')}{rng.randrange(10**9):09}"


def luhn(digits: str) -> str:
    total = sum(
        sum(divmod(int(digit) * (2 if n % 2 == 0 else 1), 10))
        for n, digit in enumerate(reversed(digits))
    )
    return f"{digits}{-total % 10}"


def card(rng: random.Random) -> str:
    return luhn(f"62{rng.randrange(10**13):013}")


def resident_id(rng: random.Random) -> str:
    body = f"{rng.randrange(110000, 659999)}{rng.randrange(1930, 2020)}{rng.randrange(1, 13):02}"
    body += f"{rng.randrange(1, 29):02}{rng.randrange(1000):03}"
    remainder = sum(int(digit) * 2 ** (17 - n) for n, digit in enumerate(body)) % 11
    return body + "10X98765432"[remainder]


def grouped(number: str, rng: random.Random) -> str:
    separator = rng.choice([" ", "-", ".", "_", "/"])
    size = rng.randrange(2, 6)
    return separator.join(number[at : at + size] for at in range(0, len(number), size))


def spelled(number: str, rng: random.Random) -> str:
    match rng.randrange(5):
        case 0:
            return number
        case 1:
            return grouped(number, rng)
        case 2:
            return number.translate({ord(d): ord(d) + 0xFEE0 for d in string.digits})
        case 3:
            return "".join(f"%{ord(char):02X}" if char.isdigit() else char for char in number)
        case _:
            return "".join(f"\\u{ord(char):04x}" if char.isdigit() else char for char in number)


def plain(text: str) -> str:
    """What a patient reader could make of it: escapes undone, widths folded, separators dropped."""
    text = re.sub(r"\\u003(\d)", r"\1", text)
    text = unicodedata.normalize("NFKC", urllib.parse.unquote(text))
    return re.sub(r"[\s.\-_/()]", "", text)


@pytest.mark.parametrize("number", [mobile, card, resident_id])
@given(before=surroundings, after=surroundings, rng=seeds)
def test_no_number_of_a_person_survives_in_any_text(
    number, before: str, after: str, rng: random.Random
) -> None:
    """Mobile, card and resident id, in any spelling, between any characters, are masked."""
    value = number(rng)
    redacted = redact_text(f"{before}{spelled(value, rng)}{after}")
    if value not in plain(f"{before}|{after}"):
        assert value not in plain(redacted)
    assert MASK in redacted


@given(before=surroundings, after=surroundings, rng=seeds)
def test_no_email_survives_in_any_text(before: str, after: str, rng: random.Random) -> None:
    """The local part is gone, whichever way the @ is written."""
    local = "".join(rng.choice(string.ascii_lowercase) for _ in range(12))
    at = rng.choice(["@", "%40", "＠", r"\u0040"])
    assert local not in redact_text(f"{before}{local}{at}shop.example{after}")


@pytest.mark.parametrize(
    "text",
    ["router.refused", "127.0.1.11:39377", "2026-11-24T19:57:06.123456Z", "0123456789", "ad-1", ""],
)
def test_what_operators_need_is_kept(text: str) -> None:
    """Event names, addresses, timestamps and short numbers are not touched."""
    assert redact_text(text) == text


@pytest.mark.parametrize(
    ("key", "value", "kept"),
    [
        ("at_ns", 10**18, 10**18),
        ("pid", 4_194_304, 4_194_304),
        ("phone", 10**10, MASK),
        ("phone", 1.9e10, MASK),
        ("share", 0.3, 0.3),
        ("ok", True, True),
        ("why", None, None),
        ("body", b"secret", "[6 bytes]"),
        ("Authorization", "x", MASK),
        ("dsn", "x", MASK),
    ],
)
def test_a_field_is_kept_by_its_key_and_kind(key: str, value: object, kept: object) -> None:
    """Large numbers need a unit in their key, secrets have none, bytes only a length."""
    assert redact_value(key, value) == kept


@given(seeds)
def test_nested_values_are_redacted_like_text(rng: random.Random) -> None:
    """A number inside a list or a mapping does not slip through."""
    value = mobile(rng)
    assert value not in str(redact_value("seen", [{"phone": value}, (int(value),)]))


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is written to stderr; logging is put back afterwards."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr(sys, "stderr", stream)
    set_up_logs("unit")
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_every_line_passes_redaction_ours_and_a_librarys(lines: io.StringIO) -> None:
    """Structlog events, stdlib records and tracebacks come out as JSON without the number."""
    value = mobile(random.Random(1))
    structlog.stdlib.get_logger().info("router.refused", detail=f"call {value}", wait_ms=3)
    logging.getLogger("library").warning("odd request %s", value)
    try:
        int(f"x{value}")
    except ValueError:
        structlog.stdlib.get_logger().exception("router.crashed")
    written = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [line["level"] for line in written] == ["info", "warning", "error"]
    assert {line["process"] for line in written} == {"unit"}
    assert written[0]["wait_ms"] == 3
    assert "ValueError" in written[2]["exception"]
    assert value not in lines.getvalue()


def test_levels_below_the_chosen_one_cost_no_line(lines: io.StringIO) -> None:
    """Debug is silent by default."""
    structlog.stdlib.get_logger().debug("router.detail")
    assert lines.getvalue() == ""
