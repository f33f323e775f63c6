"""What a client's body says, within bounds: content encoding undone, JSON or form into a typed struct.

Refusals name the field that was wrong only when it is one of ours: an unknown key is the client's text.
"""

import re
import urllib.parse
import zlib
from typing import TypeVar

import msgspec
from aiohttp import web

from marketing.problems import ProblemError

FORM_FIELDS_MAX = 16
"""Twice what the widest form of this tenant has; more is no form of ours."""

_GZIP_WBITS = 31  # zlib's code for "gzip header and trailer, window up to 32 KiB"
_AT_FIELD = re.compile(r"`\$\.(\w+)`$")
_MISSING_FIELD = re.compile(r"missing required field `(\w+)`")

T = TypeVar("T", bound=msgspec.Struct)


async def read_body(request: web.Request, bytes_max: int) -> bytes:
    """The decoded body, at most `bytes_max` bytes; raises `ProblemError` 413, 415 or 400."""
    try:
        sent = await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise _too_large(bytes_max) from error
    match request.headers.get("Content-Encoding", "identity").strip().lower():
        case "identity" | "":
            data = sent
        case "gzip" | "x-gzip":
            data = inflate(sent, bytes_max)
        case _:
            raise ProblemError(415, "Content-Encoding: expected gzip or none")
    if len(data) > bytes_max:
        raise _too_large(bytes_max)
    return data


def inflate(data: bytes, bytes_max: int) -> bytes:
    """The one gzip member in `data`, never holding more than `bytes_max` + 1 bytes of output."""
    stream = zlib.decompressobj(_GZIP_WBITS)
    try:
        plain = stream.decompress(data, bytes_max + 1)
    except zlib.error as error:
        raise ProblemError(400, "body: expected a gzip stream as Content-Encoding says") from error
    if len(plain) > bytes_max:
        raise _too_large(bytes_max)
    if not stream.eof or stream.unused_data:
        raise ProblemError(400, "body: expected exactly one whole gzip member")
    return plain


def _too_large(bytes_max: int) -> ProblemError:
    return ProblemError(413, f"body: expected at most {bytes_max} bytes, content encoding undone")


def decode_body(content_type: str, data: bytes, kind: type[T]) -> T:
    """`data` as `kind`, by its media type (JSON or form); raises `ProblemError` 400 or 415."""
    try:
        match content_type:
            case "application/json":
                return msgspec.json.decode(data, type=kind)
            case "application/x-www-form-urlencoded":
                return msgspec.convert(_form_fields(data), kind, strict=False)
            case _:
                raise ProblemError(
                    415, "Content-Type: expected application/json or a urlencoded form"
                )
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ProblemError(400, _expectation(kind, str(error))) from error


def _form_fields(data: bytes) -> dict[str, str]:
    try:
        pairs = urllib.parse.parse_qsl(
            data.decode(),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=FORM_FIELDS_MAX,
        )
    except UnicodeDecodeError:
        raise
    except ValueError as error:
        raise ProblemError(400, "body: expected name=value pairs joined by &") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ProblemError(400, "body: expected every field at most once")
    return fields


def _expectation(kind: type[msgspec.Struct], message: str) -> str:
    names = [field.name for field in msgspec.structs.fields(kind)]
    found = _AT_FIELD.search(message) or _MISSING_FIELD.search(message)
    where = found.group(1) if found and found.group(1) in names else "body"
    return f"{where}: not as expected; the fields are {', '.join(names)}"
