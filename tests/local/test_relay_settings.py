"""Relay settings as JSON."""

import msgspec
import pytest

from local.relay_settings import RelayListener, RelaySettings


def test_settings_survive_the_file() -> None:
    """What is written is what is read."""
    settings = RelaySettings(
        name="relay-link", source="127.0.1.250", control="c", ready="r", beacons="b",
        listeners=(RelayListener(name="ads", listen="127.0.1.2:0", target="127.0.1.11:80"),),
    )  # fmt: skip
    assert msgspec.json.decode(msgspec.json.encode(settings), type=RelaySettings) == settings


def test_an_unknown_key_is_refused() -> None:
    """A misspelt key does not silently leave a listener out."""
    with pytest.raises(msgspec.ValidationError, match="lisners"):
        msgspec.json.decode(b'{"name":"x","lisners":[]}', type=RelaySettings)
