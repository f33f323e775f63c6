"""The TCP relay between sites and inside the public one: it carries, it taps, it can be cut.

`python -m local.relay --settings FILE`. A cut is a black hole: nothing is read from either side, new
connections are taken and hang, nobody is told; healing resumes every connection where it stood.
"""

import argparse
import asyncio
import random
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import structlog
import uvloop

from contracts.control import ControlReply, ControlRequest
from contracts.tap import TapReport
from local.relay_pipe import Half, Pipe
from local.relay_rules import WHOLE, Rule, Shaper, Terms, rule_of, terms_of
from local.relay_settings import RelayListener, RelaySettings
from local.tap import Tap
from local.tap_control import arm, write_beacons
from runtime.control import refuse, reply_with, serve_control
from runtime.logs import set_up_logs
from runtime.ready import write_ready
from runtime.shutdown import stop_event

BACKLOG = 1024
"""During a cut connections pile up here and must not be refused."""
_log = structlog.stdlib.get_logger()


class Relay:
    """All listeners of one relay, their connections and the tap."""

    def __init__(self, settings: RelaySettings) -> None:
        self.settings = settings
        self.cut = False
        self.connections = 0
        self.tap = Tap(on_error=lambda error: _log.error("tap.error", kind=type(error).__name__))
        self._targets = {it.name: address_of(it.target) for it in settings.listeners}
        self._pipes: set[Pipe] = set()
        self._connecting: dict[Pipe, asyncio.Task[None]] = {}
        self._waiting: dict[Pipe, str] = {}
        self._names: dict[Pipe, str] = {}
        self._rules: dict[str, Rule] = {}
        self._terms: dict[str, Terms] = dict.fromkeys(self._targets, WHOLE)
        self._rng = random.Random()

    async def listen(self, listener: RelayListener) -> tuple[asyncio.Server, str]:
        """Open one listener; returns it and where it really listens."""
        host, port = address_of(listener.listen)
        server = await asyncio.get_running_loop().create_server(
            self._accept(listener.name), host, port, backlog=BACKLOG, reuse_address=True
        )
        name: tuple[str, int] = server.sockets[0].getsockname()
        return server, f"{name[0]}:{name[1]}"

    def _accept(self, name: str) -> Callable[[], Half]:
        def half() -> Half:
            self.connections += 1
            pipe = Pipe(
                self.tap.open(name),
                on_client=lambda pipe: self._on_client(pipe, name),
                on_gone=self._on_gone,
                shaper=lambda: Shaper(self._rng),
            )
            pipe.cut = self.cut
            pipe.set_terms(self._terms[name])
            self._pipes.add(pipe)
            self._names[pipe] = name
            return pipe.client

        return half

    def _on_client(self, pipe: Pipe, name: str) -> None:
        terms = self._terms[name]
        if terms.reset:
            pipe.refuse()
        elif self.cut or terms.closed or self._is_dropped(terms):
            self._waiting[pipe] = name
        else:
            self._connecting[pipe] = asyncio.get_running_loop().create_task(
                self._connect(pipe, name)
            )

    def _is_dropped(self, terms: Terms) -> bool:
        return bool(terms.drop_share) and self._rng.uniform(0, 1) < terms.drop_share

    async def _connect(self, pipe: Pipe, name: str) -> None:
        host, port = self._targets[name]
        try:
            async with asyncio.timeout(self.settings.connect_s):
                await asyncio.get_running_loop().create_connection(
                    lambda: pipe.target, host, port, local_addr=(self.settings.source, 0)
                )
        except OSError:  # TimeoutError is one
            pipe.refuse()
        finally:
            self._connecting.pop(pipe, None)

    def _on_gone(self, pipe: Pipe) -> None:
        self._pipes.discard(pipe)
        self._waiting.pop(pipe, None)
        self._names.pop(pipe, None)

    def set_cut(self, *, cut: bool) -> None:
        """Cut or heal every connection, those to come included."""
        self.cut = cut
        for pipe in list(self._pipes):
            pipe.cut = cut
            pipe.set_reading()
        if not cut:
            self._let_in()

    def _let_in(self) -> None:
        """Try the connections that waited; those for which nothing has changed wait on."""
        waiting, self._waiting = self._waiting, {}
        for pipe, name in waiting.items():
            self._on_client(pipe, name)

    def set_rules(self, rules: dict[str, Rule]) -> None:
        """From now on these faults hold, for every connection there is or will be."""
        self._rules = rules
        for rule in rules.values():
            self._rng.seed(rule.seed)
        self._terms = {name: terms_of(rules.values(), name) for name in self._targets}
        for pipe, name in list(self._names.items()):
            pipe.set_terms(self._terms[name])
        self._let_in()

    async def close(self) -> None:
        """End every connection."""
        for task in list(self._connecting.values()):
            task.cancel()
        for pipe in list(self._pipes):
            for half in (pipe.client, pipe.target):
                if half.transport is not None:
                    half.transport.abort()
        await asyncio.sleep(0)

    def report(self) -> TapReport:
        """What was seen since `arm`."""
        return TapReport(
            relay=self.settings.name,
            armed_canaries=self.tap.matcher.armed,
            hits=self.tap.report_hits(),
            beacons=len(self.tap.beacons),
            beacons_file=self.settings.beacons,
            bytes_up=self.tap.bytes_up,
            bytes_down=self.tap.bytes_down,
            connections=self.connections,
            cut=self.cut,
            errors=self.tap.errors,
        )

    async def control(self, request: ControlRequest) -> ControlReply:
        """Answer one operation of the control socket."""
        match request.op:
            case "stats" | "seen":
                if request.op == "seen":
                    write_beacons(self.tap, self.settings.beacons)
                return reply_with(self.report())
            case "cut" | "heal":
                self.set_cut(cut=request.op == "cut")
                return reply_with()
            case "target":
                return self._set_target(request)
            case "arm":
                return self._arm(request)
            case "fault" | "unfault":
                return self._change_rules(request)
            case _:
                return refuse("expected one of ping stats seen cut heal target arm fault unfault")

    def _change_rules(self, request: ControlRequest) -> ControlReply:
        if request.op == "unfault":
            gone = str(request.args.get("id", ""))
            self.set_rules({key: it for key, it in self._rules.items() if key != gone})
            return reply_with()
        try:
            rule = rule_of(request.args)
        except ValueError as error:
            return refuse(str(error))
        if all(terms_of((rule,), name) == WHOLE for name in self._targets):
            known = ", ".join(sorted(self._targets))
            return refuse(f"{rule.listeners}: expected to name one of {known}")
        self.set_rules({**self._rules, rule.id: rule})
        return reply_with()

    def _set_target(self, request: ControlRequest) -> ControlReply:
        name, address = request.args.get("name"), request.args.get("address")
        if not isinstance(name, str) or name not in self._targets:
            return refuse(f"expected name to be one of {', '.join(sorted(self._targets))}")
        try:
            self._targets[name] = address_of(str(address))
        except ValueError as error:
            return refuse(str(error))
        return reply_with()

    def _arm(self, request: ControlRequest) -> ControlReply:
        try:
            arm(self.tap, request)
        except ValueError as error:
            return refuse(str(error))
        return reply_with(self.report())


