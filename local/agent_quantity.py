"""Kubernetes quantities (`500m`, `128Mi`, `1e3`) as exact numbers. Pure."""

import re
from decimal import ROUND_CEILING, Decimal

_QUANTITY = re.compile(r"([+-]?[0-9.]+(?:[eE][+-]?[0-9]{1,2})?)([numkMGTPE]?|[KMGTPE]i)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}


class QuantityError(ValueError):
    """The text is no quantity."""


def parse_quantity(text: str) -> Decimal:
    """The number. Raises `QuantityError`."""
    match = _QUANTITY.fullmatch(text)
    if match is None or match[1].count(".") > 1 or match[1].strip("+-") == ".":
        raise QuantityError(f"{text!r}: expected a quantity such as 500m or 128Mi")
    number, unit = Decimal(match[1]), match[2]
    if unit in _BINARY:
        return number * 1024 ** _BINARY[unit]
    return number.scaleb(_DECIMAL[unit])


def millicores(text: str) -> int:
    """CPU in thousandths, rounded up as the kubelet does; empty is 0."""
    return _ceil(parse_quantity(text) * 1000) if text else 0


def whole(text: str, *, divisor: str = "1") -> int:
    """The quantity over the divisor, rounded up; empty is 0."""
    unit = parse_quantity(divisor) or Decimal(1)
    return _ceil(parse_quantity(text) / unit) if text else 0


def _ceil(number: Decimal) -> int:
    return int(number.to_integral_value(rounding=ROUND_CEILING))
