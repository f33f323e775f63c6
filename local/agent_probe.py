"""When a container is probed and what the answers mean: thresholds, the startup gate. Pure.

The kubelet's rules: a startup probe gates the others; readiness starts false, liveness true; a verdict turns after
`successThreshold` or `failureThreshold` answers in a row.
"""

from typing import Literal

import msgspec

from local.agent_parts import Container, Probe

ProbeKind = Literal["startup", "liveness", "readiness"]


class Track(msgspec.Struct, frozen=True, kw_only=True):
    """One probe's run: `ok` is the verdict in force, None while there is none."""

    due_s: float
    ok: bool | None = None
    successes: int = 0
    failures: int = 0


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The probes of one container; a kind the container does not have is None."""

    startup: Track | None = None
    liveness: Track | None = None
    readiness: Track | None = None


def probe_of(container: Container, kind: ProbeKind) -> Probe | None:
    """The container's probe of a kind."""
    match kind:
        case "startup":
            return container.startup_probe
        case "liveness":
            return container.liveness_probe
        case "readiness":
            return container.readiness_probe


def begin(container: Container, now_s: float, *, adopted: bool = False) -> Health:
    """Probing starts at `now_s`; of an adopted container (ready before) the verdicts stand until they turn."""

    def track(probe: Probe | None) -> Track | None:
        if probe is None:
            return None
        delay_s = 0 if adopted else probe.initial_delay_seconds
        return Track(due_s=now_s + delay_s, ok=True if adopted else None)

    return Health(
        startup=track(container.startup_probe),
        liveness=track(container.liveness_probe),
        readiness=track(container.readiness_probe),
    )


def is_started(health: Health) -> bool:
    """Whether the startup probe has passed, or there is none."""
    return health.startup is None or health.startup.ok is True


def is_ready(health: Health) -> bool:
    """Whether traffic may come."""
    return is_started(health) and (health.readiness is None or health.readiness.ok is True)


def sick_of(health: Health) -> ProbeKind | None:
    """The probe for whose sake the container is to be restarted."""
    if health.startup is not None and health.startup.ok is False:
        return "startup"
    if health.liveness is not None and health.liveness.ok is False:
        return "liveness"
    return None


def due_probes(health: Health, now_s: float) -> tuple[ProbeKind, ...]:
    """What to ask now: the startup probe alone until it has passed, the others after."""
    if not is_started(health):
        startup = health.startup
        return ("startup",) if startup is not None and startup.due_s <= now_s else ()
    pairs: tuple[tuple[ProbeKind, Track | None], ...] = (
        ("liveness", health.liveness),
        ("readiness", health.readiness),
    )
    return tuple(kind for kind, track in pairs if track is not None and track.due_s <= now_s)


def record(health: Health, kind: ProbeKind, probe: Probe, *, ok: bool, now_s: float) -> Health:
    """The health after one answer; a kind that is not probed is left alone."""
    match kind:
        case "startup" if health.startup is not None:
            track = _after(health.startup, probe, ok=ok, now_s=now_s)
            return msgspec.structs.replace(health, startup=track)
        case "liveness" if health.liveness is not None:
            track = _after(health.liveness, probe, ok=ok, now_s=now_s)
            return msgspec.structs.replace(health, liveness=track)
        case "readiness" if health.readiness is not None:
            track = _after(health.readiness, probe, ok=ok, now_s=now_s)
            return msgspec.structs.replace(health, readiness=track)
        case _:
            return health


def _after(track: Track, probe: Probe, *, ok: bool, now_s: float) -> Track:
    successes = track.successes + 1 if ok else 0
    failures = 0 if ok else track.failures + 1
    verdict = track.ok
    if ok and successes >= probe.success_threshold:
        verdict = True
    elif not ok and failures >= probe.failure_threshold:
        verdict = False
    due_s = now_s + max(1, probe.period_seconds)
    return Track(due_s=due_s, ok=verdict, successes=successes, failures=failures)
