"""The process: `python -m router`, its exit codes and what it leaves."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import msgspec
import pytest

from contracts.settings import RouterSettings
from router.audit import verify
from router.doors import address_of, bind
from runtime.ready import read_ready
from tests.router.harness import NAMES, POLICY, RESERVE, Service, topology, until

ROOT = Path(__file__).parents[2]


def settings(root: Path, **kw: object) -> Path:
    (root / "policy.yaml").write_text(POLICY)
    if not (root / "topology.yaml").exists():
        services: dict[str, Service] = {}
        for site, names in NAMES.items():
            for name in names:
                # Port 9 and up is nobody's: these tests need no service behind the router.
                address = f"127.0.{1 if site == 'public' else 2}.10:{9 + len(services)}"
                services[name] = Service(site, name, address)
        (root / "topology.yaml").write_text(
            topology(services, sites=("public", "private"), reserve=RESERVE)
        )
    made = RouterSettings(
        name="r", placement="core", site="private", policy=str(root / "policy.yaml"),
        topology=str(root / "topology.yaml"), listen="127.0.2.22:0", probe="127.0.2.22:0",
        admin=str(root / "admin.sock"), evidence=str(root / "evidence"), ready=str(root / "ready.json"),
    )  # fmt: skip
    path = root / "settings.json"
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(made, **kw)))
    return path


def start(path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "router", "--settings", str(path)],
        cwd=ROOT, stderr=subprocess.PIPE,
    )  # fmt: skip


def fails(path: Path) -> tuple[int, str]:
    with start(path) as process:
        _, err = process.communicate(timeout=20)
    return process.returncode, err.decode()


@pytest.mark.parametrize("workers", [1, 2])
async def test_it_serves_until_told_to_stop(tmp_path: Path, workers: int) -> None:
    """Ready file, both ports, admin socket; SIGTERM drains and exits 0 with whole evidence."""
    path = settings(tmp_path, workers=workers)
    with start(path) as process:
        try:
            await until(lambda: read_ready(tmp_path / "ready.json") is not None, within_s=20)
            ready = read_ready(tmp_path / "ready.json")
            assert ready is not None
            async with aiohttp.ClientSession() as client:
                async with client.get(f"http://{ready.addresses['http']}/none") as answer:
                    assert answer.status == 404
                async with client.get(f"http://{ready.addresses['probe']}/metrics") as answer:
                    assert 'decisions_total{kind="refused"} 1.0' in await answer.text()
        finally:
            process.terminate()
            process.communicate(timeout=20)
    assert process.returncode == 0
    report = verify(tmp_path / "evidence")
    assert report.chain_ok
    assert report.records == 1
    assert not (tmp_path / "admin.sock").exists()


async def test_a_kill_loses_no_decision_that_was_answered(tmp_path: Path) -> None:
    """SIGKILL right after an answer: its record is in the file, the chain is whole."""
    path = settings(tmp_path)
    with start(path) as process:
        await until(lambda: read_ready(tmp_path / "ready.json") is not None, within_s=20)
        ready = read_ready(tmp_path / "ready.json")
        assert ready is not None
        async with aiohttp.ClientSession() as client:
            for _ in range(5):
                async with client.get(f"http://{ready.addresses['http']}/none") as answer:
                    assert answer.status == 404
            os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=20)
    report = verify(tmp_path / "evidence")
    assert report.chain_ok
    assert report.by_kind == {"refused": 5}


def test_bad_configuration_is_exit_2_and_leaves_nothing(tmp_path: Path) -> None:
    """Settings, policy, topology, placement: said, and nothing half-started."""
    path = settings(tmp_path)
    (tmp_path / "policy.yaml").write_text("version: isthmus/v1\nroutes: 1\n")
    code, err = fails(path)
    assert code == 2
    assert "policy.yaml:" in err
    assert "Traceback" not in err
    edge = settings(tmp_path, placement="edge", site="public")
    code, err = fails(edge)
    assert code == 2
    assert 'an edge router must not know site "private"' in err
    path.write_bytes(b"{}")
    code, err = fails(path)
    assert code == 2
    assert "settings.json" in err
    assert not (tmp_path / "evidence").exists()
    assert not (tmp_path / "ready.json").exists()


def test_a_taken_port_is_exit_3(tmp_path: Path) -> None:
    """The environment is at fault, and the message says which settings to look at."""
    held = bind("127.0.2.22:0")
    held.listen()
    code, err = fails(settings(tmp_path, listen=address_of(held)))
    held.close()
    assert code == 3
    assert "fix: change listen" in err
    assert "Traceback" not in err
