"""Identifiers for tests, built from the canary ranges that no real person has: never written out."""

import random

DIGITS = "0123456789"


def mobile(rng: random.Random) -> str:
    """A mobile number of the canary range."""
    return "1990047" + "".join(rng.choices(DIGITS, k=4))


def bank_card(rng: random.Random, *, prefix: str = "62990047", length: int = 16) -> str:
    """A card number with a right Luhn digit, computed here, not by the code under test."""
    body = prefix + "".join(rng.choices(DIGITS, k=length - 1 - len(prefix)))
    total = 0
    for place, digit in enumerate(reversed(body)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value // 10 + value % 10
    return body + str(-total % 10)


def resident_id(rng: random.Random, *, region: str = "110101") -> str:
    """A resident identity number of someone born in 1901."""
    body = (
        f"{region}1901{rng.randrange(1, 13):02d}{rng.randrange(1, 29):02d}{rng.randrange(1000):03d}"
    )
    total = sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(body))
    return body + DIGITS[(12 - total % 11) % 11] if (12 - total % 11) % 11 < 10 else body + "X"


def email(rng: random.Random) -> str:
    """An address at a reserved domain."""
    return f"canary-{rng.randrange(10**6)}@{rng.choice(('shop', 'mail', 'a.b'))}.example"


MAKERS = {
    "cn-mobile": mobile,
    "bank-card": bank_card,
    "cn-resident-id": resident_id,
    "email": email,
}
