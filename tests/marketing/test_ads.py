"""Twin of marketing/ads.py."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketing.ads import (
    INVENTORY,
    SIZE_BYTES_DEFAULT,
    SIZE_BYTES_MAX,
    SIZE_BYTES_MIN,
    Ads,
    ad_document,
    size_of,
    slot_of,
)
from marketing.problems import ProblemError
from tests.marketing.doors import client_of, options_for


@given(st.integers(0, INVENTORY - 1), st.integers(SIZE_BYTES_MIN, 20_000))
def test_a_document_is_json_of_exactly_the_size_asked_for(slot: int, size_bytes: int) -> None:
    """Any size from the minimum up is met to the byte, with no digit in the creative."""
    document = ad_document(slot, size_bytes)
    assert len(document) == size_bytes
    ad = json.loads(document)
    assert ad["slot"] == slot
    assert ad["creative"].isalpha() or ad["creative"] == ""


@given(st.text(max_size=200))
def test_every_name_falls_into_the_inventory(name: str) -> None:
    """A slot is always one of the inventory, the same one each time."""
    assert slot_of(name) == slot_of(name)
    assert 0 <= slot_of(name) < INVENTORY


@pytest.mark.parametrize("text", ["", "-1", "1e3", "255", str(SIZE_BYTES_MAX + 1), "٣٠٠", "9" * 30])
def test_a_wrong_size_is_refused(text: str) -> None:
    """Anything but a number of bytes within bounds is 400."""
    with pytest.raises(ProblemError) as refused:
        size_of(text)
    assert refused.value.status == 400


async def test_nodes_answer_alike_below_ads() -> None:
    """The same slot gives the same bytes on another node; any path below /ads is served."""
    async with (
        client_of(Ads(), options_for("ads", name="ad-1")) as one,
        client_of(Ads(), options_for("ads", name="ad-2")) as two,
        one.get("/ads?slot=home&other=1") as first,
        two.get("/ads?slot=home") as second,
        two.get("/ads/banner/top?size=2048") as below,
    ):
        assert await first.read() == await second.read()
        assert first.headers["Content-Length"] == str(SIZE_BYTES_DEFAULT)
        assert len(await below.read()) == 2048


async def test_an_overlong_slot_is_refused() -> None:
    """A slot name has a bound."""
    async with (
        client_of(Ads(), options_for("ads")) as client,
        client.get("/ads/" + "a" * 200) as got,
    ):
        assert got.status == 400
