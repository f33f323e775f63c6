"""The hands of a pod on the real machine (root): group, namespace, root, mounts, signals, exit codes."""

import asyncio
import contextlib
import os
import shutil
from pathlib import Path

import msgspec
import pytest

from local.agent_cgroup import find_hierarchies
from local.agent_container import StartError, find_tools
from local.agent_files import PodFiles
from local.agent_house import House
from local.agent_machine import new_state, with_sandbox, with_start
from local.agent_nft import pod_ruleset
from local.agent_objects import ConfigMap, Meta, Secret
from local.agent_parts import (
    Capabilities,
    EmptyDir,
    EnvVar,
    Mount,
    ObjectSource,
    Resources,
    SecurityContext,
    Volume,
)
from local.agent_pod import PodHands, visible_paths
from local.agent_policy import Ruleset
from local.agent_resolve import ConfigError, Sources
from local.agent_sandbox import NetworkError, run_tool
from local.agent_slot import Exited, Running, Start
from tests.local.agents import container, pod, settings

NET = f"10.{200 + os.getpid() % 50}"
"""Runs side by side do not take one another's addresses; clusters have 10.96 to 10.127."""
rooted = pytest.mark.skipif(os.geteuid() != 0, reason="namespaces and groups need root")
SOURCES = Sources(
    config_maps={"conf": ConfigMap(metadata=Meta(name="conf"), data={"a": "of the map"})},
    secrets={"key": Secret(metadata=Meta(name="key"), data={"k": b"of the secret"})},
)
VOLUMES = (
    Volume(name="conf", config_map=ObjectSource(name="conf")),
    Volume(name="key", secret=ObjectSource(secret_name="key")),
    Volume(name="work", empty_dir=EmptyDir()),
)
LINKED = f"/var/run/isthmus-test-{os.getpid()}"
"""/var/run is a link to /run: it must be the container's /run."""
MOUNTS = (
    Mount(name="conf", mount_path="/etc/isthmus/conf"),
    Mount(name="key", mount_path="/etc/isthmus/key.txt", sub_path="k"),
    Mount(name="work", mount_path="/var/lib/shop"),
    Mount(name="conf", mount_path=LINKED),
)


def shell(text, **more):
    return container(command=("/bin/sh", "-c", text), volume_mounts=MOUNTS, **more)


@contextlib.asynccontextmanager
async def machine(tmp_path, one):
    """A bridge in the root namespace and the hands of one pod; everything goes with the block."""
    short = f"{os.getpid() % 10_000}"
    node = settings(
        directory=str(tmp_path / "node"), kubeconfig=str(tmp_path / "keys/kubeconfig"),
        bridge=f"istp{short}", namespace_prefix=f"istp{short}", network=f"{NET}.1.0/24",
        site_network=f"{NET}.0.0/16", gateway=f"{NET}.0.1", cgroup=f"isthmus-test-{short}/ads-1",
    )  # fmt: skip
    house = House(node, find_hierarchies(), find_tools())
    house.pods.mkdir(parents=True)
    hands = PodHands(house, PodFiles(house.pods, one.metadata.uid), uid=one.metadata.uid)
    await run_tool(("ip", "link", "add", node.bridge, "type", "bridge"))
    try:
        await run_tool(("ip", "address", "add", f"{NET}.0.1/16", "dev", node.bridge))
        await run_tool(("ip", "link", "set", node.bridge, "up"))
        async with asyncio.timeout(30):
            yield house, hands
    finally:
        try:
            await hands.tear_down()
            house.group.remove()
            for directory in house.group.directories():
                with contextlib.suppress(FileNotFoundError):
                    directory.parent.rmdir()
        finally:
            await run_tool(("ip", "link", "delete", node.bridge))


def there(path: str) -> bool:
    return Path(path).exists()


class Life:
    """Starts one container and follows it."""

    def __init__(self, hands, one) -> None:
        self.hands, self.pod = hands, one
        self.state = new_state(one, now_s=1.0)

    async def start(self) -> None:
        await self.hands.set_up(self.pod, SOURCES)
        start = Start(name="web", attempt=1)
        await self.hands.start(self.pod, start, SOURCES)
        self.state = with_start(with_sandbox(self.state, up=True), start, now_s=1.0)

    def seen(self):
        return self.hands.look(self.state)["web"]

    async def ended(self) -> Exited:
        while isinstance(self.seen(), Running):  # noqa: ASYNC110 -- another process
            await asyncio.sleep(0.02)
        seen = self.seen()
        assert isinstance(seen, Exited), seen
        return seen

    def log(self) -> str:
        return (self.hands.files.container("web").record(1) / "log").read_text()


