"""The language host of Pulumi for Python programs and policy packs, for a `pulumi` that was built here.

Go's host cannot be had as a module that speaks today's protocol; an official installation brings its own and needs
none of this. The engine starts us with its address last, reads our port from the first line we print, and calls
`Run` for a program, `RunPlugin` for a policy pack or provider. What runs is Pulumi's own, unmodified:
`pulumi-language-python-exec` beside us, `pulumi.policy`, `pulumi.dynamic`.
"""

# The methods' names and arguments are those of the protocol.
# ruff: noqa: N802, ARG002

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent import futures
from importlib import metadata
from pathlib import Path
from queue import SimpleQueue

import grpc
from google.protobuf.empty_pb2 import Empty

from toolchain.language_commands import (
    PluginCommand,
    ProgramCommand,
    plugin_argv,
    plugin_environ,
    program_argv,
    program_environ,
    python_of,
)
from toolchain.language_protocol import language, language_rpc, plugin

WORKERS = 32
"""`RunPlugin` holds one for the life of a pack while `Run` needs another."""
STOP_S = 5.0
CHUNK_BYTES = 8192
SHOWN_ALREADY = 32
"""Exit code of a program that has told the user itself what was wrong."""


class Children:
    """The processes we started; none outlives us."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._ending = False

    def start(
        self, argv: Sequence[str], *, cwd: str, environ: dict[str, str], piped: bool
    ) -> "subprocess.Popen[bytes]":
        """Start one; `piped` when its output is to be sent on. Raises `OSError`."""
        output = subprocess.PIPE if piped else None
        with self._lock:
            if self._ending:
                raise ChildProcessError("the language host is ending")
            child = subprocess.Popen(
                argv, cwd=cwd, env=environ, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
            self._running.add(child)
        return child

    def ended(self, child: "subprocess.Popen[bytes]") -> None:
        """Forget one that was waited for."""
        with self._lock:
            self._running.discard(child)

    def end_all(self) -> None:
        """SIGTERM, then SIGKILL after `STOP_S`; nothing is started afterwards."""
        with self._lock:
            self._ending = True
            running = tuple(self._running)
        for child in running:
            child.terminate()
        for child in running:
            try:
                child.wait(timeout=STOP_S)
            except subprocess.TimeoutExpired:
                child.kill()


class Host(language_rpc.LanguageRuntimeServicer):
    """Answers the engine at `engine`; its calls come on threads of a pool."""

    def __init__(self, engine: str, executor: Path, children: Children) -> None:
        self._engine = engine
        self._executor = executor
        self._children = children

    def GetPluginInfo(self, request: object, context: grpc.ServicerContext) -> plugin.PluginInfo:
        """Which host this is."""
        return plugin.PluginInfo(version=metadata.version("pulumi"))

    def GetRequiredPackages(
        self,
        request: language.GetRequiredPackagesRequest,
        context: grpc.ServicerContext,
    ) -> language.GetRequiredPackagesResponse:
        """None by name: plugins are found where the engine looks for them."""
        return language.GetRequiredPackagesResponse()

    def About(
        self,
        request: language.AboutRequest,
        context: grpc.ServicerContext,
    ) -> language.AboutResponse:
        """The Python that programs run on."""
        return language.AboutResponse(executable=sys.executable, version=sys.version.split()[0])

    def GetProgramDependencies(
        self,
        request: language.GetProgramDependenciesRequest,
        context: grpc.ServicerContext,
    ) -> language.GetProgramDependenciesResponse:
        """Every distribution of the environment."""
        return language.GetProgramDependenciesResponse(
            dependencies=[
                language.DependencyInfo(name=it.name, version=it.version)
                for it in metadata.distributions()
            ]
        )

    def InstallDependencies(
        self,
        request: language.InstallDependenciesRequest,
        context: grpc.ServicerContext,
    ) -> Iterator[language.InstallDependenciesResponse]:
        """Nothing is installed: `make setup` has filled the environment from the lock."""
        yield language.InstallDependenciesResponse(
            stdout=b"dependencies are those of the lock: make setup\n"
        )

    def Run(
        self,
        request: language.RunRequest,
        context: grpc.ServicerContext,
    ) -> language.RunResponse:
        """Run a program to its end; its output is ours."""
        command = ProgramCommand(
            python=python_of(dict(request.info.options), request.info.root_directory),
            executor=str(self._executor),
            engine=self._engine,
            monitor=request.monitor_address,
            project=request.project,
            stack=request.stack,
            organization=request.organization,
            root_directory=request.info.root_directory,
            pwd=request.pwd,
            program=request.info.entry_point or request.program or ".",
            parallel=request.parallel,
            dry_run=request.dryRun,
            config=dict(request.config),
            config_secret_keys=tuple(request.configSecretKeys),
            arguments=tuple(request.args),
        )
        try:
            child = self._children.start(
                program_argv(command),
                cwd=request.info.program_directory or request.pwd,
                environ=program_environ(command, os.environ),
                piped=False,
            )
        except OSError as error:
            return language.RunResponse(error=f"{command.python}: {error}")
        code = child.wait()
        self._children.ended(child)
        if code == SHOWN_ALREADY:
            return language.RunResponse(bail=True)
        return language.RunResponse(error=f"Program exited with code {code}" if code else "")

    def RunPlugin(
        self, request: language.RunPluginRequest, context: grpc.ServicerContext
    ) -> Iterator[language.RunPluginResponse]:
        """Run a policy pack or provider; its output is sent as it comes, its exit code last."""
        command = PluginCommand(
            python=python_of(dict(request.info.options), request.info.root_directory),
            kind=request.kind,
            directory=request.info.program_directory or request.info.root_directory,
            arguments=tuple(request.args),
            environ=tuple(request.env),
        )
        try:
            child = self._children.start(
                plugin_argv(command),
                # a pack is started in its own directory: a module beside the stack would shadow its imports
                cwd=command.directory,
                environ=plugin_environ(command, os.environ),
                piped=True,
            )
        except OSError as error:
            yield language.RunPluginResponse(stderr=f"{command.python}: {error}\n".encode())
            yield language.RunPluginResponse(exitcode=1)
            return
        context.add_callback(child.terminate)
        yield from _output(child)
        code = child.wait()
        self._children.ended(child)
        yield language.RunPluginResponse(exitcode=code)

    def Cancel(self, request: object, context: grpc.ServicerContext) -> Empty:
        """End what runs: the user has pressed Ctrl-C."""
        self._children.end_all()
        return Empty()


def _output(child: "subprocess.Popen[bytes]") -> Iterator[language.RunPluginResponse]:
    """Both streams of a child until both are at their end, in the order they come."""
    arrived: SimpleQueue[language.RunPluginResponse | None] = SimpleQueue()

    def read(name: str) -> None:
        stream = child.stdout if name == "stdout" else child.stderr
        while stream is not None and (data := os.read(stream.fileno(), CHUNK_BYTES)):
            arrived.put(
                language.RunPluginResponse(stdout=data)
                if name == "stdout"
                else language.RunPluginResponse(stderr=data)
            )
        arrived.put(None)

    readers = [
        threading.Thread(target=read, args=(it,), daemon=True) for it in ("stdout", "stderr")
    ]
    for reader in readers:
        reader.start()
    for _ in readers:
        while (message := arrived.get()) is not None:
            yield message


def serve(engine: str, executor: Path) -> None:
    """Serve until a signal, or until the engine closes our standard input."""
    children = Children()
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=WORKERS),
        options=[("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)],
    )
    language_rpc.add_LanguageRuntimeServicer_to_server(Host(engine, executor, children), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    over = threading.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda _signum, _frame: over.set())
    threading.Thread(target=_until_end_of_input, args=(over,), daemon=True).start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    over.wait()
    children.end_all()
    server.stop(grace=0)


def _until_end_of_input(over: threading.Event) -> None:
    """The engine holds the other end: its death ends us, so that nothing is orphaned."""
    while os.read(0, CHUNK_BYTES):
        pass
    over.set()


def main() -> None:
    """The address of the engine is the last argument; flags before it are for Go's logging."""
    if len(sys.argv) < 2 or sys.argv[-1].startswith("-"):
        sys.stderr.write(
            "pulumi-language-python: expected the engine's address; pulumi starts it\n"
        )
        raise SystemExit(2)
    serve(sys.argv[-1], Path(sys.argv[0]).absolute().with_name("pulumi-language-python-exec"))
