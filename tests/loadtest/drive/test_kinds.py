"""Kinds of requests: what answers mean, what is worth a row, canaries planted and named."""

import numpy as np
import pytest

from loadtest.drive.kinds import Moments, canary_ids, idempotent, kinds_of, manifest
from tests.loadtest.drive.plans import GET, loaded_of, plan_of
from tests.loadtest.drive.test_document import ORDER

CARD = "${canary.bank-card}"


def kind_of(plan_changes=None, **changes):
    return kinds_of(loaded_of(plan_of(requests=[{**GET, **changes}], **(plan_changes or {}))))[0]


@pytest.mark.parametrize(
    ("changes", "status", "failure", "expected"),
    [
        ({}, 204, "", "ok"),
        ({}, 302, "", "failed"),
        ({}, 503, "", "shed"),
        ({}, 429, "", "shed"),
        ({}, 500, "", "failed"),
        ({"expect": [404]}, 404, "", "ok"),
        ({"expect": [404]}, 200, "", "failed"),
        ({"expect": [503]}, 503, "", "ok"),
        ({}, 0, "timeout", "failed"),
        ({"method": "POST"}, 0, "timeout", "unknown"),
        ({"method": "POST"}, 0, "reset", "unknown"),
        ({"method": "POST"}, 0, "refused", "failed"),
        ({"method": "POST", "repeat": "safe"}, 0, "reset", "failed"),
        ({"repeat": "unsafe"}, 0, "reset", "unknown"),
    ],
)
def test_what_an_answer_or_its_absence_means(changes, status, failure, expected):
    """Only what was expected is ok; what may not be repeated is unknown once bytes left."""
    assert kind_of(**changes).outcome(status=status, failure=failure) == expected


def test_orders_and_repeatable_methods_are_idempotent():
    """By method unless the plan says otherwise; an order is, by its key."""
    plan = loaded_of(plan_of(requests=[GET, ORDER, {**GET, "name": "p", "method": "POST"}])).plan
    assert [idempotent(it) for it in plan.requests] == [True, True, False]


@pytest.mark.parametrize(
    ("changes", "plan", "watched"),
    [
        ({}, {}, False),
        ({}, {"rows": "all"}, True),
        ({"headers": {"Isthmus-Beacon": "${beacon}"}}, {}, True),
        ({"path": f"/ads?c={CARD}"}, {}, True),
        (ORDER, {}, True),
    ],
)
def test_which_requests_are_worth_a_row_each(changes, plan, watched):
    """Orders, beacons and canaries are accounted for one by one."""
    assert kind_of(plan, **changes).watched is watched


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"path": f"/ads/{CARD}"}, "path"),
        ({"path": f"/ads?c={CARD}"}, "query"),
        ({"headers": {"X-Card": CARD}}, "header"),
        ({"headers": {"Cookie": f"ab={CARD}"}}, "cookie"),
        ({"method": "POST", "body": CARD}, "json"),
        (
            {"method": "POST", "body": CARD, "headers": {"content-type": "application/x-www-form-urlencoded"}},
            "form",
        ),
    ],
)  # fmt: skip
def test_the_manifest_says_where_a_canary_is_planted(changes, place):
    """As many as the plan asks for, numbered without a gap, each value once."""
    plan = loaded_of(plan_of(canaries=5, requests=[{**GET, **changes}])).plan
    planted = list(manifest(plan))
    assert {it.place for it in planted} == {place}
    assert [it.id for it in planted] == list(canary_ids(plan)["bank-card"])
    assert len({it.value for it in planted}) == len(planted) == 5
    assert all(bytes.fromhex(it.form_hex) == it.value.encode() for it in planted)


def test_what_is_sent_is_what_the_manifest_lists():
    """Over two workers every planted form leaves, and each request carries the number it says."""
    loaded = loaded_of(plan_of(canaries=6, workers=2, requests=[{**GET, "path": f"/a?c={CARD}"}]))
    kind, forms = kinds_of(loaded)[0], {it.value for it in manifest(loaded.plan)}
    sent = set()
    for worker in range(2):
        moments = Moments(loaded, worker=worker, workers=2, rng=np.random.default_rng(1))
        for n in range(3):
            target = kind.compiled.render(moments.next(kind, n=n, epoch_ms=0)).split(b" ")[1]
            sent.add(target.partition(b"=")[2].decode())
    assert sent == forms


def test_names_are_unique_over_workers_and_requests():
    """No two requests share a key or a beacon."""
    headers = {"Isthmus-Beacon": "${beacon}", "Idempotency-Key": "${key}"}
    loaded = loaded_of(plan_of(workers=3, requests=[{**ORDER, "headers": headers}]))
    kind = kinds_of(loaded)[0]
    moments = [
        Moments(loaded, worker=worker, workers=3, rng=np.random.default_rng(1)).next(kind, n=n, epoch_ms=0)
        for worker in range(3)
        for n in range(50)
    ]  # fmt: skip
    assert len({it.key for it in moments}) == len({it.beacon for it in moments}) == 150
    assert all(len(it.beacon) == 26 and it.beacon[2:].isalpha() for it in moments)


def test_workers_share_out_the_rows_of_a_feed():
    """In turn, no row is sent twice before all were sent once; at random, every row can come."""
    feeds = {"a": {"values": list("wxyz")}, "r": {"values": list("01"), "order": "random"}}
    request = {**GET, "path": "/${a}?${r}"}
    loaded = loaded_of(plan_of(workers=2, feeds=feeds, requests=[request]))
    kind = kinds_of(loaded)[0]
    taken, random = [], set()
    for worker in range(2):
        moments = Moments(loaded, worker=worker, workers=2, rng=np.random.default_rng(worker))
        for n in range(20):
            rows = moments.next(kind, n=n, epoch_ms=0).rows
            random.add(rows["r"][0])
            taken += [rows["a"][0]] if n < 2 else []
    assert sorted(taken) == [b"w", b"x", b"y", b"z"]
    assert random == {b"0", b"1"}