@rooted
async def test_a_container_has_its_files_address_groups_and_nothing_of_others(tmp_path) -> None:
    """What it reads, what it may write, where it is; and nothing written is seen outside."""
    text = (
        "cat /etc/isthmus/conf/a /etc/isthmus/key.txt; echo; echo $ADDRESS; hostname -I; pwd\n"
        "echo kept > /var/lib/shop/x; echo lost > /etc/isthmus-test-lost\n"
        "touch /etc/isthmus/conf/b && echo writable; stat -c %a /etc/isthmus/key.txt\n"
        f"cat {LINKED}/a; ls / -a | grep isthmus; ls {tmp_path / 'keys'} /tmp | wc -l; grep isthmus-test /proc/self/cgroup | wc -l; exit 3\n"
    )
    address = EnvVar(name="ADDRESS", value="$(HOSTNAME)")
    one = pod(shell(text, env=(address,), working_dir="/srv"), volumes=VOLUMES)
    async with machine(tmp_path, one) as (_, hands):
        life = Life(hands, one)
        await life.start()
        assert (await life.ended()).code == 3
        said = life.log()
        assert "of the mapof the secret" in said
        assert said.count("of the map") == 2
        assert "isthmus-machine" not in said
        assert f"web-1\n{NET}.1.2" in said
        assert "/srv" in said
        assert "writable" not in said
        assert "\n600\n" in said
        assert (hands.files.volumes / "work/x").read_text() == "kept\n"
        assert not there("/etc/isthmus-test-lost")
        assert not there(LINKED)
    assert not there(f"/run/netns/istp{os.getpid() % 10_000}-0a1b2c3d")


@rooted
async def test_rights_that_are_given_up_are_gone(tmp_path) -> None:
    """Nothing can be written but volumes, nothing mounted, nobody's owner changed."""
    text = (
        "for path in /x /tmp/x /run/x; do touch $path && echo wrote; done\n"
        "mount -t tmpfs tmpfs /var/lib/shop && echo mounted; chown 1 /var/lib/shop && echo owned\n"
        "cat /etc/isthmus/key.txt; echo; echo x > /var/lib/shop/x; grep NoNewPrivs /proc/self/status\n"
    )
    strict = SecurityContext(
        read_only_root_filesystem=True, allow_privilege_escalation=False,
        capabilities=Capabilities(drop=("ALL",)),
    )  # fmt: skip
    one = pod(shell(text, security_context=strict), volumes=VOLUMES)
    async with machine(tmp_path, one) as (_, hands):
        life = Life(hands, one)
        await life.start()
        await life.ended()
        said = life.log()
        assert not {"wrote", "mounted", "owned"} & set(said.split())
        assert "of the secret" in said
        assert "NoNewPrivs:\t1" in said
        assert (hands.files.volumes / "work/x").exists()


@rooted
async def test_sigterm_reaches_the_main_process_and_a_kill_all_of_it(tmp_path) -> None:
    """A trap decides the exit code; what was left behind goes too."""
    text = "trap 'exit 7' TERM; (setsid sleep 60 &); echo up; while :; do sleep 0.02; done"
    one = pod(shell(text), volumes=VOLUMES)
    async with machine(tmp_path, one) as (_, hands):
        life = Life(hands, one)
        await life.start()
        while "up" not in life.log():  # noqa: ASYNC110 -- another process
            await asyncio.sleep(0.02)
        hands.terminate(life.state.slots[0])
        assert (await life.ended()).code == 7
        assert hands.group.wait_empty(timeout_s=5)


@rooted
async def test_a_container_that_needs_too_much_memory_is_told_so(tmp_path) -> None:
    """OOMKilled, not a mere 137."""
    big = f"exec {shutil.which('python3')} -I -c 'x = bytearray(300 << 20)'"
    one = pod(
        shell(big, resources=Resources(limits={"memory": "48Mi", "cpu": "500m"})), volumes=VOLUMES
    )
    async with machine(tmp_path, one) as (_, hands):
        life = Life(hands, one)
        await life.start()
        ended = await life.ended()
        assert (ended.code, ended.out_of_memory) == (137, True)


