"""Numbers in groups, and the shapes that only look like one."""

import random
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.numbers import (
    SEPARATOR,
    SPREAD,
    SPREAD_RUN,
    WINDOWS_MAX,
    Crowded,
    Number,
    find_number,
    gather,
    inside_id,
)
from policy.patterns import Pattern

ANY = Pattern(rb"(?:^|[^0-9])[0-9](?:" + SEPARATOR + rb"[0-9]){10}", utf8=False).span


def seen(text: bytes) -> list[Number]:
    """Every number that is offered for `text`."""
    numbers: list[Number] = []
    find_number(
        text, ANY, check=lambda _digits: True, but_not=lambda n: bool(numbers.append(n)) or True
    )
    return numbers


def only(text: bytes, digits: bytes) -> Number:
    return next(number for number in seen(text) if number.digits == digits)


@given(st.integers(0, 2**32).map(random.Random), st.integers(1, 4))
def test_whole_groups_are_joined_over_separators(rng: random.Random, groups: int) -> None:
    """However eleven digits are split, and whatever stands around, they are offered as one."""
    cuts = sorted(rng.sample(range(1, 11), groups - 1))
    digits = "".join(rng.choices("0123456789", k=11))
    parts = [digits[a:b] for a, b in zip([0, *cuts], [*cuts, 11], strict=True)]
    text = rng.choice((" ", "-", ".", "+", " - ")).join(parts)
    for around in ("{}", "a{}b", '"{}"', "1,{},2", "x 7/{}/8"):
        found = [number.digits for number in seen(gather(around.format(text).encode()))]
        assert digits.encode() in found


def test_a_number_never_begins_inside_a_longer_one() -> None:
    """Thirteen digits offer thirteen, not eleven of them."""
    assert [number.digits for number in seen(b"1795547713123")] == [b"1795547713123"]


def test_five_separators_end_a_number() -> None:
    """What stands that far apart is two numbers; the later one is still seen."""
    text = gather(b"123456     78901 12345678901")
    assert [n.digits for n in seen(text)] == [b"7890112345678901", b"12345678901"]


@pytest.mark.parametrize(
    ("text", "gathered"),
    [
        (b"138 - 0013", b"138-0013"), (b"1  2   3", b"1-2-3"), (b"1    2", b"1-2"), (b"1     2", b"1     2"), (b"a  b", b"a  b"),
        (b"1. y", b"1. y"), (b"123  X", b"123-X"), (b"1-2", b"1-2"),
        (b"(138)0013", b"(138-0013"), (b"138_0013", b"138-0013"), (b"138/0013", b"138-0013"),
        (b"+86 (138) 0013", b"+86-138-0013"), (b"138\t0013", b"138-0013"), (b"a_b/c", b"a_b/c"),
    ],
)  # fmt: skip
def test_spread_numbers_are_gathered(text: bytes, gathered: bytes) -> None:
    """Several separators, or a rarer one, inside a number become a dash, and nothing else changes."""
    assert gather(text) == gathered


@given(st.lists(st.sampled_from(list("0123456789 .-+x")), max_size=60).map("".join))
def test_the_sign_of_spreading_misses_nothing(text: str) -> None:
    """Where gathering makes a run of eleven digits, both signs say so beforehand."""
    data = text.encode()
    gathered = gather(data)
    run = Pattern(rb"[0-9](?:[ .+\-]?[0-9]){10}", utf8=False)
    if run.span(gathered) and not run.span(data):
        assert Pattern(SPREAD, utf8=False).span(data)
        assert Pattern(SPREAD_RUN, utf8=False).span(data)


@pytest.mark.parametrize(
    ("text", "digits", "shape"),
    [
        (b"Chrome/131.0.6778.204", b"13106778204", "is_version"),
        (b"13.112.131.113", b"13112131113", "is_version"),
        (b"t=1795547713.5", b"17955477135", "is_epoch"),
        (b"r=0.6212345678901234", b"6212345678901234", "is_fraction"),
        (b"T19:15:13.123456789Z", b"13123456789", "is_clock"),
        (b"T19%3A15%3A13.123456789Z", b"13123456789", "is_clock"),
        (b"_ga=GA1.1.437545036.1795547713", b"4375450361795547713", "is_analytics"),
        (b'"0a1b2c3d4e5f12345678901fffffffff"', b"12345678901", "is_chance"),
        (b"2567-350595704453ceec50341c6f8735c4e8dc07ceb2", b"2567350595704453", "is_chance"),
    ],
)
def test_shapes_that_are_no_identifier(text: bytes, digits: bytes, shape: str) -> None:
    """Each excuse is given for its own shape."""
    assert getattr(only(text, digits), shape)


@pytest.mark.parametrize(
    ("text", "digits", "shape"),
    [
        (b"199.0047.1234", b"19900471234", "is_version"),
        (b"86.199.0047.1234", b"8619900471234", "is_version"),
        (b"1990047123.45", b"199004712345", "is_epoch"),
        (b"10.6212345678901234", b"106212345678901234", "is_fraction"),
        (b"10.6212345678901234", b"6212345678901234", "is_fraction"),
        (b"id:19900471234", b"19900471234", "is_clock"),
        (b"no 15: 199-00471234", b"19900471234", "is_clock"),
        (b"437545036.1795547713", b"4375450361795547713", "is_analytics"),
        (b"abcde19900471234", b"19900471234", "is_chance"),
        (b"tel19900471234abcdefabcdefabcdef", b"19900471234", "is_chance"),
        (b"00000000000001990047123400000000", b"00000000000001990047123400000000"[:0], "is_chance"),
    ],
)
def test_identifiers_are_not_excused(text: bytes, digits: bytes, shape: str) -> None:
    """A near miss of a shape is no excuse."""
    assert not any(getattr(number, shape) for number in seen(text) if number.digits == digits)


@given(st.uuids(), st.sampled_from(["{}", '"{}"', "evt_{}", "id={}&a=1", "%2F{}", "{}."]))
def test_digits_of_a_uuid_are_chance(value: uuid.UUID, around: str) -> None:
    """Every group of a UUID is recognised as part of it, upper case and escapes before it too."""
    for text in (str(value), str(value).upper()):
        whole = around.format(text).encode()
        start = whole.index(text.encode())
        for left, right in ((0, 8), (9, 13), (14, 18), (19, 23), (24, 36), (0, 36)):
            assert inside_id(whole, start + left, start + right)


@given(st.binary(max_size=60), st.integers(0, 60), st.integers(0, 60))
def test_id_search_takes_any_bytes(text: bytes, one: int, other: int) -> None:
    """Any span of any bytes is answered."""
    start, end = sorted((min(one, len(text)), min(other, len(text))))
    assert inside_id(text, start, end) in {True, False}


def test_a_crowd_of_digits_is_not_searched_for_ever() -> None:
    """Work is bounded: past the bound the text counts as not understood."""
    with pytest.raises(Crowded):
        find_number(b"1 " * WINDOWS_MAX, ANY, check=lambda _digits: False, but_not=lambda _n: False)
