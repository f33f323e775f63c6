"""Which cookies may a public socket see? Only those the route lists; the others are cut out of the header."""


def keep_cookies(value: bytes, allowed: frozenset[bytes]) -> bytes:
    """A `Cookie` value with only the pairs named in `allowed`, each as it was; empty when none is left.

    Pairs are split at `;` (RFC 6265 §4.2.1). A pair without `=` has no name to match and goes.
    """
    kept: list[bytes] = []
    for pair in value.split(b";"):
        trimmed = pair.strip(b" \t")
        name, equals, _ = trimmed.partition(b"=")
        if equals and name.rstrip(b" \t") in allowed:
            kept.append(trimmed)
    return b"; ".join(kept)
