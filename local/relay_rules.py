"""Faults of a relay as rules by id: which listeners, which way, what happens to the bytes. Pure.

Several rules may hold at once; delays add up, the smallest rate counts, a hole or a reset in any of them holds.
"""

import fnmatch
from collections.abc import Iterable, Mapping
from typing import Annotated, Literal, Protocol

import msgspec

from contracts.control import Scalar

Direction = Literal["both", "up", "down"]
"""`up` is from the client towards the target, `down` the way back."""

PIECE_S = 0.02
"""Under a rate, bytes leave in pieces of this much time, so that a large write does not arrive as one late block."""
PIECE_BYTES_MIN = 512

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=60_000)]


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The arguments of the control operation `fault`; what is left out does not happen.

    `listeners` is a pattern (`ad-*`). `hole` lets no byte through that way, without telling anybody. `drop_share`
    of new connections hang until the rule goes. `reset` ends every connection, and each new one, with RST.
    """

    id: str
    listeners: str = "*"
    direction: Direction = "both"
    delay_ms: Milliseconds = 0.0
    jitter_ms: Milliseconds = 0.0
    rate_bytes_s: Annotated[int, msgspec.Meta(ge=0)] = 0
    hole: bool = False
    drop_share: Share = 0.0
    reset: bool = False
    seed: int = 0

    def does_nothing(self) -> bool:
        """Whether all that was asked for is nothing."""
        harms = (self.delay_ms, self.jitter_ms, self.rate_bytes_s, self.hole, self.drop_share)
        return not any(harms) and not self.reset


def rule_of(args: Mapping[str, Scalar]) -> Rule:
    """The rule in a control request. Raises `ValueError` that says what was expected."""
    try:
        rule = msgspec.convert(dict(args), Rule)
    except msgspec.ValidationError as error:
        raise ValueError(f"fault: {error}") from error
    if rule.does_nothing():
        raise ValueError(
            "fault: expected delay_ms, jitter_ms, rate_bytes_s, hole, drop_share or reset"
        )
    return rule


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for bytes of one direction; a rate of 0 is none."""

    delay_s: float = 0.0
    jitter_s: float = 0.0
    rate_bytes_s: int = 0
    hole: bool = False

    @property
    def slow(self) -> bool:
        """Whether bytes arrive later than they came."""
        return bool(self.delay_s or self.jitter_s or self.rate_bytes_s)


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What holds for the connections of one listener."""

    up: Way = Way()
    down: Way = Way()
    drop_share: float = 0.0
    reset: bool = False

    @property
    def closed(self) -> bool:
        """Whether a new connection does not get through: its first packet would not."""
        return self.up.hole


WHOLE = Terms()


def terms_of(rules: Iterable[Rule], listener: str) -> Terms:
    """All rules that name the listener, taken together."""
    named = [rule for rule in rules if fnmatch.fnmatchcase(listener, rule.listeners)]
    return Terms(
        up=_way(rule for rule in named if rule.direction != "down"),
        down=_way(rule for rule in named if rule.direction != "up"),
        drop_share=max((rule.drop_share for rule in named), default=0.0),
        reset=any(rule.reset for rule in named),
    )


def _way(rules: Iterable[Rule]) -> Way:
    held = tuple(rules)
    return Way(
        delay_s=sum(rule.delay_ms for rule in held) / 1e3,
        jitter_s=sum(rule.jitter_ms for rule in held) / 1e3,
        rate_bytes_s=min((rule.rate_bytes_s for rule in held if rule.rate_bytes_s), default=0),
        hole=any(rule.hole for rule in held),
    )


class Chance(Protocol):
    """What draws the jitter; `random.Random` is one."""

    def uniform(self, a: float, b: float, /) -> float:
        """A number between the two."""
        ...


class Shaper:
    """When bytes of one direction of one connection are due; never before those that came earlier."""

    def __init__(self, rng: Chance) -> None:
        self._rng = rng
        self._line_free_s = 0.0
        self._last_due_s = 0.0

    def due_s(self, way: Way, size: int, *, now_s: float) -> float:
        """The time at which `size` bytes that came now are due."""
        sent_s = now_s
        if way.rate_bytes_s:
            sent_s = max(now_s, self._line_free_s) + size / way.rate_bytes_s
            self._line_free_s = sent_s
        jitter_s = self._rng.uniform(0, way.jitter_s) if way.jitter_s else 0.0
        self._last_due_s = max(self._last_due_s, sent_s + way.delay_s + jitter_s)
        return self._last_due_s


def piece_bytes(way: Way, size: int) -> int:
    """How much of `size` leaves at a time."""
    if not way.rate_bytes_s:
        return max(1, size)
    return max(PIECE_BYTES_MIN, int(way.rate_bytes_s * PIECE_S))
