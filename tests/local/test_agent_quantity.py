"""Kubernetes quantities."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.agent_quantity import QuantityError, millicores, parse_quantity, whole


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", "1"), ("500m", "0.5"), ("1.5", "1.5"), ("128Mi", str(128 << 20)), ("1e3", "1000"),
     ("2k", "2000"), ("1Gi", str(1 << 30)), ("0", "0"), ("100n", "0.0000001"), (".5", "0.5")],
)  # fmt: skip
def test_a_quantity_is_exact(text, number) -> None:
    """Suffixes of both kinds, exponents, fractions."""
    assert parse_quantity(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "1 Mi", "Mi", "1MiB", ".", "-"])
def test_what_is_no_quantity_is_refused(text) -> None:
    """The message repeats the text."""
    with pytest.raises(QuantityError, match="expected a quantity"):
        parse_quantity(text)


def test_fractions_are_rounded_up() -> None:
    """A limit is never smaller than asked for by rounding."""
    assert millicores("0.0001") == 1
    assert whole("1025", divisor="1Ki") == 2
    assert whole("") == millicores("") == 0


@given(number=st.integers(0, 10**9), unit=st.sampled_from(["", "k", "M", "Ki", "Mi"]))
def test_whole_numbers_of_a_unit_come_back(number, unit) -> None:
    """Dividing by the unit gives the number."""
    assert whole(f"{number}{unit}", divisor=f"1{unit}") == number
