"""Which answers are lost on purpose: a seeded share of idempotency keys, for their first attempts.

Pure, so that a run can be told afterwards which keys must have seen a lost answer.
"""

import hashlib

import msgspec


class Drops(msgspec.Struct, frozen=True, kw_only=True):
    """An armed fault; `share` of all keys, 0 to 1, lose the answers to their first `attempts` requests."""

    share: float = 0.0
    seed: int = 0
    attempts: int = 1

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:
            raise ValueError("share: expected 0 to 1")
        if not 1 <= self.attempts <= 100:
            raise ValueError("attempts: expected 1 to 100")


def chosen(drops: Drops, key: str) -> bool:
    """Whether `key` is one of the seeded share."""
    digest = hashlib.sha256(f"{drops.seed}:{key}".encode()).digest()
    return int.from_bytes(digest[:8]) < drops.share * 2**64


class DropTally:
    """Counts the attempts of chosen keys while a fault is armed; forgets them when it is armed anew."""

    def __init__(self) -> None:
        self.drops = Drops()
        self.dropped = 0
        self._attempts: dict[str, int] = {}

    def arm(self, drops: Drops) -> None:
        """Replace the fault; a share of 0 heals. The count of dropped answers survives a heal."""
        if drops.share > 0:
            self.dropped = 0
        self.drops = drops
        self._attempts.clear()

    def takes(self, key: str) -> bool:
        """Whether the answer to this request of `key` is lost; counts the attempt."""
        if not chosen(self.drops, key):
            return False
        seen = self._attempts.get(key, 0)
        if seen >= self.drops.attempts:
            return False
        self._attempts[key] = seen + 1
        self.dropped += 1
        return True
