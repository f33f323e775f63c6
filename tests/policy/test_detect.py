"""Detectors over every reading of a text."""

import random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policy.detect import DETECTORS, Detector, Scanner, SelfTestError
from policy.model import CustomDetector, Policy, Reason
from tests.policy.disguises import disguise
from tests.policy.identifiers import MAKERS, bank_card, email, mobile, resident_id
from tests.policy.samples import demo_policy

SCANNER = Scanner(demo_policy())
seeds = st.integers(0, 2**32).map(random.Random)


def with_custom(*rules: CustomDetector) -> Scanner:
    return Scanner(msgspec.structs.replace(demo_policy(), custom_detectors=rules, detectors=()))


@given(
    seeds,
    st.sampled_from(sorted(MAKERS)),
    st.sampled_from(["{}", "a={}&b", '"{}"', "x{}y", "({})", "1,{},2"]),
)
def test_each_identifier_is_found_whatever_stands_around(
    rng: random.Random, kind: str, around: str
) -> None:
    """Letters, quotes and commas are no part of a number."""
    if kind == "email" and around == "x{}y":
        around = "x {} y"
    text = around.format(MAKERS[kind](rng)).encode()
    assert SCANNER.find(text) == Reason(rule="detector", detail=kind)


@given(seeds, st.sampled_from(sorted(MAKERS)), st.integers(1, 3))
def test_no_disguise_hides_an_identifier(rng: random.Random, kind: str, depth: int) -> None:
    """Escapes, widths and separators, alone or stacked, are seen through or not trusted."""
    found = SCANNER.find(b'{"note":"' + disguise(rng, MAKERS[kind](rng), depth).encode() + b'"}')
    assert found is not None
    assert found.rule in {"detector", "unreadable"}


@given(seeds, st.sampled_from(["+86", "0086", "86", "+86 ", "86-", "0"]))
def test_country_codes_are_part_of_a_mobile(rng: random.Random, prefix: str) -> None:
    """With or without a separator after them."""
    assert SCANNER.find((prefix + mobile(rng)).encode()) is not None


@pytest.mark.parametrize(
    "text",
    [
        "1795547713123", "ts=1795547713", "2026-11-24T19:15:13.123456789Z", "20261124191513",
        "Chrome/131.0.6778.204 Safari/537.36", "13.112.131.113", "logo@2x.png",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "0.6212345678901234",
        "b-abcdefghijklmnopqrstuvwx", "@context", "a@b", "1990047123", "199004712345",
    ],
)  # fmt: skip
def test_what_only_looks_like_an_identifier_is_left_alone(text: str) -> None:
    """Times, versions, addresses, ids and near misses."""
    assert SCANNER.find(text.encode()) is None


@given(seeds, st.sampled_from(["bank-card", "cn-resident-id"]))
def test_a_wrong_check_digit_is_no_identifier(rng: random.Random, kind: str) -> None:
    """A digit string of the right length and prefix is not enough."""
    value = MAKERS[kind](rng)
    wrong = value[:-1] + str((int(value[-1]) + 1) % 10 if value[-1] != "X" else 0)
    assert SCANNER.find(wrong.encode()) is None


@given(st.binary(max_size=500))
def test_any_bytes_are_answered(data: bytes) -> None:
    """Total: a reason or None."""
    found = SCANNER.find(data)
    assert found is None or found.rule in {"detector", "unreadable"}


@given(seeds, st.lists(st.sampled_from(list("0123456789 .-+x@%\\\n")), max_size=300))
def test_noise_before_never_hides(rng: random.Random, noise: list[str]) -> None:
    """A suspect that is cleared does not stop the search for the next one."""
    text = "".join(noise) + "\n" + rng.choice((mobile, bank_card, resident_id, email))(rng)
    assert SCANNER.find(text.encode()) is not None


@settings(max_examples=5, deadline=None)
@given(seeds)
def test_a_megabyte_of_hostile_digits_does_not_blind_the_scan(rng: random.Random) -> None:
    """The automaton's cache is bounded and flushed; what it is made to forget does not hide a number."""
    noise = "".join(rng.choices("0123456789 .-x", k=1 << 20))
    assert SCANNER.find((noise + "\n" + mobile(rng)).encode()) is not None


def test_own_detectors_match_and_check() -> None:
    """The pattern proposes, the check decides."""
    scanner = with_custom(CustomDetector(id="member-no", pattern="VIP[0-9]{10}", check="luhn"))
    card = bank_card(random.Random(1), prefix="1", length=10)
    wrong = card[:-1] + str((int(card[-1]) + 1) % 10)
    assert scanner.find(f"id VIP{card}".encode()) == Reason(rule="detector", detail="member-no")
    assert scanner.find(f"VIP{wrong}".encode()) is None
    assert scanner.find(f"VIP{wrong} VIP{card}".encode()) is not None
    assert scanner.find(f"%56IP{card}".encode()) is not None


def test_own_detectors_may_overlap_and_speak_unicode() -> None:
    """A first match that fails its check does not hide one that begins inside it."""
    number = resident_id(random.Random(2)).encode()
    scanner = with_custom(
        CustomDetector(id="id", pattern="[0-9]{17}[0-9X]", check="mod11-2"),
        CustomDetector(id="plate", pattern="[京沪]A[0-9]{5}", check="none"),
    )
    assert scanner.find(b"9" + number) == Reason(rule="detector", detail="id")
    assert scanner.find("沪A12345".encode()) == Reason(rule="detector", detail="plate")


def test_too_many_matches_of_an_own_detector_are_not_trusted() -> None:
    """Work is bounded; the answer past the bound is the careful one."""
    scanner = with_custom(CustomDetector(id="digit", pattern="[0-9]", check="mod11-2"))
    assert scanner.find(b"1" * 2000) == Reason(rule="unreadable", detail="crowded")


def test_a_scan_that_misses_its_own_example_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """The self-test runs at every compilation."""
    blind = Detector(
        id="email", suspect=DETECTORS["email"].suspect, confirm=lambda _text, _locate: False,
        example=DETECTORS["email"].example,
    )  # fmt: skip
    monkeypatch.setitem(DETECTORS, "email", blind)
    with pytest.raises(SelfTestError, match="email"):
        Scanner(demo_policy())


def test_only_enabled_detectors_speak() -> None:
    """The policy chooses."""
    policy: Policy = msgspec.structs.replace(demo_policy(), detectors=("email",))
    scanner = Scanner(policy)
    assert scanner.find(mobile(random.Random(1)).encode()) is None
    assert scanner.find(email(random.Random(1)).encode()) is not None
