"""The grammar of an experiment's file: Chaos Toolkit's format, cut down to what we play."""

from typing import Annotated, Literal

import msgspec

from chaos.runs.vocabulary import Kind

Scalar = str | int | float | bool
Seconds = Annotated[float, msgspec.Meta(ge=0, le=3600)]
Positive = Annotated[float, msgspec.Meta(ge=0.001, le=3600)]
Tier = Literal["tier0", "tier1"]


class _Part(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A part of the file."""


class Provider(_Part, frozen=True, kw_only=True):
    """The function of ours that does the work."""

    type: Literal["python"]
    module: str
    func: str
    arguments: dict[str, Scalar] = {}


class Probe(_Part, frozen=True, kw_only=True):
    """A look at the system that says yes or no; `frequency` only where it is a safeguard, in seconds."""

    type: Literal["probe"]
    name: str
    provider: Provider
    tolerance: bool
    frequency: Seconds = 0.0


class Pauses(_Part, frozen=True, kw_only=True):
    """Seconds to wait around an activity."""

    before: Seconds = 0.0
    after: Seconds = 0.0


class Activity(_Part, frozen=True, kw_only=True):
    """One step of the method or of the rollbacks; a probe must say yes, as Chaos Toolkit alone would not ask."""

    type: Kind
    name: str
    provider: Provider
    tolerance: bool = True
    pauses: Pauses = Pauses()


class Hypothesis(_Part, frozen=True, kw_only=True):
    """What must hold before, soon after each fault, and afterwards."""

    title: str
    probes: Annotated[tuple[Probe, ...], msgspec.Meta(min_length=1)]


class SafeguardProbes(_Part, frozen=True, kw_only=True):
    """Looks that end the run when they say no."""

    probes: Annotated[tuple[Probe, ...], msgspec.Meta(min_length=1)]


class ControlProvider(_Part, frozen=True, kw_only=True):
    """The safeguards of chaostoolkit-addons: a misspelt module would only be a warning to Chaos Toolkit."""

    type: Literal["python"]
    module: Literal["chaosaddons.controls.safeguards"]
    arguments: SafeguardProbes


class Control(_Part, frozen=True, kw_only=True):
    """A control of the whole experiment."""

    name: str
    provider: ControlProvider


class BlastRadius(_Part, frozen=True, kw_only=True):
    """The most the experiment may hit: which sites, what share of the processes of one kind."""

    sites: Annotated[tuple[Literal["public", "private", "link"], ...], msgspec.Meta(min_length=1)]
    share_max: Annotated[float, msgspec.Meta(ge=0.001, le=1)]


class Own(_Part, frozen=True, kw_only=True):
    """What Chaos Toolkit has no word for. `rto_s`: how long after each fault the steady state may stay broken.

    `ttl_s`: when the watchdog heals what the runner has not. `restored` is looked at, beside the hypothesis, after
    the rollback and within `restored_within_s`. `fresh_for_h`: how long a pass counts in full. `notes` says
    where else the experiment makes sense, or why not.
    """

    name: Literal["isthmus"]
    tiers: Annotated[tuple[Tier, ...], msgspec.Meta(min_length=1)]
    blast_radius: BlastRadius
    rto_s: Positive
    ttl_s: Positive
    restored_within_s: Positive = 30.0
    restored: tuple[Probe, ...] = ()
    weight: Annotated[float, msgspec.Meta(ge=0.1, le=10)] = 1.0
    fresh_for_h: Annotated[float, msgspec.Meta(ge=0.01)] = 168.0
    notes: dict[str, str] = {}


class Experiment(_Part, frozen=True, kw_only=True):
    """The whole file."""

    version: Literal["1.0.0"]
    title: str
    description: str
    tags: tuple[str, ...] = ()
    contributions: dict[str, Literal["high", "medium", "low", "none"]] = {}
    hypothesis: Hypothesis = msgspec.field(name="steady-state-hypothesis")
    controls: Annotated[tuple[Control, ...], msgspec.Meta(min_length=1)]
    method: Annotated[tuple[Activity, ...], msgspec.Meta(min_length=1)]
    rollbacks: Annotated[tuple[Activity, ...], msgspec.Meta(min_length=1)]
    extensions: Annotated[tuple[Own, ...], msgspec.Meta(min_length=1)]

    @property
    def own(self) -> Own:
        """Our own part."""
        return self.extensions[0]
