"""The file a process writes, atomically, once it serves: who it is and where it really listens."""

from contracts.base import Contract


class Ready(Contract, frozen=True, kw_only=True):
    """`addresses` maps a listener's name (`http`, `probe`, `ads/ad-1`) to `host:port` or a socket path."""

    schema: int = 1
    name: str
    pid: int
    addresses: dict[str, str]
