"""The stacks of one environment through Pulumi's Automation API: the real engine, started as the CLI would be.

Whoever is killed on the way, engine or command, the next one takes up what it had begun: what still runs is ended,
its lock taken away, its operations cleared, and the state as it was is kept before anything is changed.
"""

import contextlib
import os
import time
import warnings
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import Literal, NoReturn

from pulumi import automation as auto

from infra.config import PROJECT
from infra.engine.environ import engine_environ, home_of, made, mark_of
from infra.engine.holders import HeldError, end_left, is_locked, refuse_held
from infra.engine.left_out import SITES_KEY, sites_to_install, with_sites
from infra.engine.pending import Interrupted, interrupted
from infra.engine.preflight import Given
from infra.engine.run import Run
from infra.engine.states import Exported, back_up, read_export
from infra.engine.words import WRONG_PASSPHRASE, Heard, killed_by, reason_of
from infra.names import SITES, Site
from infra.orchestrate import JOINED, PARTS, Action, Part, StackResult, stack_name
from runtime.locks import LockHeldError, file_lock

FLOOR = "kubernetes:core/v1:Namespace"
"""The first object every cluster's stack puts into it."""

Say = Callable[[str], None]


class WorkspaceError(Exception):
    """The environment cannot be worked on: what, where, expected, fix."""


