"""What a relay is started with (`python -m local.relay --settings FILE`), as JSON."""

from contracts.base import Contract


class RelayListener(Contract, frozen=True, kw_only=True):
    """One way through: what arrives at `listen` goes to `target`; both `host:port`, `listen` may use port 0."""

    name: str
    listen: str
    target: str


class RelaySettings(Contract, frozen=True, kw_only=True):
    """`source` is bound for every connection to a target: it is how a target knows the relay.

    `beacons` is where `seen` writes the beacons it counted, one a line.
    """

    name: str
    source: str
    control: str
    ready: str
    beacons: str
    listeners: tuple[RelayListener, ...]
    connect_s: float = 5.0
