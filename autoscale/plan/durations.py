"""Durations as Kubernetes writes them (`90s`, `15m`, `1h30m`), in seconds."""

import re
from functools import lru_cache

SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
PART = re.compile(r"([0-9]{1,6})(ms|[hms])")


@lru_cache(maxsize=4096)
def seconds(text: str) -> float:
    """Seconds of a duration; raises ValueError naming what was expected."""
    found = PART.findall(text)
    if not found or "".join(number + unit for number, unit in found) != text:
        raise ValueError(f"{text!r} is no duration; expected for example 90s, 15m, 1h30m")
    return sum(int(number) * SECONDS[unit] for number, unit in found)


def spoken(duration_s: float) -> str:
    """The other way, in at most two units: 5400 is `1h30m`."""
    whole = round(duration_s)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours}h{minutes}m" if minutes else f"{hours}h"
    if minutes:
        return f"{minutes}m{rest}s" if rest else f"{minutes}m"
    return f"{rest}s"
