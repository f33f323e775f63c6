"""The host as the engine uses it: started, called over gRPC, ended; nothing of it is left."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from google.protobuf.empty_pb2 import Empty

from runtime.processes import is_running, start_ticks
from toolchain.language_protocol import language, language_rpc, plugin

LIMIT_S = 20
EXECUTOR = """
import os, sys
print("ran", *sys.argv[-2:], os.environ["PULUMI_CONFIG"], flush=True)
sys.exit(int(sys.argv[-1]))
"""


class Started:
    """A running host with a stub to call it by."""

    def __init__(self, directory: Path) -> None:
        launcher = directory / "pulumi-language-python"
        launcher.write_text("from toolchain.language_host import main\nmain()\n")
        (directory / "pulumi-language-python-exec").write_text(EXECUTOR)
        self.process = subprocess.Popen(
            [sys.executable, launcher, "-v=3", "127.0.0.1:9"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())
        self.channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")
        self.stub = language_rpc.LanguageRuntimeStub(self.channel)

    def run(self, directory: Path, code: int) -> language.RunResponse:
        info = language.ProgramInfo(root_directory=str(directory), program_directory=str(directory), entry_point=".")  # fmt: skip
        return self.stub.Run(
            language.RunRequest(project="p", stack="s", pwd=str(directory), info=info, args=[str(code)], config={"k": "v"}),
            timeout=LIMIT_S,
        )  # fmt: skip

    def pack(self, directory: Path, code: str) -> Iterator[language.RunPluginResponse]:
        pack = directory / "pack"
        pack.mkdir(exist_ok=True)
        (pack / "__main__.py").write_text(code)
        info = language.ProgramInfo(root_directory=str(pack), program_directory=str(pack), entry_point=".")  # fmt: skip
        return self.stub.RunPlugin(
            language.RunPluginRequest(pwd=str(directory), info=info, kind="resource", env=["A=b"]),
            timeout=LIMIT_S,
        )


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Started]:
    it = Started(tmp_path)
    yield it
    it.channel.close()
    it.process.kill()
    it.process.communicate()


def test_it_says_who_it_is(host: Started) -> None:
    """Plugin information and the Python it runs; no plugin is required by name."""
    told: plugin.PluginInfo = host.stub.GetPluginInfo(Empty(), timeout=LIMIT_S)
    assert told.version[0].isdigit()
    about = host.stub.About(language.AboutRequest(), timeout=LIMIT_S)
    assert about.executable == sys.executable
    required = host.stub.GetRequiredPackages(language.GetRequiredPackagesRequest(), timeout=LIMIT_S)
    assert len(required.packages) == 0
    listed = host.stub.GetProgramDependencies(
        language.GetProgramDependenciesRequest(), timeout=LIMIT_S
    )
    assert "pulumi" in {it.name for it in listed.dependencies}
    said = list(
        host.stub.InstallDependencies(language.InstallDependenciesRequest(), timeout=LIMIT_S)
    )
    assert b"make setup" in said[0].stdout


@pytest.mark.parametrize(
    ("code", "error", "bail"),
    [(0, "", False), (1, "Program exited with code 1", False), (32, "", True)],
)
def test_the_end_of_a_program_is_told(
    host: Started, tmp_path: Path, code: int, error: str, *, bail: bool
) -> None:
    """Well, badly, or badly with the user told already; its output is the host's own."""
    answer = host.run(tmp_path, code)
    assert (answer.error, answer.bail) == (error, bail)
    assert host.process.stdout is not None
    assert host.process.stdout.readline() == f'ran . {code} {{"k":"v"}}\n'


def test_a_python_that_is_not_there_is_an_error(host: Started, tmp_path: Path) -> None:
    """Named, for a program and for a plugin."""
    options = {"virtualenv": "gone"}
    info = language.ProgramInfo(root_directory=str(tmp_path), program_directory=str(tmp_path))
    info.options.update(options)
    answer = host.stub.Run(language.RunRequest(pwd=str(tmp_path), info=info), timeout=LIMIT_S)
    assert "gone/bin/python" in answer.error
    said = list(host.stub.RunPlugin(language.RunPluginRequest(info=info), timeout=LIMIT_S))
    assert b"gone/bin/python" in said[0].stderr
    assert said[-1].exitcode == 1


def test_a_plugin_s_output_comes_whole_and_its_exit_code_last(
    host: Started, tmp_path: Path
) -> None:
    """More than a pipe holds, on both streams, from its own directory with the engine's environment."""
    code = (
        "import os, sys\n"
        "print(os.getcwd(), os.environ['A'])\n"
        "sys.stdout.write('o' * 300_000)\nsys.stderr.write('e' * 300_000)\nsys.exit(7)\n"
    )
    said = list(host.pack(tmp_path, code))
    out = b"".join(it.stdout for it in said)
    assert out.startswith(f"{tmp_path / 'pack'} b\n".encode())
    assert out.count(b"o" * 1000) >= 299
    assert b"".join(it.stderr for it in said) == b"e" * 300_000
    assert said[-1].exitcode == 7
    assert [it for it in said[:-1] if it.WhichOneof("output") == "exitcode"] == []


@pytest.mark.parametrize("ending", ["SIGTERM", "SIGINT", "end of input"])
def test_it_ends_with_everything_it_started(host: Started, tmp_path: Path, ending: str) -> None:
    """On a signal, or when the engine that holds its standard input is gone."""
    said = host.pack(tmp_path, "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(60)\n")
    child = int(next(said).stdout)
    ticks = start_ticks(child)
    assert ticks is not None
    if ending == "end of input":
        assert host.process.stdin is not None
        host.process.stdin.close()
        host.process.stdin = None
    else:
        host.process.send_signal(signal.Signals[ending])
    assert host.process.wait(timeout=LIMIT_S) == 0
    assert not is_running(child, ticks)
