"""Exact checks against independent constructions."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy import checks
from tests.policy.identifiers import bank_card, mobile, resident_id

seeds = st.integers(0, 2**32).map(random.Random)


@given(seeds, st.sampled_from(["4", "51", "2221", "62", "3530", "6011"]))
def test_a_right_luhn_digit_is_accepted_and_every_wrong_one_refused(
    rng: random.Random, prefix: str
) -> None:
    """Of ten last digits exactly the computed one passes."""
    card = bank_card(rng, prefix=prefix).encode()
    passing = [digit for digit in b"0123456789" if checks.luhn(card[:-1] + bytes([digit]))]
    assert passing == [card[-1]]


@given(st.binary(max_size=30))
def test_luhn_takes_any_bytes(data: bytes) -> None:
    """Bytes that are no digits are refused, not an error."""
    assert checks.luhn(data) in {True, False}
    assert not checks.luhn(data + b"x")


@pytest.mark.parametrize(
    ("prefix", "length", "issued"),
    [
        ("62", 16, True), ("62", 19, True), ("62", 15, False), ("4", 13, True), ("4", 16, True),
        ("4", 14, False), ("4", 19, True), ("51", 16, True), ("55", 16, True), ("55", 15, False),
        ("2221", 16, True), ("2720", 16, True), ("2220", 16, False), ("2721", 16, False),
        ("34", 15, True), ("37", 15, True), ("300", 14, True), ("36", 14, True), ("35", 16, True),
        ("6011", 16, True), ("65", 16, True), ("955", 19, True), ("81", 16, True),
        ("1", 16, False), ("7", 16, False), ("0", 16, False), ("90", 16, False),
    ],
)  # fmt: skip
def test_cards_need_an_issuer_prefix_and_that_issuers_length(
    prefix: str, length: int, *, issued: bool
) -> None:
    """Luhn alone is not a card."""
    card = bank_card(random.Random(1), prefix=prefix, length=length).encode()
    assert checks.luhn(card)
    assert checks.bank_card(card) is issued


@given(seeds, st.sampled_from(["", "86", "0086", "0"]))
def test_mobiles_may_have_a_country_code(rng: random.Random, prefix: str) -> None:
    """86, 0086 and the trunk 0 are part of the number; anything else in front is not."""
    number = mobile(rng)
    assert checks.cn_mobile((prefix + number).encode())
    assert not checks.cn_mobile(f"85{number}".encode())


@pytest.mark.parametrize("second", range(10))
def test_mobiles_start_with_13_to_19(second: int) -> None:
    """The numbering plan has no mobile below 13."""
    assert checks.cn_mobile(f"1{second}".encode() + b"0" * 9) is (second >= 3)


def test_a_thirteen_digit_epoch_is_no_mobile() -> None:
    """Milliseconds since 1970 begin like a phone but are two digits too long."""
    assert not checks.cn_mobile(b"1795547713123")


@given(seeds)
def test_resident_ids_need_their_check_character(rng: random.Random) -> None:
    """Of eleven last characters exactly one passes, in either case."""
    number = resident_id(rng).encode()
    passing = [
        check for check in b"0123456789X" if checks.cn_resident_id(number[:-1] + bytes([check]))
    ]
    assert passing == [number[-1]]
    assert checks.cn_resident_id(number.lower())


@pytest.mark.parametrize("region", ["00", "10", "16", "38", "99"])
def test_resident_ids_need_a_province(region: str) -> None:
    """A right check character over a region that does not exist is chance."""
    number = resident_id(random.Random(1), region=region + "0101").encode()
    assert checks.mod11_2(number)
    assert not checks.cn_resident_id(number)


@pytest.mark.parametrize("date", ["19010230", "19011301", "19010001", "18991231", "21000101"])
def test_resident_ids_need_a_real_date(date: str) -> None:
    """A right check character over a day that does not exist is chance."""
    body = f"110101{date}000"
    number = next(
        number for check in "0123456789X" if checks.mod11_2(number := f"{body}{check}".encode())
    )
    assert not checks.cn_resident_id(number)


@pytest.mark.parametrize(
    ("text", "deliverable"),
    [
        (b"a@shop.example", True), (b"logo@2x.png", False), (b"vue@3.5.1.min.js", False),
        (b"a@163.com", True), (b"@shop.example", False), (b"a@b..example", False),
    ],
)  # fmt: skip
def test_asset_names_are_no_addresses(text: bytes, *, deliverable: bool) -> None:
    """A file ending after the @ tells an asset from a mailbox."""
    assert checks.email(text) is deliverable


@pytest.mark.parametrize(
    ("address", "found"),
    [
        (b"canary-a@a.example.png", True), (b"canary-a@a.example.json", True), (b"c@mail.com.min.js", True),
        (b"logo@2x.png", False), (b"vue@3.min.js", False), (b"core@3.1.0.esm.js", False), (b"a@png", False),
    ],
)  # fmt: skip
def test_a_file_ending_after_an_address_does_not_excuse_it(*, address: bytes, found: bool) -> None:
    """An asset's name has no domain before its ending; an avatar called after its owner has."""
    assert checks.email(address) is found
