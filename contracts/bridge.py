"""The bridge's own word (`status`) and the word of the checker that shares no code with it (`verify`)."""

from typing import Literal

from contracts.base import Contract

SliceState = Literal["starting", "running", "stopped", "failed"]


class SliceStatus(Contract, frozen=True, kw_only=True):
    """One slice: a fixed set of source partitions under one transactional id."""

    id: str
    topic: str
    partitions: tuple[int, ...]
    state: SliceState
    reason: str
    committed_records: int
    transactions: int
    lag_records: int


class BridgeStatus(Contract, frozen=True, kw_only=True):
    """`bridge status` and the `stats` control operation."""

    schema: int = 1
    link: str
    slices: tuple[SliceStatus, ...]
    warehouse_rows: int
    warehouse_lag_records: int
    quarantined: int
    dead_letters: int


class TopicVerify(Contract, frozen=True, kw_only=True):
    """One topic compared by coordinates and digests: source against target and DLQ, target against warehouse."""

    topic: str
    source_records: int
    target_records: int
    dead_letters: int
    lost: int
    duplicate: int
    reordered: int
    altered: int
    warehouse_rows: int
    warehouse_lost: int
    warehouse_duplicate: int
    quarantined: int


class BridgeVerify(Contract, frozen=True, kw_only=True):
    """`bridge verify`: `ok` is true when nothing is lost, duplicated, reordered or altered."""

    schema: int = 1
    link: str
    ok: bool
    topics: tuple[TopicVerify, ...]
