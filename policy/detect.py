"""Detectors: what an identifier of a person looks like, and the scan that finds one in any reading of a text.

One RE2 set over each reading names suspects in one pass; an exact check then confirms or clears each.
To add a detector, write its exact check and append it to `DETECTORS`: policy, loader and schema follow.
"""

import re
from collections.abc import Callable, Iterator, Sequence

from policy import checks
from policy.model import CustomDetector, DetectorId, Model, Policy, Reason
from policy.numbers import (
    SEPARATOR,
    SPREAD,
    SPREAD_RUN,
    WINDOWS_MAX,
    Crowded,
    Locate,
    Number,
    find_number,
    gather,
)
from policy.patterns import Pattern, PatternSet
from policy.views import Unreadable, readings

Confirm = Callable[[bytes, Locate], bool]


class Detector(Model, frozen=True, kw_only=True):
    """A built-in detector.

    `suspect` is an RE2 pattern over bytes that misses nothing `confirm` accepts; `confirm` is given the text
    and a way to find the suspects in it. `example` is built, not real: every compiled scan must find it.
    """

    id: DetectorId
    suspect: bytes
    confirm: Confirm
    example: bytes


_EDGE = rb"(?:^|$|[^0-9])"
_S = SEPARATOR


def _digits_of(check: Callable[[bytes], bool], but_not: Callable[[Number], bool]) -> Confirm:
    return lambda text, locate: find_number(text, locate, check=check, but_not=but_not)


def _mobile_excuse(number: Number) -> bool:
    return (
        number.is_version
        or number.is_epoch
        or number.is_clock
        or number.is_fraction
        or number.is_chance
    )


def _card_excuse(number: Number) -> bool:
    return number.is_fraction or number.is_analytics or number.is_chance


def _resident_excuse(number: Number) -> bool:
    return number.is_chance


_LOCAL = rb"[0-9A-Za-z._%+\-\x80-\xff]"
_LABEL = rb"[0-9A-Za-z\-\x80-\xff]"
_ADDRESS = re.compile(
    _LOCAL + rb"{1,64}@(?:" + _LABEL + rb"{1,63}\.){1,8}(?:[A-Za-z]{2,24}|xn--[0-9a-z\-]{2,59})"
    rb"(?![0-9A-Za-z\-])"
)


def _find_email(text: bytes, _locate: Locate) -> bool:
    at = -1
    for _ in range(WINDOWS_MAX):
        at = text.find(b"@", at + 1)
        if at < 0:
            return False
        start = at
        while start > max(0, at - 64) and _LOCAL_BYTE.match(text, start - 1):
            start -= 1
        found = _ADDRESS.match(text, start) if start < at else None
        if found and checks.email(found[0]):
            return True
    raise Crowded


_LOCAL_BYTE = re.compile(_LOCAL)

DETECTORS: dict[DetectorId, Detector] = {
    detector.id: detector
    for detector in (
        Detector(
            id="cn-mobile",
            suspect=_EDGE + rb"(?:(?:00)?86" + _S + rb"|0" + _S + rb")?1" + _S
            + rb"[3-9](?:" + _S + rb"[0-9]){9}" + _EDGE,
            confirm=_digits_of(checks.cn_mobile, _mobile_excuse),
            example=b"1990047" + b"0000",
        ),
        Detector(
            id="cn-resident-id",
            suspect=_EDGE + rb"[1-9](?:" + _S + rb"[0-9]){16}" + _S + rb"[0-9Xx]" + _EDGE,
            confirm=_digits_of(checks.cn_resident_id, _resident_excuse),
            example=b"110101" + b"19010101" + b"0003",
        ),
        Detector(
            id="bank-card",
            suspect=_EDGE + rb"(?:4|2" + _S + rb"[2-7]|3" + _S + rb"[04-9]|5" + _S + rb"[0-8]|6"
            + _S + rb"[024579]|8" + _S + rb"1|9" + _S + rb"5)(?:" + _S + rb"[0-9]){11,18}" + _EDGE,
            confirm=_digits_of(checks.bank_card, _card_excuse),
            example=b"62990047" + b"00000002",
        ),
        Detector(
            id="email",
            suspect=_LOCAL + rb"@(?:" + _LABEL + rb"+\.)+[A-Za-z]{2}",
            confirm=_find_email,
            example=b"canary-0@self-test.example",
        ),
    )
}  # fmt: skip


