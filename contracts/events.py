"""The click as the public site writes it to Kafka (JSON value, key = `ad`): behaviour, never a person."""

from contracts.base import Contract


class ClickEvent(Contract, frozen=True, kw_only=True):
    """`event_id` is the client's; `accepted_ms` the wall clock of the service that acknowledged it."""

    schema: int = 1
    event_id: str
    ad: str
    campaign: str
    site: str
    node: str
    accepted_ms: int
    occurred_ms: int
    note: str = ""
