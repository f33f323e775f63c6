"""Which command line and environment a request of the engine becomes. Pure."""

import sys
from collections.abc import Mapping
from pathlib import PurePath

import msgspec


class ProgramCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A program to run, as the engine asked; addresses are `host:port`, `parallel` a count of operations."""

    python: str
    executor: str
    engine: str
    monitor: str
    project: str
    stack: str
    organization: str
    root_directory: str
    pwd: str
    program: str
    parallel: int
    dry_run: bool
    config: dict[str, str]
    config_secret_keys: tuple[str, ...]
    arguments: tuple[str, ...]


class PluginCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin to run: `kind` is `analyzer` for a policy pack; `environ` are `NAME=value` of the engine."""

    python: str
    kind: str
    directory: str
    arguments: tuple[str, ...]
    environ: tuple[str, ...]


def python_of(options: Mapping[str, object], root_directory: str) -> str:
    """The `virtualenv` of the project's options, relative to its root, else the Python we run on."""
    named = options.get("virtualenv")
    if not isinstance(named, str) or not named:
        return sys.executable
    return str(PurePath(root_directory) / named / "bin" / "python")


def program_argv(command: ProgramCommand) -> list[str]:
    """The executor with its flags, as Go's host would call it."""
    return [
        command.python, "-u", command.executor,
        "--monitor", command.monitor,
        "--engine", command.engine,
        "--project", command.project,
        "--root_directory", command.root_directory,
        "--stack", command.stack,
        "--pwd", command.pwd,
        "--dry_run", "true" if command.dry_run else "false",
        "--parallel", str(command.parallel),
        "--organization", command.organization,
        command.program, *command.arguments,
    ]  # fmt: skip


def program_environ(command: ProgramCommand, environ: Mapping[str, str]) -> dict[str, str]:
    """Ours, with the stack's configuration as the executor reads it."""
    return {
        **environ,
        "PULUMI_CONFIG": msgspec.json.encode(command.config).decode(),
        "PULUMI_CONFIG_SECRET_KEYS": msgspec.json.encode(command.config_secret_keys).decode(),
    }


def plugin_argv(command: PluginCommand) -> list[str]:
    """A policy pack by `pulumi.policy` with the engine's address and its directory; else the directory itself.

    Unbuffered, or the engine waits for ever for the port a pack prints.
    """
    if command.kind == "analyzer":
        return [command.python, "-u", "-m", "pulumi.policy", *command.arguments[:1], command.directory, *command.arguments[1:]]  # fmt: skip
    return [command.python, "-u", command.directory, *command.arguments]


def plugin_environ(command: PluginCommand, environ: Mapping[str, str]) -> dict[str, str]:
    """Ours, overlaid by what the engine says."""
    named = (pair.partition("=") for pair in command.environ)
    return {**environ, **{name: value for name, _, value in named}}
