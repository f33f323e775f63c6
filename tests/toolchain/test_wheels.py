"""Packages of a lock go where they are told to, or the error says what to do."""

from pathlib import Path

import pytest

from toolchain.wheels import WheelError, install_wheels


@pytest.mark.parametrize("dependencies", [True, False])
def test_the_installer_is_told_to_check_hashes(
    *,
    dependencies: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Into the target; dependencies only where wanted; set-up's uv serves when none is on PATH."""
    uv = tmp_path / "setup" / "uv" / "bin" / "uv"
    uv.parent.mkdir(parents=True)
    uv.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/call\n')
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", "/nowhere")
    install_wheels(Path("x.lock"), tmp_path / "t", state=tmp_path, dependencies=dependencies)
    call = (tmp_path / "call").read_text()
    assert "--require-hashes" in call
    assert f"--target {tmp_path / 't'} -r x.lock" in call
    assert ("--no-deps" in call) is not dependencies


def test_what_the_installer_says_is_told_with_a_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And that there is none."""
    uv = tmp_path / "uv"
    uv.write_text("#!/bin/sh\necho no such package >&2; exit 1\n")
    uv.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(WheelError, match=r"x\.lock could not be installed: no such package; fix:"):
        install_wheels(Path("x.lock"), tmp_path / "t", state=tmp_path)
    uv.unlink()
    with pytest.raises(WheelError, match="fix: make setup"):
        install_wheels(Path("x.lock"), tmp_path / "t", state=tmp_path)
