"""The steps of a journey as requests: browse, click, order, pay, profile. Equal seeds, equal journeys."""

import hashlib
import random
from typing import Literal

import msgspec

from loadtest.canary import clean_phone, letters
from loadtest.wire import CAMPAIGNS, SLOTS, OrderBody, ProfileBody

Step = Literal["browse", "click", "order", "pay", "profile"]
STEPS: tuple[Step, ...] = ("browse", "click", "order", "pay", "profile")


class Send(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a step; `expect` are the statuses that let the journey go on."""

    step: Step
    method: Literal["GET", "POST", "PUT"]
    path: str
    headers: dict[str, str] = {}
    body: bytes = b""
    expect: frozenset[int] = frozenset({200})


class Click(msgspec.Struct, frozen=True, kw_only=True):
    """A click as the service takes it."""

    event_id: str
    ad: str
    campaign: str
    occurred_ms: int


class Journey:
    """One shopper's way once through the shop; `number` is unique within the run."""

    def __init__(self, run: str, number: int, *, seed: int) -> None:
        self._rng = random.Random(f"{seed}/{number}")
        self._number = number
        self.key = f"{run}-{letters(number, 9)}"

    def browse(self) -> Send:
        """An ad is shown."""
        slot, size = self._rng.choice(SLOTS), self._rng.choice((256, 512, 1024))
        return Send(step="browse", method="GET", path=f"/ads?slot={slot}&size={size}")

    def click(self, now_ms: int) -> Send:
        """It is clicked."""
        click = Click(
            event_id=self.key, ad=f"ad-{letters(self._rng.randrange(400), 2)}",
            campaign=self._rng.choice(CAMPAIGNS), occurred_ms=now_ms,
        )  # fmt: skip
        return Send(
            step="click", method="POST", path="/clicks", headers=JSON,
            body=msgspec.json.encode(click), expect=frozenset({202}),
        )  # fmt: skip

    def order(self) -> Send:
        """What it showed is ordered; sent again it is the same order."""
        body = OrderBody(
            sku=f"sku-{letters(self._number % 500, 3)}", quantity=1 + self._number % 3,
            amount=500 + self._number % 9000, phone=clean_phone(self._number),
            address=f"{1 + self._number % 99} Lakeside Road",
        )  # fmt: skip
        return Send(
            step="order", method="POST", path="/orders",
            headers={**JSON, "Idempotency-Key": self.key}, body=msgspec.json.encode(body),
            expect=frozenset({200, 201}),
        )  # fmt: skip

    def pay(self, order_id: str) -> Send:
        """It is paid."""
        return Send(
            step="pay", method="POST", path=f"/pay/{order_id}", headers=JSON, body=b"{}",
            expect=frozenset({200, 201}),
        )  # fmt: skip

    def profile(self) -> Send:
        """The shopper's profile is kept."""
        body = ProfileBody(
            phone=clean_phone(self._number), address=f"{1 + self._number % 99} Lakeside Road"
        )
        return Send(
            step="profile", method="PUT", path=f"/profiles/{self.key}", headers=JSON,
            body=msgspec.json.encode(body), expect=frozenset({200, 201, 204}),
        )  # fmt: skip


JSON = {"Content-Type": "application/json"}


def body_digest(send: Send) -> str:
    """The digest of a body, as the order history names it."""
    return hashlib.sha256(send.body).hexdigest()
