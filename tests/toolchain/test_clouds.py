"""The cloud SDKs are installed beside the environment, once."""

from pathlib import Path

import pytest

from toolchain.clouds import LOCK, install


@pytest.fixture
def uv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "bin" / "uv"
    program.parent.mkdir()
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n'
        'while [ "$1" != --target ]; do shift; done; mkdir -p "$2"; echo x > "$2/sdk.py"\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return program


def test_they_are_installed_once_per_lock(tmp_path: Path, uv: Path) -> None:
    """With hashes, without dependencies; another lock starts from an empty directory."""
    lock = tmp_path / "lock"
    lock.write_text("a==1")
    assert [install(tmp_path, lock) for _ in range(2)] == [0, 0]
    (call,) = (tmp_path / "calls").read_text().splitlines()
    assert "--require-hashes --no-deps" in call
    left_over = tmp_path / "setup" / "clouds" / "old.py"
    left_over.touch()
    lock.write_text("a==2")
    assert install(tmp_path, lock) == 0
    assert not left_over.exists()


@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 1\n", None])
def test_what_cannot_be_had_is_an_error_and_tried_again(
    script: str | None, tmp_path: Path, uv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 3 and a fix, whether the installer fails or is not there."""
    lock = tmp_path / "lock"
    lock.write_text("a==1")
    if script is None:
        uv.unlink()
    else:
        uv.write_text(script)
    assert [install(tmp_path, lock) for _ in range(2)] == [3, 3]
    assert "fix:" in capsys.readouterr().err


def test_the_lock_names_the_sdks_with_their_digests() -> None:
    """Three packages, each with hashes."""
    text = LOCK.read_text()
    for name in ("pulumi-alicloud==", "pulumi-aws==", "pulumi-command=="):
        assert name in text
    assert text.count("--hash=sha256:") >= 3