@rooted
async def test_a_command_runs_inside_a_running_container(tmp_path) -> None:
    """With its root, namespace and environment: what exec probes and preStop hooks need."""
    one = pod(shell("echo up; exec sleep 60", env=(EnvVar(name="A", value="1"),)), volumes=VOLUMES)
    async with machine(tmp_path, one) as (_, hands):
        life = Life(hands, one)
        assert hands.target(life.state.slots[0]).wrap is None
        await life.start()
        text = 'echo "$A $(cat /etc/isthmus/conf/a) $(hostname -I)" > /var/lib/shop/said'
        await hands.run_hook(life.state.slots[0], ("/bin/sh", "-c", text))
        said = (hands.files.volumes / "work/said").read_text()
        assert said.strip() == f"1 of the map {NET}.1.2"
        hands.kill("web")


@rooted
async def test_what_cannot_be_run_says_why(tmp_path) -> None:
    """A limit that is none, a host network, a set-up that fails."""
    one = pod(shell("true", resources=Resources(limits={"memory": "much"})), volumes=VOLUMES)
    async with machine(tmp_path, one) as (_, hands):
        with pytest.raises(ConfigError, match="limits"):
            await Life(hands, one).start()
        with pytest.raises(ConfigError, match="hostNetwork"):
            await hands.set_up(pod(host_network=True), SOURCES)
        sandbox, sane = hands.sandbox, pod(shell("true"), volumes=VOLUMES)
        hands.sandbox = msgspec.structs.replace(sandbox, namespace="isthmus-nowhere")
        with pytest.raises(StartError, match="isthmus-nowhere"):
            await hands.start(sane, Start(name="web", attempt=1), SOURCES)
        hands.sandbox = sandbox


@rooted
async def test_a_set_up_that_fails_leaves_no_namespace(tmp_path) -> None:
    """Here for want of the bridge; the next try begins anew."""
    one = pod(shell("true"), volumes=VOLUMES)
    async with machine(tmp_path, one) as (house, hands):
        bridge = house.settings.bridge
        house.settings = msgspec.structs.replace(house.settings, bridge="isthmus-none")
        with pytest.raises(NetworkError, match="isthmus-none"):
            await hands.set_up(one, SOURCES)
        assert not there(f"/run/netns/{house.settings.namespace_prefix}-0a1b2c3d")
        house.settings = msgspec.structs.replace(house.settings, bridge=bridge)
        await hands.set_up(one, SOURCES)


@rooted
@pytest.mark.skipif(shutil.which("nft") is None, reason="needs nftables")
async def test_a_denied_connection_is_lost_and_an_open_one_arrives(tmp_path) -> None:
    """The ruleset is loaded before the first process and replaced when it changes."""
    one = pod(shell("exec sleep 60"), volumes=VOLUMES)
    async with machine(tmp_path, one) as (house, hands):
        rules = {"now": pod_ruleset(Ruleset(ingress=()), node_addresses=())}
        house.ruleset = lambda _pod: rules["now"]
        await Life(hands, one).start()
        assert not await arrives(f"{NET}.1.2")
        rules["now"] = pod_ruleset(Ruleset(ingress=()), node_addresses=(f"{NET}.0.1",))
        await hands.apply_rules(one)
        assert await arrives(f"{NET}.1.2")
        rules["now"] = pod_ruleset(Ruleset(), node_addresses=())
        await hands.apply_rules(one)
        assert await arrives(f"{NET}.1.2")
        hands.kill("web")


async def arrives(address: str) -> bool:
    """A refused connection has arrived; a dropped one takes until the time-out."""
    for _ in range(3):
        try:
            async with asyncio.timeout(0.5):
                await asyncio.open_connection(address, 9)
        except ConnectionRefusedError:
            return True
        except OSError:
            continue
    return False


def test_what_lies_below_tmp_is_bound_when_the_image_needs_it() -> None:
    """A checkout below /tmp would else be hidden by the container's own /tmp."""
    node = settings()
    assert "/tmp/co" not in visible_paths(node, lambda _path: True)
    moved = settings(
        image=type(node.image)(entrypoint=("/tmp/co/bin/x",), working_directory="/tmp/co")
    )
    assert visible_paths(moved, lambda _path: True)[:2] == ("/tmp/co", "/tmp/co/bin")
    assert visible_paths(moved, lambda _path: False) == ()
