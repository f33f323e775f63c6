"""The settings file of a router: read, decoded strictly, checked; a fault names file, place, expectation and fix."""

import ipaddress
from pathlib import Path

import msgspec

from contracts.settings import RouterSettings
from router.generation import ConfigError


def load_settings(path: Path) -> RouterSettings:
    """The settings in `path`. Raises `ConfigError`."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path}: cannot be read ({error.strerror}); expected a readable JSON file; "
            "fix: name an existing file with --settings"
        ) from error
    try:
        settings = msgspec.json.decode(data, type=RouterSettings)
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at ")
        raise ConfigError(
            f"{path}: {place.strip('`') or '$'}: {text}; expected RouterSettings, schema 1; "
            "fix: correct or remove the key named"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}:{_line(data, str(error))}: not JSON ({error}); expected one JSON object; "
            "fix: correct the syntax at the place named"
        ) from error
    _check(path, settings)
    return settings


def host_port(text: str) -> tuple[str, int]:
    """`HOST:PORT` taken apart. Raises `ValueError`."""
    host, colon, port = text.rpartition(":")
    ipaddress.ip_address(host.strip("[]"))
    if not colon or not 0 <= int(port) < 65536:
        raise ValueError(text)
    return host.strip("[]"), int(port)


def _line(data: bytes, message: str) -> int:
    """The line of the byte position msgspec names, 1 when it names none."""
    digits = message.rpartition("byte ")[2].rstrip(")")
    return data.count(b"\n", 0, int(digits)) + 1 if digits.isdigit() else 1


def _check(path: Path, settings: RouterSettings) -> None:
    for key in ("listen", "probe"):
        try:
            host_port(getattr(settings, key))
        except ValueError as error:
            raise ConfigError(
                f"{path}: $.{key}: not an address to listen on; expected IP:PORT, port 0 for a free one; "
                "fix: write for example 127.0.2.10:0"
            ) from error
    if settings.schema != 1:
        raise ConfigError(
            f"{path}: $.schema: {settings.schema} is not known; expected 1; fix: write settings of schema 1"
        )
    if not 1 <= settings.workers <= 64:
        raise ConfigError(
            f"{path}: $.workers: {settings.workers} is out of range; expected 1 to 64; "
            "fix: one worker per core is enough"
        )
    for name in settings.limits.__struct_fields__:
        if getattr(settings.limits, name) <= 0:
            raise ConfigError(
                f"{path}: $.limits.{name}: must be positive; expected a number above 0; "
                "fix: remove the key to get the default"
            )
    if settings.source_address:
        try:
            ipaddress.ip_address(settings.source_address)
        except ValueError as error:
            raise ConfigError(
                f"{path}: $.source_address: not an IP address; expected one of this machine; "
                "fix: write for example 127.0.2.10, or remove the key"
            ) from error
