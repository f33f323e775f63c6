"""`isthmus demo` at its border."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runtime.processes import marked_processes

ROOT = Path(__file__).parents[2]


def demo(*words: str, cwd: Path = ROOT) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "cli", "demo", *words], cwd=cwd, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "named"), [(("--duration", "5"), "--duration 5"), (("--rate", "1"), "--rate 1")]
)
def test_numbers_that_prove_nothing_exit_2_with_a_fix(words: tuple[str, ...], named: str) -> None:
    """Refused before anything starts."""
    run = demo(*words)
    _, told = run.communicate(timeout=60)
    assert run.returncode == 2
    assert named in told
    assert "fix:" in told


@pytest.mark.cloud
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_after_a_signal_and_the_next_command(
    tmp_path: Path, signum: signal.Signals
) -> None:
    """Stopped while starting: INT and TERM clean up and exit 4; after KILL the next command does."""
    (tmp_path / ".isthmus").mkdir()
    (tmp_path / ".isthmus" / "engines").symlink_to(ROOT / ".isthmus" / "engines")
    cloud = str(tmp_path / ".isthmus" / "cloud")
    run = demo("--duration", "15", cwd=tmp_path)
    deadline = time.monotonic() + 60
    while len(marked_processes(cloud)) < 5:
        assert run.poll() is None, "the demo ended early"
        assert time.monotonic() < deadline, "the cloud did not start"
        time.sleep(0.05)
    run.send_signal(signum)
    run.communicate(timeout=60)
    if signum == signal.SIGKILL:
        subprocess.run(
            [sys.executable, "-m", "cli", "status"], cwd=tmp_path, check=False, capture_output=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
    else:
        assert run.returncode == 4
    assert marked_processes(cloud) == []
    assert not (tmp_path / ".isthmus" / "cloud" / "state.json").exists()


@pytest.mark.parametrize("words", [("--without", "scan"), ("--keep",)])
def test_what_only_the_embedded_cloud_can_do_is_refused_on_clusters(words: tuple[str, ...]) -> None:
    """Their routers run as they were deployed, and they stay up anyway."""
    run = demo("--on", "dev", *words)
    _, told = run.communicate(timeout=60)
    assert run.returncode == 2
    assert f"{words[0]}: has no meaning with --on dev" in told
    assert "fix:" in told
