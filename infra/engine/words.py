"""What the engine said, as a person should read it: errors once each, violations with their rule, who is out of reach.

Pure but for the events' own type.
"""

import re
from collections.abc import Callable, Iterable

from pulumi.automation import EngineEvent

LINES_MAX = 12
LINES_EACH_MAX = 3
SKIPPED = "Cluster is unreachable but skipUpdateUnreachable flag is set"
"""What the provider says of each resource it leaves alone because its cluster does not answer: to it no error."""
EMPTY = " default/(generated): "
"""How the pack names an object in which nothing stands."""
WRONG_PASSPHRASE = "incorrect passphrase"  # noqa: S105 - the engine's words, not one

_EMPTY_WORDS = (
    "update failed", "preview failed", "refresh failed", "destroy failed",
    "an unhandled error occurred: Program exited",
)  # fmt: skip
_SAID = re.compile(r"\berror: (.+)", re.IGNORECASE)
_COLOUR = re.compile(r"<\{%[^%]*%\}>")
_CODE = re.compile(r"^ code: (-?\d+)$", re.MULTILINE)
_UNREACHABLE = re.compile(r'cluster is unreachable: .*?(https?://[^/"]+)[^"]*"?: (.+)', re.DOTALL)
_READS = re.compile(r"-reads-(public|private)")


class Heard:
    """Told every event of a run of the stack `name`; progress goes to `say` at once."""

    def __init__(self, name: str, say: Callable[[str], None]) -> None:
        self._name = name
        self._say = say
        self._errors: dict[str, None] = {}
        self._skipped: dict[str, None] = {}
        self._silent: dict[str, None] = {}
        self._reasons: dict[str, str] = {}

    def __call__(self, event: EngineEvent) -> None:
        """Keep what matters of it, and say what is being done."""
        before, said = event.resource_pre_event, event.diagnostic_event
        if before is not None and before.metadata.op not in {"same", "read"}:
            op, kind = before.metadata.op.value, before.metadata.type.rpartition(":")[2]
            self._say(f"{self._name}: {op} {kind} {_named(before.metadata.urn)}")
        self.tried(event)
        if said is not None and SKIPPED in said.message:
            self._skipped[_site(said.urn or "")] = None

    def tried(self, event: EngineEvent) -> None:
        """The same of what is only tried: errors and violations, nothing else."""
        said, judged = event.diagnostic_event, event.policy_event
        if said is not None:
            self._diagnosed(_COLOUR.sub("", said.message), said.severity, urn=said.urn or "")
        if judged is not None and judged.enforcement_level == "mandatory":
            words = " ".join(_COLOUR.sub("", judged.message).split())
            self._errors[f"{judged.policy_name}: {words}"] = None

    def _diagnosed(self, message: str, severity: str, *, urn: str) -> None:
        if found := _UNREACHABLE.search(message):
            self._reasons[found[1]] = found[2].splitlines()[0]
        if SKIPPED in message or found:
            self._silent[_site(urn)] = None
        elif severity == "error" and (words := telling(message)):
            of_stack = not urn or "::pulumi:pulumi:Stack::" in urn
            self._errors[words if of_stack else f"{_named(urn)}: {words}"] = None

    @property
    def unreachable(self) -> str:
        """Which clusters a change left as they were because they did not answer, and why; empty when all did."""
        return self._words_of(self._skipped)

    @property
    def out_of_reach(self) -> str:
        """The same of every cluster that did not answer at any time: what explains a failure."""
        return self._words_of(self._silent)

    def _words_of(self, sites: Iterable[str]) -> str:
        clusters = " and ".join(sites)
        if not clusters:
            return ""
        why = "; ".join(f"{server} ({reason})" for server, reason in self._reasons.items())
        return (
            f"the {clusters} cluster does not answer{f': {why}' if why else ''}; what is in it stays as it was. "
            "fix: make it answer, or renew its kubeconfig"
        )

    @property
    def errors(self) -> str:
        """Everything said to be wrong, a line each; empty when nothing was.

        Of a cluster that does not answer the provider gives new objects out as empty: what the pack then says of
        them is about nothing.
        """
        told = [it for it in self._errors if not (self._silent and EMPTY in it)]
        return "\n".join(told[:LINES_MAX])


def _site(urn: str) -> str:
    """Of the names the stacks give: `public`, `public-ads`, `private-router-core-reads-public`."""
    name = _named(urn)
    reads = _READS.search(name)
    return reads[1] if reads else name.partition("-")[0]


def _named(urn: str) -> str:
    return urn.rpartition("::")[2]


def telling(message: str) -> str:
    """The lines of a message that say something."""
    lines = [it.strip().removeprefix("error: ") for it in message.splitlines()]
    told = [it for it in lines if it and not it.startswith(_EMPTY_WORDS)]
    return " ".join(told[:LINES_EACH_MAX])


def killed_by(text: str) -> int:
    """The signal that ended the engine, 0 when it ended by itself."""
    found = _CODE.search(text)
    return max(0, -int(found[1])) if found else 0


def reason_of(text: str) -> str:
    """What the engine's output gives as errors, each once; its last lines if it names none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = dict.fromkeys(found.group(1) for line in lines if (found := _SAID.search(line)))
    # each run ends with one that says no more than that it failed
    telling_lines = [line for line in said if not line.startswith(_EMPTY_WORDS)] or list(said)
    return "\n".join(telling_lines[:LINES_MAX] or lines[-3:])