def address_of(text: str) -> tuple[str, int]:
    """`host:port` taken apart. Raises `ValueError`."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"{text}: expected host:port")
    return host, int(port)


async def serve(settings: RelaySettings) -> None:
    """Run the relay until SIGTERM."""
    stop = stop_event(asyncio.get_running_loop())
    relay = Relay(settings)
    async with AsyncExitStack() as stack:
        addresses: dict[str, str] = {}
        for listener in settings.listeners:
            server, addresses[listener.name] = await relay.listen(listener)
            stack.callback(server.close)
        stack.push_async_callback(relay.close)
        await stack.enter_async_context(serve_control(Path(settings.control), relay.control))
        write_ready(Path(settings.ready), settings.name, addresses)
        _log.info("relay.ready", listeners=len(addresses))
        await stop.wait()


def main(argv: list[str] | None = None) -> int:
    """Run one relay."""
    parser = argparse.ArgumentParser(prog="python -m local.relay", description=__doc__)
    parser.add_argument("--settings", type=Path, required=True)
    path: Path = parser.parse_args(argv).settings
    try:
        settings = msgspec.json.decode(path.read_bytes(), type=RelaySettings)
    except (OSError, msgspec.MsgspecError) as error:
        sys.stderr.write(f"{path}: {error}; expected relay settings as JSON\n")
        return 2
    set_up_logs(settings.name)
    try:
        uvloop.run(serve(settings))
    except OSError as error:
        sys.stderr.write(f"{settings.name}: {error}\n")
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
