import string
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtest.canary import (
    CAPACITY,
    DETECTORS,
    PLACES,
    canary_value,
    clean_phone,
    escape_all,
    gzip_around,
    letters,
    luhn_digit,
    mod_11_2_digit,
    percent,
    planting,
    planting_in_sensitive,
    slot_of,
)

INDEX = st.integers(0, 10**8)


def luhn_holds(number: str) -> bool:
    doubled = [int(c) * (1 + i % 2) for i, c in enumerate(reversed(number))]
    return sum(d // 10 + d % 10 for d in doubled) % 10 == 0


def mod_11_2_holds(number: str) -> bool:
    check = 0
    for char in number[:17]:
        check = (check + int(char)) * 2 % 11
    return (check + (10 if number[17] == "X" else int(number[17]))) % 11 == 1


@given(INDEX)
def test_mobiles_come_from_their_range(index):
    """A mobile canary is the reserved prefix and four digits."""
    value = canary_value("cn-mobile", index)
    assert value.startswith("1990047")
    assert len(value) == 11
    assert value.isdigit()


@given(INDEX)
def test_cards_come_from_their_range_and_pass_luhn(index):
    """A card canary has sixteen digits, the reserved prefix and a valid check digit."""
    value = canary_value("bank-card", index)
    assert value.startswith("62990047")
    assert len(value) == 16
    assert luhn_holds(value)


@given(INDEX)
def test_resident_ids_come_from_their_range_and_pass_mod_11_2(index):
    """A resident id canary is of 1901, of the reserved region and has a valid check character."""
    value = canary_value("cn-resident-id", index)
    assert value.startswith("1101011901")
    assert "0101" <= value[10:14] <= "1231"
    assert len(value) == 18
    assert mod_11_2_holds(value)


@given(INDEX)
def test_addresses_come_from_their_range(index):
    """An email canary says that it is one and belongs to a reserved domain."""
    value = canary_value("email", index)
    assert value.startswith("canary-")
    assert value.endswith(".example")
    assert not any(char.isdigit() for char in value)


@pytest.mark.parametrize("detector", DETECTORS)
def test_values_of_a_range_differ(detector):
    """Neighbouring indices name different values, so a tap's hit names one canary."""
    count = min(2000, CAPACITY[detector])
    assert len({canary_value(detector, index) for index in range(count)}) == count


@given(st.text(string.digits, min_size=15, max_size=15))
def test_luhn_digit_completes_any_body(body):
    """The digit computed makes every body valid."""
    assert luhn_holds(body + luhn_digit(body))


@given(st.text(string.digits, min_size=17, max_size=17))
def test_mod_11_2_character_completes_any_body(body):
    """The character computed makes every body valid."""
    assert mod_11_2_holds(body + mod_11_2_digit(body))


@given(st.integers(0, 10**7))
def test_clean_phones_stay_out_of_the_canary_range(index):
    """Clean traffic never uses a canary's value."""
    assert not clean_phone(index).startswith("1990047")
    assert len(clean_phone(index)) == 11


@given(st.integers(0, 26**7 - 1))
def test_letters_count_without_digits(number):
    """A counter written in letters can be read back, so different counts differ."""
    text = letters(number, 7)
    assert text.isalpha()
    assert text.islower()
    total = 0
    for char in text:
        total = total * 26 + ord(char) - 97
    assert total == number


def test_the_cycle_covers_every_place_with_every_detector_that_fits():
    """A few hundred canaries stand in all nine places, with all detectors but emails in full width."""
    seen = {slot_of(ordinal)[:2] for ordinal in range(9 * 4)}
    expected = {(place, detector) for place in PLACES for detector in DETECTORS}
    assert seen == expected - {("fullwidth", "email")}


def test_the_cycle_covers_every_variant():
    """Both cookies, both full-width carriers and all hiding places of a public route come up."""
    seen = {(slot_of(n)[0], *slot_of(n)[2]) for n in range(9 * 4 * 12)}
    assert {one for one in seen if one[0] == "cookie"} == {
        ("cookie", "ads", "plain"), ("cookie", "ads", "cookie_listed"),
    }  # fmt: skip
    assert {one[1] for one in seen if one[0] == "fullwidth"} == {"ads", "click"}
    assert {one[2] for one in seen if one[0] == "public_route"} == {
        "separators", "escapes", "nested", "query",
    }  # fmt: skip


@given(st.integers(0, 2000), INDEX)
def test_a_planting_says_value_and_form(ordinal, index):
    """Undoing the place's own spelling gives the value back."""
    planted = planting(ordinal, identity=ordinal + 1, index=index)
    assert planted.value == canary_value(planted.detector, index)
    folded = "".join(chr(ord(c) - 0xFEE0) if "０" <= c <= "９" else c for c in planted.text)
    if planted.spelling == "separators":
        assert folded.replace("-", "").replace(" ", "") == planted.value
    else:
        assert folded == planted.value
    assert planted.form


def test_sensitive_plantings_stand_in_json():
    """An order's canary is written as it is."""
    planted = planting_in_sensitive("order", identity=3, index=5, detector="bank-card")
    assert planted.form.decode() == planted.value == canary_value("bank-card", 5)


@given(st.binary(max_size=200), st.binary(min_size=1, max_size=40), st.binary(max_size=50))
def test_a_gzip_block_is_the_same_in_every_body(before, middle, after):
    """The compressed form of a canary does not depend on what surrounds it, and the body inflates."""
    body, block = gzip_around(before, middle, after)
    assert zlib.decompress(body, 31) == before + middle + after
    assert block in body
    assert block == gzip_around(b"", middle, b"")[1]


def test_spellings_undo_to_the_text():
    """Percent and JSON escapes are what their decoders expect."""
    assert percent("a1@-１") == "a1%40-%EF%BC%91"
    assert escape_all("1a") == "\\u0031\\u0061"