class SelfTestError(Exception):
    """A compiled scan that does not find its own example; it must not be used."""


class Scanner:
    """All detectors a policy enables, compiled."""

    def __init__(self, policy: Policy) -> None:
        """Raises `SelfTestError`, or `PatternFault` for a custom pattern."""
        self._built_in = tuple(DETECTORS[name] for name in policy.detectors)
        self._custom = tuple(_Custom(rule) for rule in policy.custom_detectors)
        self._locate = tuple(Pattern(d.suspect, utf8=False).span for d in self._built_in)
        # The last pattern is no suspect: it says that numbers may have to be gathered first.
        self._suspects = PatternSet([*(d.suspect for d in self._built_in), SPREAD], utf8=False)
        self._spread_run = Pattern(SPREAD_RUN, utf8=False)
        self._customs = PatternSet(
            [rule.pattern.encode() for rule in policy.custom_detectors], utf8=True
        )
        for detector in self._built_in:
            if detector.id not in self._detected(b"=" + detector.example + b"&"):
                raise SelfTestError(f"detector {detector.id} does not find its own example")

    def find(self, text: bytes) -> Reason | None:
        """What makes `text` sensitive in any of its readings, if anything does; `where` is left empty."""
        try:
            for detector in self._detected(text):
                return Reason(rule="detector", detail=detector)
            for reading in readings(text):
                for detector in self._detected(reading):
                    return Reason(rule="detector", detail=detector)
        except Unreadable as unreadable:
            return Reason(rule="unreadable", detail=unreadable.why)
        except Crowded:
            return Reason(rule="unreadable", detail="crowded")
        return None

    def _detected(self, text: bytes) -> Iterator[DetectorId]:
        spread = len(self._built_in)
        suspects = self._suspects.match(text)
        yield from self._confirmed(text, suspects)
        if spread in suspects and self._spread_run.span(text):
            gathered = gather(text)
            yield from self._confirmed(gathered, self._suspects.match(gathered))
        if self._custom:
            for index in self._customs.match(text):
                custom = self._custom[index]
                if custom.confirm(text):
                    yield custom.id

    def _confirmed(self, text: bytes, suspects: Sequence[int]) -> Iterator[DetectorId]:
        for index in suspects:
            if index < len(self._built_in):
                detector = self._built_in[index]
                if detector.confirm(text, self._locate[index]):
                    yield detector.id


class _Custom:
    """A user's detector: the pattern's matches, overlapping ones too, put to its exact check."""

    _MATCHES_MAX = 1024

    def __init__(self, rule: CustomDetector) -> None:
        self.id = rule.id
        self._pattern = Pattern(rule.pattern.encode(), utf8=True)
        self._check = _CUSTOM_CHECKS[rule.check]

    def confirm(self, text: bytes) -> bool:
        start = 0
        for _ in range(self._MATCHES_MAX):
            span = self._pattern.span(text, start)
            if span is None:
                return False
            if self._check(text[span[0] : span[1]]):
                return True
            start = span[0] + 1
        raise Crowded


def _keep_digits(check: Callable[[bytes], bool]) -> Callable[[bytes], bool]:
    return lambda text: check(bytes(code for code in text if code in b"0123456789Xx"))


_CUSTOM_CHECKS: dict[str, Callable[[bytes], bool]] = {
    "none": lambda _text: True,
    "luhn": _keep_digits(checks.luhn),
    "mod11-2": _keep_digits(checks.mod11_2),
}
