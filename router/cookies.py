"""Which cookies may a public socket see? Only those the route lists; the others are cut out of the header."""

import re

_VALUE = re.compile(rb'[ \t]*("?)[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*\1')
"""cookie-octets (RFC 6265 §4.1.1), with the quotes they may stand in."""


def keep_cookies(value: bytes, allowed: frozenset[bytes]) -> bytes:
    """A `Cookie` value with only the pairs named in `allowed`, each as it was; empty when none is left.

    Pairs are split at `;` (RFC 6265 §4.2.1). A pair without `=` has no name to match and goes, as does one
    whose value is none: `ab=1, session=…` is two cookies to some who read it.
    """
    kept: list[bytes] = []
    for pair in value.split(b";"):
        trimmed = pair.strip(b" \t")
        name, equals, held = trimmed.partition(b"=")
        if equals and name.rstrip(b" \t") in allowed and _VALUE.fullmatch(held):
            kept.append(trimmed)
    return b"; ".join(kept)
