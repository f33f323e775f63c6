"""The stacks of one environment through Pulumi's Automation API: the real engine, started as the CLI would be.

Everything the engine keeps for an environment on this machine stands in `.isthmus/pulumi`, unless the usual
variables (`PULUMI_BACKEND_URL`, `PULUMI_CONFIG_PASSPHRASE…`, `PULUMI_HOME`) name another place.
"""

import contextlib
import os
import re
import secrets
import sys
import time
from collections.abc import Callable, Generator, Mapping
from pathlib import Path

import msgspec
from pulumi import automation as auto

from infra.orchestrate import CLUSTERS, JOINED, Action, Part, StackResult, stack_name
from runtime.locks import file_lock

PROVIDER_DIRECTORY = "resource-kubernetes-v4.25.0"
BACKUPS_MAX = 20
"""Newest exports of a stack that are kept; one is a few hundred KB."""
ERROR_LINES_MAX = 12

_EMPTY_WORDS = (
    "update failed", "preview failed", "refresh failed", "destroy failed",
    "an unhandled error occurred: Program exited",
)  # fmt: skip

Say = Callable[[str], None]


class WorkspaceError(Exception):
    """The environment cannot be worked on: what, where, expected, fix."""


def engine_environ(root: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """What the engine is told by its environment; makes the directories and the passphrase it names. Raises `OSError`."""
    home = root / ".isthmus" / "pulumi"
    chosen = {
        "PATH": f"{root / '.isthmus' / 'bin'}:{environ.get('PATH', os.defpath)}",
        "PULUMI_HOME": environ.get("PULUMI_HOME") or str(_made(home / "home")),
        "PULUMI_BACKEND_URL": environ.get("PULUMI_BACKEND_URL")
        or f"file://{_made(home / 'state')}",
        # dynamic providers are started by a script that would take any python3 on PATH
        "PULUMI_PYTHON_CMD": environ.get("PULUMI_PYTHON_CMD") or sys.executable,
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true",
    }
    if not {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & environ.keys():
        chosen["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(_passphrase(home / "passphrase"))
    _offer_provider(root, Path(chosen["PULUMI_HOME"]))
    return chosen


def _made(directory: Path) -> Path:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    return directory


def _passphrase(path: Path) -> Path:
    if not path.exists():
        _made(path.parent)
        scratch = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(32))
        with contextlib.suppress(FileExistsError):
            os.link(scratch, path)  # whoever was first wins: two may start at once
        scratch.unlink()
    return path


def _offer_provider(root: Path, home: Path) -> None:
    """Let the engine find the provider that was built here where it looks first, without its warning about PATH."""
    built = root / ".isthmus" / "bin" / "pulumi-resource-kubernetes"
    offered = home / "plugins" / PROVIDER_DIRECTORY / built.name
    if built.exists() and not offered.exists():
        _made(offered.parent)
        offered.unlink(missing_ok=True)
        offered.symlink_to(built.resolve())


class Workspace:
    """One environment of the checkout at `root`, for one command at a time."""

    def __init__(
        self, root: Path, environment: str, *, say: Say, environ: Mapping[str, str] = os.environ
    ) -> None:
        if not (root / "Pulumi.yaml").is_file():
            raise WorkspaceError(
                f"{root}/Pulumi.yaml: not there; expected the project's checkout. fix: run it there"
            )
        self._root = root
        self._environment = environment
        self._say = say
        self._home = root / ".isthmus" / "pulumi"
        # in the checkout, so never left out by forgetting a flag
        self._packs = [str(root / "infra" / "policypack")]
        self._environ = engine_environ(root, environ)
        self._options = auto.LocalWorkspaceOptions(
            work_dir=str(root),
            env_vars=self._environ,
            pulumi_home=self._environ["PULUMI_HOME"],
            pulumi_command=self._command(),
        )

    def _command(self) -> auto.PulumiCommand:
        os.environ["PATH"] = self._environ[
            "PATH"
        ]  # the command is looked for before it gets its own
        try:
            return auto.PulumiCommand()
        except (FileNotFoundError, auto.InvalidVersionError, RuntimeError) as error:
            raise WorkspaceError(
                f"pulumi: {error}; expected it on PATH or in .isthmus/bin. fix: make toolchain"
            ) from error

    @contextlib.contextmanager
    def held(self) -> Generator[None]:
        """For this command alone. Raises `LockHeldError`."""
        _made(self._home)
        with file_lock(self._home / f"{self._environment}.lock", wait_s=0):
            yield

    def present(self) -> frozenset[Part]:
        """The stacks of the environment that exist. Raises `WorkspaceError`."""
        try:
            workspace = auto.LocalWorkspace(
                work_dir=str(self._root),
                env_vars=self._environ,
                pulumi_home=self._environ["PULUMI_HOME"],
                pulumi_command=self._options.pulumi_command,
            )
            named = {it.name for it in workspace.list_stacks()}
        except auto.CommandError as error:
            raise WorkspaceError(f"pulumi stack ls: {reason_of(str(error))}") from error
        return frozenset(
            part for part in (*CLUSTERS, JOINED) if stack_name(self._environment, part) in named
        )

    def act(self, action: Action, part: Part) -> StackResult:
        """Do `action` on the stack of `part`; whatever goes wrong is its result."""
        name = stack_name(self._environment, part)
        began_s = time.monotonic()
        try:
            changes = self._act(action, name)
        except (auto.CommandError, OSError) as error:
            return StackResult(
                part=part, stack=name, status="failed", error=reason_of(str(error)),
                duration_s=time.monotonic() - began_s,
            )  # fmt: skip
        return StackResult(
            part=part, stack=name, status="ok", changes=changes,
            duration_s=time.monotonic() - began_s,
        )  # fmt: skip

    def _act(self, action: Action, name: str) -> dict[str, int]:
        self._say(f"{name}: {action}")
        stack = auto.create_or_select_stack(
            stack_name=name, work_dir=str(self._root), opts=self._options
        )
        self._forget_dead_update(stack)
        self._back_up(stack, name)
        told = self._teller(name)
        match action:
            case "up":
                done = stack.up(
                    on_event=told, color="never", refresh=True, suppress_progress=True,
                    policy_packs=self._packs,
                )  # fmt: skip
                return _counted(done.summary.resource_changes)
            case "preview":
                shown = stack.preview(on_event=told, color="never", policy_packs=self._packs)
                return _counted(shown.change_summary)
            case "refresh":
                done = stack.refresh(on_event=told, color="never")
                return _counted(done.summary.resource_changes)
            case "down":
                done = stack.destroy(on_event=told, color="never", remove=True)
                return _counted(done.summary.resource_changes)

    def _forget_dead_update(self, stack: auto.Stack) -> None:
        """Nobody else works on this environment here: a lock in a file backend is a killed command's."""
        if self._environ["PULUMI_BACKEND_URL"].startswith("file://"):
            with contextlib.suppress(auto.CommandError):
                stack.cancel()

    def _back_up(self, stack: auto.Stack, name: str) -> None:
        exported = stack.export_stack()
        if not exported.deployment or not exported.deployment.get("resources"):
            return
        directory = _made(self._home / "backups")
        path = directory / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}.json"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(
                msgspec.json.encode(
                    {"version": exported.version, "deployment": exported.deployment}
                )
            )
        for old in sorted(directory.glob(f"{name}-*.json"))[:-BACKUPS_MAX]:
            old.unlink(missing_ok=True)

    def _teller(self, name: str) -> Callable[[auto.EngineEvent], None]:
        def tell(event: auto.EngineEvent) -> None:
            before = event.resource_pre_event
            if before is not None and before.metadata.op not in {"same", "read"}:
                kind = before.metadata.type.rpartition(":")[2]
                resource = before.metadata.urn.rpartition("::")[2]
                self._say(f"{name}: {before.metadata.op.value} {kind} {resource}")

        return tell

    def outputs(self) -> dict[str, dict[str, object]]:
        """What each stack that exists exports; secrets are masked. Raises `WorkspaceError`."""
        found: dict[str, dict[str, object]] = {}
        for part in sorted(self.present()):
            name = stack_name(self._environment, part)
            try:
                stack = auto.select_stack(
                    stack_name=name, work_dir=str(self._root), opts=self._options
                )
                values = stack.outputs()
            except auto.CommandError as error:
                raise WorkspaceError(f"{name}: {reason_of(str(error))}") from error
            found[name] = {key: "[secret]" if it.secret else it.value for key, it in values.items()}
        return found


def _counted(changes: auto.OpMap | None) -> dict[str, int]:
    # the engine's summary has names where its type says members
    return {str(getattr(name, "value", name)): count for name, count in (changes or {}).items()}


_SAID = re.compile(r"\berror: (.+)", re.IGNORECASE)


def reason_of(text: str) -> str:
    """What the engine's output gives as errors, each once; its last lines if it names none."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = dict.fromkeys(found.group(1) for line in lines if (found := _SAID.search(line)))
    # each run ends with one that says no more than that it failed
    telling = [line for line in said if not line.startswith(_EMPTY_WORDS)] or list(said)
    return "\n".join(telling[:ERROR_LINES_MAX] or lines[-3:])
