"""Generated identifiers: valid by checksum, from ranges nobody has, never written down."""

import random


def mobile(rng: random.Random) -> str:
    return "1990047" + "".join(str(rng.randrange(10)) for _ in range(4))


def card(rng: random.Random) -> str:
    body = "62990047" + "".join(str(rng.randrange(10)) for _ in range(7))
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 if place % 2 == 0 else 1)
        total += doubled - 9 if doubled > 9 else doubled
    return body + str(-total % 10)


def resident_id(rng: random.Random) -> str:
    body = f"1101011901{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}{rng.randrange(1000):03}"
    weights = [2 ** (17 - place) % 11 for place in range(17)]
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    return body + "10X98765432"[total % 11]


def email(rng: random.Random) -> str:
    return "canary-" + "".join(rng.choice("abcdefgh") for _ in range(6)) + "@shop.example"


MAKERS = {"cn-mobile": mobile, "bank-card": card, "cn-resident-id": resident_id, "email": email}
