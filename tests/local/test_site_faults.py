"""The faults' command line: what is refused before anything changes, and what is healed where nothing is."""

import json
from pathlib import Path

import pytest

from local.site_faults import SiteFaults, main

BASE = ("--environment", "none")


def told(capsys: pytest.CaptureFixture[str], tmp_path: Path, *words: str) -> tuple[int, str, str]:
    code = main([*words, "--root", str(tmp_path), *BASE])
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("cut",), 3, "environment none, site public: no such network"),
        (("cut-one-way", "--direction", "to-public"), 3, "fix: isthmus up none"),
        (("cut", "--ttl", "0"), 2, "--ttl 0: expected 1 to"),
        (("cap", "--kib-per-s", "0"), 2, "cap 0: expected at least 1"),
        (("lose", "--per-mille", "1001"), 2, "at most 1000 per mille"),
        (("lose", "--per-mille", "1", "--direction", "new-to-public"), 2, "only a cut"),
        (("delay", "--ms", "30", "--direction", "new-to-public"), 2, "expected both"),
        (("delay", "--ms", "30"), 3, "no such network"),
        (("delay", "--ms", "0"), 2, "--ms 0: expected 1 to"),
        (("delay", "--ms", "30", "--ttl", "0"), 2, "--ttl 0: expected 1 to"),
        (("kill-nodes", "--nodes", ","), 2, "expected at least one name"),
        (("kill-nodes", "--nodes", "ads-1"), 3, "no such network"),
        (("freeze-api", "--site", "private"), 3, "environment none, site private: no such network"),
    ],
)
def test_what_cannot_be_done_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: tuple[str, ...], code: int, *, said: str
) -> None:  # fmt: skip
    """On stderr, with what was expected; nothing on stdout."""
    done, out, err = told(capsys, tmp_path, *words)
    assert (done, out) == (code, "")
    assert said in err


def test_healing_what_is_gone_is_done(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A fault goes with its cluster; once or often, as text and as JSON."""
    for operation in ("heal", "heal", "heal-all", "status"):
        assert told(capsys, tmp_path, operation) == (0, "none: no fault in force\n", "")
    _, out, _ = told(capsys, tmp_path, "heal", "--json")
    assert json.loads(out) == {
        "schema": 1, "environment": "none", "link": {}, "delay_ms": {}, "nodes": {}, "api": {}, "changed": []
    }  # fmt: skip


def test_one_way_needs_a_direction(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """And `both` is none."""
    for words in (("cut-one-way",), ("cut-one-way", "--direction", "both")):
        with pytest.raises(SystemExit) as ended:
            main([*words, "--root", str(tmp_path), *BASE])
        assert ended.value.code == 2
        assert "--direction" in capsys.readouterr().err


def test_the_report_is_strict() -> None:
    """Its fields are its contract."""
    assert set(SiteFaults.__struct_fields__) == {
        "schema", "environment", "link", "delay_ms", "nodes", "api", "changed"
    }  # fmt: skip
