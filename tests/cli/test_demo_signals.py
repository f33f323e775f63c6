"""A demo that is stopped at any moment: the next command leaves nothing of it.

The moments that matter are chosen: a fault in force that somebody must heal, a process that is dead on purpose, and
the wait at the end. A campaign at random ones: `ISTHMUS_RANDOM_MOMENTS=50 pytest tests/cli/test_demo_signals.py`, with
`ISTHMUS_RANDOM_SEED` to repeat it.
"""

import contextlib
import os
import random
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from contracts.cloud import CloudState
from runtime.processes import marked_processes

ROOT = Path(__file__).parents[2]
MOMENTS = int(os.environ.get("ISTHMUS_RANDOM_MOMENTS", "0"))
SEED = int(os.environ.get("ISTHMUS_RANDOM_SEED", "0")) or secrets.randbelow(10**9)
RUN_S = 28.0
"""About how long a demo of 15 s takes from first import to last line on an idle machine; the campaign's scale."""
MOMENT_S_MAX = 90.0
END_S_MAX = 60.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)


class Demo:
    """A demo in a checkout of its own, and what it has on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cloud = root / ".isthmus" / "cloud"
        self.temporary = ""
        (root / ".isthmus").mkdir()
        (root / ".isthmus" / "engines").symlink_to(ROOT / ".isthmus" / "engines")
        with (root / "told").open("wb") as told:
            self.process = self.command("demo", "--duration", "15", "--rate", "200", output=told)

    def command(self, *words: str, output: object) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "cli", *words], cwd=self.root, stdout=output, stderr=output,
            stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    def note_temporary(self) -> None:
        """The directory outside the checkout, read while its name is on record."""
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            state = (self.cloud / "state.json").read_bytes()
            self.temporary = msgspec.json.decode(state, type=CloudState).temporary

    def wait_for(self, moment: Callable[["Demo"], bool], *, within_s: float) -> bool:
        """Poll until `moment` has come; False when time is up or the demo has ended."""
        deadline = time.monotonic() + within_s
        while not moment(self):
            if self.process.poll() is not None or time.monotonic() > deadline:
                return False
            self.note_temporary()
            time.sleep(0.01)
        self.note_temporary()
        return True

    def stop(self, signum: signal.Signals) -> int:
        self.process.send_signal(signum)
        return self.process.wait(timeout=END_S_MAX)

    def told(self) -> str:
        return (self.root / "told").read_text(errors="replace")

    def leases(self) -> list[Path]:
        return sorted(self.root.glob(".isthmus/runs/*/leases/*.json"))

    def journal(self) -> str:
        """The faults of the run as they are written down when injected."""
        return "".join(path.read_text() for path in self.root.glob(".isthmus/runs/*/faults.ndjson"))

    def assert_nothing_is_left(self) -> None:
        assert [Path(f"/proc/{it.pid}/cmdline").read_text() for it in self.marked()] == []
        assert self.leases() == []
        assert not self.temporary or not Path(self.temporary).exists()
        assert not (self.cloud / "state.json").exists()

    def marked(self) -> list[object]:
        return marked_processes(str(self.cloud))


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    started = Demo(tmp_path)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.process.kill()
            started.process.wait()
        started.command("down", "local", output=subprocess.DEVNULL).wait(timeout=END_S_MAX)


def link_is_cut(demo: Demo) -> bool:
    return '"link_cut"' in demo.journal()


def bridge_is_dead(demo: Demo) -> bool:
    return '"bridge_kill"' in demo.journal()


def drains(demo: Demo) -> bool:
    """The generator has summed up and the last fault is healed."""
    return bool(list(demo.root.glob(".isthmus/runs/*/summary.json"))) and not demo.leases()


@pytest.mark.engines
@pytest.mark.cloud
@pytest.mark.parametrize(
    ("moment", "signum", "in_force"),
    [
        (link_is_cut, signal.SIGTERM, "link_cut"),
        (bridge_is_dead, signal.SIGKILL, "bridge_kill"),
        (drains, signal.SIGKILL, ""),
    ],
)  # fmt: skip
def test_nothing_is_left_of_a_demo_stopped_when_it_matters(
    demo: Demo, moment: Callable[[Demo], bool], signum: signal.Signals, in_force: str
) -> None:
    """TERM cleans up by itself and exits 4; after KILL watchdog and next command do."""
    assert demo.wait_for(moment, within_s=MOMENT_S_MAX), demo.told()
    assert demo.temporary
    assert Path(demo.temporary).is_dir()
    assert any(in_force in lease.name for lease in demo.leases()) or not in_force
    code = demo.stop(signum)
    if signum is signal.SIGKILL:
        assert demo.marked(), "the signal came too late to leave anything"
        assert demo.command("status", output=subprocess.DEVNULL).wait(timeout=END_S_MAX) == 1
    else:
        assert code == 4, demo.told()
        assert "Traceback" not in demo.told()
    demo.assert_nothing_is_left()


@pytest.mark.engines
@pytest.mark.cloud
@pytest.mark.skipif(not MOMENTS, reason="a campaign: ISTHMUS_RANDOM_MOMENTS=N runs N demos")
@pytest.mark.parametrize("number", range(max(MOMENTS, 1)))
def test_nothing_is_left_of_a_demo_stopped_at_a_random_moment(
    demo: Demo, number: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Any signal at any fraction of the run: exit 4 or an end of its own, and nothing left after the next command."""
    chance = random.Random(f"{SEED}/{number}")
    fraction, signum = chance.uniform(0, 1), chance.choice(SIGNALS)
    began_s = time.monotonic()
    demo.wait_for(
        lambda _: time.monotonic() - began_s > fraction * RUN_S, within_s=RUN_S + END_S_MAX
    )
    code = demo.stop(signum)
    with capsys.disabled():
        shown = f"seed {SEED} moment {number}: {signum.name} at {fraction:.3f}, exit {code}"
        print(  # noqa: T201 -- a campaign is watched
            f"\n{shown}; {(demo.told().splitlines() or ['nothing told'])[-1].strip()}"
        )
    # its own end came first, or it had not yet learnt what a signal means
    assert code in {4, 0, 1, 3, -signum}, demo.told()
    assert code == -signum or "Traceback" not in demo.told(), demo.told()
    if code != -signal.SIGKILL:
        demo.assert_nothing_is_left()
    assert demo.command("status", output=subprocess.DEVNULL).wait(timeout=END_S_MAX) == 1
    demo.assert_nothing_is_left()
