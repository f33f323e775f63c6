"""What a request of the engine becomes on the command line."""

import sys

import msgspec
import pytest

from toolchain.language_commands import (
    PluginCommand,
    ProgramCommand,
    plugin_argv,
    plugin_environ,
    program_argv,
    program_environ,
    python_of,
)

PROGRAM = ProgramCommand(
    python="/venv/bin/python", executor="/bin/exec", engine="127.0.0.1:1", monitor="127.0.0.1:2",
    project="p", stack="s", organization="o", root_directory="/root", pwd="/root/infra", program=".",
    parallel=4, dry_run=True, config={"p:a": "1"}, config_secret_keys=("p:a",), arguments=("x",),
)  # fmt: skip
PACK = PluginCommand(
    python="/venv/bin/python", kind="analyzer", directory="/pack", arguments=("127.0.0.1:1", "-v"),
    environ=("PULUMI_STACK=s", "EMPTY=", "WITH=a=b"),
)  # fmt: skip


def test_a_program_is_run_by_the_executor_with_every_flag_it_knows() -> None:
    """Flags in pairs, then the program and its arguments."""
    argv = program_argv(PROGRAM)
    assert argv[:3] == ["/venv/bin/python", "-u", "/bin/exec"]
    flags = dict(zip(argv[3:-2:2], argv[4:-2:2], strict=True))
    assert flags == {
        "--monitor": "127.0.0.1:2", "--engine": "127.0.0.1:1", "--project": "p", "--stack": "s",
        "--root_directory": "/root", "--pwd": "/root/infra", "--dry_run": "true", "--parallel": "4",
        "--organization": "o",
    }  # fmt: skip
    assert argv[-2:] == [".", "x"]
    for_real = msgspec.structs.replace(PROGRAM, dry_run=False)
    assert program_argv(for_real)[program_argv(for_real).index("--dry_run") + 1] == "false"


def test_configuration_goes_by_the_environment() -> None:
    """As JSON, beside what we have; the names of secrets go along."""
    environ = program_environ(PROGRAM, {"HOME": "/h"})
    assert environ == {
        "HOME": "/h", "PULUMI_CONFIG": '{"p:a":"1"}', "PULUMI_CONFIG_SECRET_KEYS": '["p:a"]',
    }  # fmt: skip


def test_a_pack_is_given_the_engine_and_its_own_directory() -> None:
    """Unbuffered: the engine waits for the port it prints."""
    assert plugin_argv(PACK) == [
        "/venv/bin/python", "-u", "-m", "pulumi.policy", "127.0.0.1:1", "/pack", "-v",
    ]  # fmt: skip


def test_another_plugin_is_run_as_its_directory() -> None:
    """With the arguments as they are."""
    provider = msgspec.structs.replace(PACK, kind="resource")
    assert plugin_argv(provider) == ["/venv/bin/python", "-u", "/pack", "127.0.0.1:1", "-v"]


def test_the_engine_s_environment_overlays_ours() -> None:
    """A value may be empty or hold an equals sign."""
    assert plugin_environ(PACK, {"PULUMI_STACK": "old", "HOME": "/h"}) == {
        "PULUMI_STACK": "s", "EMPTY": "", "WITH": "a=b", "HOME": "/h",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "python"),
    [
        ({}, sys.executable),
        ({"virtualenv": ""}, sys.executable),
        ({"virtualenv": ".venv"}, "/root/.venv/bin/python"),
        ({"virtualenv": "/abs"}, "/abs/bin/python"),
    ],
)
def test_the_project_may_name_its_environment(options: dict[str, object], python: str) -> None:
    """Relative to the project's root; without one, the Python the host runs on."""
    assert python_of(options, "/root") == python
