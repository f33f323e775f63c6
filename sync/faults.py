"""What an error of Kafka's calls for, by its name; the default is the safe one.

Pure. Anything not listed is *indefinite*: the transaction may or may not have been committed, so the session
is opened anew from the top. Listed are the errors after which that would skip records, fight a rival, or
meet the same refusal for ever.
"""

from collections.abc import Iterable

from sync.batch import Disposition

_STOP = frozenset(
    {
        "_AUTO_OFFSET_RESET",
        "OFFSET_OUT_OF_RANGE",
        "_LOG_TRUNCATION",
        "TOPIC_AUTHORIZATION_FAILED",
        "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
        "CLUSTER_AUTHORIZATION_FAILED",
        "INVALID_TRANSACTION_TIMEOUT",
    }
)
_FENCED = frozenset(
    {
        "_FENCED",
        "PRODUCER_FENCED",
        "INVALID_PRODUCER_EPOCH",
        "TRANSACTION_COORDINATOR_FENCED",
    }
)
_REFUSED = frozenset(
    {
        "MSG_SIZE_TOO_LARGE",
        "RECORD_LIST_TOO_LARGE",
        "INVALID_RECORD",
        "INVALID_TIMESTAMP",
        "INVALID_MSG",
        "POLICY_VIOLATION",
    }
)


class ReplicationError(Exception):
    """A command of the batch loop failed; `disposition` says what that calls for."""

    def __init__(self, disposition: Disposition, reason: str) -> None:
        super().__init__(reason)
        self.disposition = disposition
        self.reason = reason


class Alarm:
    """What a topic's watcher saw; the session looks before every batch and raises it once."""

    def __init__(self) -> None:
        self._seen: ReplicationError | None = None

    def raise_seen(self) -> None:
        """Raise what was seen since the last look."""
        seen, self._seen = self._seen, None
        if seen is not None:
            raise seen

    def see(self, disposition: Disposition, reason: str) -> None:
        """Make the session stop or start anew at its next batch."""
        self._seen = ReplicationError(disposition, reason)


def disposition_of(name: str, *, deliveries: Iterable[str] = ()) -> Disposition:
    """The disposition of error `name`, given the names of failed `deliveries` of the same transaction."""
    if name in _FENCED:
        return Disposition.FENCED
    if name in _STOP:
        return Disposition.STOP
    if name in _REFUSED or any(delivery in _REFUSED for delivery in deliveries):
        return Disposition.REFUSED
    return Disposition.RENEW
