"""What the machine did to a run: processor time the host took away, and whether somebody set the clock."""

import time
from pathlib import Path

import msgspec

from contracts.drive import MachineSecond

STAT = Path("/proc/stat")


class CpuTimes(msgspec.Struct, frozen=True):
    """Ticks since boot over all processors."""

    total: int
    steal: int


def cpu_times(text: str) -> CpuTimes:
    """The first line of /proc/stat: user nice system idle iowait irq softirq steal, guest times being in user."""
    fields = [int(field) for field in text.split("\n", 1)[0].split()[1:9]]
    return CpuTimes(total=sum(fields), steal=fields[7] if len(fields) > 7 else 0)


class Machine:
    """Reads both once a second; `second` gives what happened since the last call."""

    def __init__(self, stat: Path = STAT) -> None:
        self._stat = stat
        self._before = cpu_times(stat.read_text())

    def second(self, number: int) -> MachineSecond:
        """The line of second `number`."""
        now = cpu_times(self._stat.read_text())
        spent = now.total - self._before.total
        share = (now.steal - self._before.steal) / spent if spent > 0 else 0.0
        self._before = now
        return MachineSecond(number, max(share, 0.0), clock_offset_s())


def clock_offset_s() -> float:
    """Wall clock minus monotonic clock: it moves only when somebody sets the time."""
    return time.time() - time.monotonic()
