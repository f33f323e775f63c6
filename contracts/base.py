"""The one base of every contract: frozen, keyword-only, unknown keys refused."""

import msgspec


class Contract(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A record that crosses a folder border; it is decoded strictly and never mutated."""