class Workspace:
    """One environment of the checkout at `root`, for one command at a time."""

    def __init__(
        self, root: Path, environment: str, *, say: Say, environ: Mapping[str, str] = os.environ
    ) -> None:
        refuse_no_checkout(root)
        # what the SDK says of an engine that was killed; we say it in words
        warnings.filterwarnings("ignore", message="Error in event stream")
        self._root = root
        self._environment = environment
        self._say = say
        # in the checkout, so never left out by forgetting a flag
        self._packs = [str(root / "infra" / "policypack")]
        self._environ = engine_environ(root, environment, environ)
        self._backend = self._environ["PULUMI_BACKEND_URL"]
        self._command = self._found()
        self._stacks: dict[Part, auto.Stack] = {}
        self._options = auto.LocalWorkspaceOptions(
            work_dir=str(root),
            env_vars=self._environ,
            pulumi_home=self._environ["PULUMI_HOME"],
            pulumi_command=self._command,
        )

    def _found(self) -> auto.PulumiCommand:
        # the command is looked for before it gets its own
        os.environ["PATH"] = self._environ["PATH"]
        try:
            return auto.PulumiCommand()
        except (FileNotFoundError, auto.InvalidVersionError, RuntimeError) as error:
            raise WorkspaceError(
                f"pulumi: {error}; expected it on PATH or in .isthmus/bin. fix: make toolchain"
            ) from error

    @contextlib.contextmanager
    def held(self) -> Generator[None]:
        """For this command alone, what a killed one left being ended. Raises `HeldError`; nothing is changed then."""
        path = made(home_of(self._root)) / f"{self._environment}.lock"
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(file_lock(path, wait_s=0))
            except LockHeldError as error:
                raise HeldError(self._environment, error.pid) from error
            self._end_left()
            for part in PARTS:
                refuse_held(self._backend, self._name(part))
            # an interrupted command leaves its engine, and a killed engine its providers
            stack.callback(self._end_left)
            yield

    def _end_left(self) -> None:
        end_left(mark_of(self._root, self._environment), self._say)

    def _name(self, part: Part) -> str:
        return stack_name(self._environment, part)

    def present(self) -> frozenset[Part]:
        """The stacks of the environment that exist. Raises `WorkspaceError`."""
        try:
            workspace = auto.LocalWorkspace(
                work_dir=str(self._root),
                env_vars=self._environ,
                pulumi_home=self._environ["PULUMI_HOME"],
                pulumi_command=self._command,
            )
            named = {it.name for it in workspace.list_stacks()}
        except auto.CommandError as error:
            self._refuse("pulumi stack ls", error)
        return frozenset(part for part in PARTS if self._name(part) in named)

    def given(self, part: Part) -> Given:
        """The project's own keys of a stack, which is begun if it is not there. Raises `WorkspaceError`."""
        try:
            held = self._stack(part).get_all_config()
        except auto.CommandError as error:
            self._refuse(self._name(part), error)
        prefix = f"{PROJECT}:"
        own = {key.removeprefix(prefix): it for key, it in held.items() if key.startswith(prefix)}
        return Given(
            values={key: it.value for key, it in own.items()},
            secret=[key for key, it in own.items() if it.secret],
        )

    def _stack(self, part: Part) -> auto.Stack:
        if part not in self._stacks:
            self._stacks[part] = auto.create_or_select_stack(
                stack_name=self._name(part), work_dir=str(self._root), opts=self._options
            )
        return self._stacks[part]

    def act(self, action: Action, part: Part) -> StackResult:
        """Do `action` on the stack of `part`; whatever goes wrong is its result."""
        name = self._name(part)
        began_s = time.monotonic()
        heard = Heard(name, self._say)
        status: Literal["ok", "failed"] = "ok"
        changes: dict[str, int] = {}
        error = ""
        note = ""
        try:
            changes, note = self._act(action, part, heard)
        except auto.CommandError as failed:
            error = self._told(action, heard, str(failed))
        except (WorkspaceError, HeldError, OSError) as failed:
            error = str(failed)
        # comparing with a cluster that does not answer is no answer
        error = error or (heard.out_of_reach if action == "refresh" else heard.unreachable)
        if error:
            status = "failed"
        return StackResult(
            part=part, stack=name, status=status, changes=changes, error=error, note=note,
            duration_s=time.monotonic() - began_s,
        )  # fmt: skip

    def _told(self, action: Action, heard: Heard, text: str) -> str:
        again = f"fix: isthmus {action} {self._environment} again"
        if signal := killed_by(text):
            return (
                f"the engine was killed (signal {signal}); what it had begun is on record. {again}"
            )
        return "\n".join(filter(None, (heard.out_of_reach, heard.errors or self._reason(text))))

    def _reason(self, text: str) -> str:
        if WRONG_PASSPHRASE in text:
            place = self._environ.get("PULUMI_CONFIG_PASSPHRASE_FILE", "the environment")
            return (
                f"the passphrase of {place} is not the one its secrets were encrypted with; expected that one. "
                "fix: name it in PULUMI_CONFIG_PASSPHRASE_FILE"
            )
        return reason_of(text)

    def _refuse(self, what: str, error: Exception) -> NoReturn:
        raise WorkspaceError(f"{what}: {self._reason(str(error))}") from error

    def _act(self, action: Action, part: Part, heard: Heard) -> tuple[dict[str, int], str]:
        name = self._name(part)
        self._say(f"{name}: {action}")
        stack = self._stack(part)
        self._forget_dead_update(stack, name)
        exported = self._exported(name)
        back_up(exported, name, home_of(self._root) / "backups")
        pending = interrupted(exported.deployment.pending_operations)
        self._refuse_lost(pending, name)
        run = Run(stack, heard, packs=self._packs, interrupted=bool(pending))
        match action:
            case "up" | "preview":
                with self._config_file(part, exported) as (path, note):
                    changes = run.up(path) if action == "up" else run.preview(path)
                return changes, note
            case "refresh":
                return run.refresh(), ""
            case "down":
                if pending and part != JOINED:
                    run.up()  # what was begun must be known to be taken away
                    run = Run(stack, heard, packs=self._packs, interrupted=False)
                return run.down(preserve_config=self._configured(name)), ""

    def _forget_dead_update(self, stack: auto.Stack, name: str) -> None:
        """A lock in a backend of files whose holder is gone; elsewhere nobody can tell, and the engine says what to do."""
        refuse_held(self._backend, name)
        if is_locked(self._backend, name):
            self._say(f"{name}: taking away the lock of an engine that is gone")
            stack.cancel()

    def _refuse_lost(self, pending: tuple[Interrupted, ...], name: str) -> None:
        if not pending:
            return
        self._say(f"{name}: a killed run was {', '.join(map(str, pending))}")
        lost = [it for it in pending if it.lost]
        if lost:
            raise WorkspaceError(
                f"{name}: killed while {', '.join(map(str, lost))}; expected to know whether it exists, which only its "
                f"cloud does. fix: look there, then pulumi refresh -s {name} (it asks for the id, or forgets it)"
            )

    def _exported(self, name: str) -> Exported:
        words = ["stack", "export", "--stack", name]  # the SDK's own export shows secrets in plain
        return read_export(self._command.run(words, str(self._root), self._environ).stdout)

    @contextlib.contextmanager
    def _config_file(self, part: Part, exported: Exported) -> Generator[tuple[str | None, str]]:
        """The stack's own file, or for a fabric one that leaves out sites whose cluster was never up; and a note."""
        if part != JOINED:
            yield None, ""
            return
        asked = self.given(part).values.get(SITES_KEY, "")
        there: frozenset[Site] = frozenset(site for site in SITES if self._is_up(site))
        sites, note = sites_to_install(asked, there=there, held=exported.deployment.resources)
        if not sites:
            raise WorkspaceError(
                f"no cluster of {self._environment} has been up; what the fabric installs is known then. "
                f"fix: isthmus up {self._environment}"
            )
        if not note:
            yield None, ""
            return
        own = self._root / f"Pulumi.{self._name(part)}.yaml"
        path = made(home_of(self._root)) / f"{self._name(part)}.sites.yaml"
        path.write_text(with_sites(own.read_text() if own.exists() else "", sites))
        try:
            yield str(path), note
        finally:
            path.unlink()

    def _is_up(self, site: Site) -> bool:
        """Whether its cluster has been up; outputs alone are there as soon as a kubeconfig is."""
        try:
            held = self._exported(self._name(site)).deployment.resources
        except auto.CommandError:
            return False
        return any(it.get("type") == FLOOR for it in held)

    def _configured(self, name: str) -> bool:
        """Whether somebody wrote a configuration, which then stays when the stack goes."""
        path = self._root / f"Pulumi.{name}.yaml"
        return path.exists() and "config:" in path.read_text()

    def outputs(self) -> dict[str, dict[str, object]]:
        """What each stack that exists exports; secrets are masked. Raises `WorkspaceError`."""
        found: dict[str, dict[str, object]] = {}
        for part in sorted(self.present()):
            name = self._name(part)
            try:
                values = self._stack(part).outputs()
            except auto.CommandError as error:
                self._refuse(name, error)
            found[name] = {key: "[secret]" if it.secret else it.value for key, it in values.items()}
        return found


def refuse_no_checkout(root: Path) -> None:
    """Raise `WorkspaceError` where there is no project."""
    if not (root / "Pulumi.yaml").is_file():
        raise WorkspaceError(
            f"{root}/Pulumi.yaml: not there; expected the project's checkout. fix: run it there"
        )
