"""Exact checks on what a pattern found: is this digit string really such an identifier?

Sources: Luhn, ISO/IEC 7812-1 annex B; issuer prefixes, the networks' published ranges; resident identity
number, GB 11643-1999 (ISO 7064 MOD 11-2, region codes of GB/T 2260); mobile prefixes, MIIT numbering plan.
"""

import datetime as dt
import re

_DOUBLED = bytes(ord("0") + (value * 2 - 9 if value > 4 else value * 2) for value in range(10))
_DOUBLE = bytes.maketrans(b"0123456789", _DOUBLED)


def luhn(digits: bytes) -> bool:
    """Whether the last digit is the Luhn check digit of the rest."""
    if not digits.isdigit():
        return False
    doubled = digits[-2::-2].translate(_DOUBLE)
    return (sum(digits[-1::-2]) + sum(doubled) - 48 * len(digits)) % 10 == 0


# Issuer prefixes and the lengths each network issues. 62 and 955 are UnionPay and older Chinese bank cards.
_CARD = re.compile(
    rb"62[0-9]{14,17}|955[0-9]{13,16}|60[0-9]{14,17}|4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"
    rb"|5[1-5][0-9]{14}|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}"
    rb"|3[47][0-9]{13}|3(?:0[0-59]|[689][0-9])[0-9]{11,16}|35[0-9]{14,17}|6[45][0-9]{14,17}"
    rb"|(?:50|5[6-8]|67|69)[0-9]{14,17}|81[0-9]{14,17}"
)


def bank_card(digits: bytes) -> bool:
    """Whether `digits` has an issuer prefix, a length that issuer uses (13–19) and a Luhn check digit."""
    return _CARD.fullmatch(digits) is not None and luhn(digits)


_MOBILE = re.compile(rb"(?:(?:00)?86|0)?1[3-9][0-9]{9}")


def cn_mobile(digits: bytes) -> bool:
    """Whether `digits` is a mainland mobile number, with or without 86, 0086 or the trunk 0 before it."""
    return _MOBILE.fullmatch(digits) is not None


_PROVINCES = frozenset(
    b"11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54"
    b" 61 62 63 64 65 71 81 82 83 91".split()
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = b"10X98765432"
_BORN_FIRST, _BORN_LAST = 1900, 2099


def mod11_2(number: bytes) -> bool:
    """Whether the last character is the ISO 7064 MOD 11-2 check character of 17 digits before it."""
    body, check = number[:17], number[17:].upper()
    if len(number) != 18 or not body.isdigit():
        return False
    total = sum(weight * (digit - 48) for weight, digit in zip(_WEIGHTS, body, strict=True))
    return check == _CHECK[total % 11 : total % 11 + 1]


def cn_resident_id(number: bytes) -> bool:
    """Whether `number` is an 18-character resident identity number: province, real date, MOD 11-2."""
    if number[:2] not in _PROVINCES or not mod11_2(number):
        return False
    try:
        born = dt.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return False
    return _BORN_FIRST <= born.year <= _BORN_LAST


# File endings that follow an `@` in asset names (`logo@2x.png`, `vue@3.min.js`) and are no top-level domain.
_NO_DOMAIN = frozenset(
    b"js mjs cjs css map png jpg jpeg gif webp svg avif ico json html htm woff woff2 ttf wasm"
    b" tsx jsx vue min module esm".split()
)


def email(address: bytes) -> bool:
    """Whether `address` can be delivered to: local part ≤ 64 bytes, and a domain that is no file name."""
    local, _, domain = address.rpartition(b"@")
    labels = domain.lower().split(b".")
    while labels and labels[-1] in _NO_DOMAIN:
        labels.pop()
    # `a@shop.example.png` is an address with a file ending: what is left before it still is a domain
    return bool(local) and len(labels) > 1 and labels[-1].isalpha() and b"" not in labels
