"""The one base of every contract: frozen, unknown keys refused.

`frozen` and `kw_only` are said again per class: msgspec does not inherit the one, type checkers not the other.
"""

import msgspec


class Contract(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record that crosses a folder border; it is decoded strictly and never mutated."""
