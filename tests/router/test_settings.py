"""The settings file: every fault names file, place, expectation and fix."""

import json
from pathlib import Path

import pytest

from router.generation import ConfigError
from router.settings import host_port, load_settings

GOOD = {
    "name": "core", "placement": "core", "site": "private", "policy": "p", "topology": "t",
    "listen": "127.0.2.10:0", "probe": "127.0.2.10:0", "admin": "a", "evidence": "e", "ready": "r",
}  # fmt: skip


def load(tmp_path: Path, data: bytes):
    path = tmp_path / "settings.json"
    path.write_bytes(data)
    return load_settings(path)


def test_good_settings_are_read_with_their_defaults(tmp_path: Path) -> None:
    """Absent keys take the contract's defaults."""
    settings = load(tmp_path, json.dumps(GOOD).encode())
    assert settings.workers == 1
    assert settings.limits.attempt_public_s == 0.2


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"listen": "nowhere:80"}, r"\$\.listen: "),
        ({"listen": "127.0.2.10"}, r"\$\.listen: "),
        ({"probe": "127.0.2.10:99999"}, r"\$\.probe: "),
        ({"extra": 1}, r"\$: .*extra"),
        ({"placement": "middle"}, r"\$\.placement: "),
        ({"limits": {"total_s": 0}}, r"\$\.limits\.total_s: "),
        ({"limits": {"total_s": "x"}}, r"\$\.limits\.total_s: "),
        ({"workers": 0}, r"\$\.workers: "),
        ({"schema": 2}, r"\$\.schema: "),
        ({"source_address": "home"}, r"\$\.source_address: "),
        ({"disable": ["evidence"]}, r"\$\.disable\[0\]: "),
    ],
)
def test_a_bad_key_is_placed(tmp_path: Path, change: dict[str, object], place: str) -> None:
    """File, path in the document, expectation and fix are in the message."""
    with pytest.raises(ConfigError, match=rf"settings\.json: {place}.*; expected .*; fix: "):
        load(tmp_path, json.dumps(GOOD | change).encode())


@pytest.mark.parametrize("data", [b"", b"\x00\xff\xfe", b"[]", b'{"name": '])
def test_what_is_no_settings_document_is_refused(tmp_path: Path, data: bytes) -> None:
    """Empty, binary, another document, half a document."""
    with pytest.raises(ConfigError, match=r"settings\.json.*; expected .*; fix: "):
        load(tmp_path, data)


def test_syntax_errors_name_the_line(tmp_path: Path) -> None:
    """The line where JSON stops being JSON."""
    with pytest.raises(ConfigError, match=r"settings\.json:3: not JSON"):
        load(tmp_path, b'{\n"name": "x",\n!')


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    """No traceback for a wrong path."""
    with pytest.raises(ConfigError, match="cannot be read"):
        load_settings(tmp_path / "none.json")


def test_addresses_may_be_of_either_family() -> None:
    """IPv6 in brackets."""
    assert host_port("[::1]:80") == ("::1", 80)
    assert host_port("127.0.0.1:0") == ("127.0.0.1", 0)
