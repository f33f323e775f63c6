"""A journey's requests: equal for equal seeds, keyed once, what the services take."""

import json
import re

import pytest

from loadtest.flows.journey import STEPS, Journey, body_digest


def sends(number=1, seed=7):
    journey = Journey("run", number, seed=seed)
    return [
        journey.browse(),
        journey.click(5),
        journey.order(),
        journey.pay("o-1"),
        journey.profile(),
    ]


def test_a_journey_has_every_step_in_order():
    """Browse, click, order, pay, profile."""
    assert tuple(send.step for send in sends()) == STEPS


def test_equal_seeds_are_equal_journeys():
    """And another number is another customer."""
    assert sends() == sends()
    assert sends() != sends(number=2)


def test_an_order_sent_again_is_the_same_order():
    """Same key, same bytes, same digest."""
    first, again = Journey("run", 3, seed=1).order(), Journey("run", 3, seed=1).order()
    assert first == again
    assert body_digest(first) == body_digest(again)
    assert first.headers["Idempotency-Key"] == Journey("run", 3, seed=2).key


def test_keys_of_a_million_journeys_differ():
    """Names are letters, for none may look like a number of a person."""
    keys = {Journey("run", number, seed=1).key for number in range(0, 10**6, 997)}
    assert len(keys) == len(range(0, 10**6, 997))
    assert all(re.fullmatch(r"run-[a-z]{9}", key) for key in keys)


@pytest.mark.parametrize("number", [0, 1, 2**40])
def test_bodies_are_json_of_what_the_services_take(number):
    """Each with its fields."""
    fields = [set(json.loads(send.body)) for send in sends(number) if send.body]
    assert fields == [
        {"event_id", "ad", "campaign", "occurred_ms"},
        {"sku", "quantity", "amount", "phone", "address"},
        set(),
        {"phone", "address"},
    ]
