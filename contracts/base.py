"""The one base of every contract: frozen, unknown keys refused (`kw_only` is said per class)."""

import msgspec


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record that crosses a folder border; it is decoded strictly and never mutated."""
