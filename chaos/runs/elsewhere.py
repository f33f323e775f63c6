"""Experiments that make no sense on one machine's processes: where they do, and why not here."""

import msgspec


class Elsewhere(msgspec.Struct, frozen=True, kw_only=True):
    """One experiment that is not shipped as a file: `where` it proves something, `why_not` here."""

    name: str
    where: str
    why_not: str


ELSEWHERE = (
    Elsewhere(
        name="api-server-loss",
        where="clusters (isthmus up dev, real ones): SIGKILL of one site's API server for less than a lease; "
        "pods, routers and endpoints already known must go on, scalers must hold",
        why_not="the embedded cloud has no control plane: nothing asks an API server",
    ),
    Elsewhere(
        name="disk-full",
        where="a node or a volume of its own: a router's evidence, a broker's log, PostgreSQL's WAL; each must "
        "refuse work loudly rather than lose it",
        why_not="all processes of the embedded cloud share the reader's own file system; filling it would hit "
        "both sites at once, and the reader",
    ),
    Elsewhere(
        name="router-worker-crash",
        where="a router of two and more workers: one dies, the others take its connections, its supervisor "
        "starts it again within a second",
        why_not="the embedded cloud's routers are one worker without a supervisor; router-crash kills that one",
    ),
)
