"""What the machine did: stolen time and the clock, from /proc/stat as it is and as it might be."""

import time

import pytest

from loadtest.drive.machine import CpuTimes, Machine, clock_offset_s, cpu_times


def stat(user: int, steal: int) -> str:
    return f"cpu  {user} 0 0 100 0 0 0 {steal} 7 8\ncpu0 1 2 3\n"


def test_the_first_line_is_all_processors():
    """Guest time is in user time already and not counted twice; old kernels have no steal."""
    assert cpu_times(stat(50, 10)) == CpuTimes(160, 10)
    assert cpu_times("cpu  1 2 3 4\n") == CpuTimes(10, 0)


@pytest.mark.parametrize(
    ("user", "steal", "share"), [(150, 10, 0.0), (100, 60, 0.5), (50, 10, 0.0)]
)
def test_a_second_has_its_share_of_stolen_time(tmp_path, user, steal, share):
    """What the host took since the last second; no time passed is none stolen."""
    path = tmp_path / "stat"
    path.write_text(stat(50, 10))
    machine = Machine(path)
    path.write_text(stat(user, steal))
    found = machine.second(3)
    assert (found.second, found.steal_share) == (3, share)


def test_the_clock_offset_stands_still_on_a_real_machine():
    """Wall minus monotonic clock; only setting the time moves it."""
    first = clock_offset_s()
    assert abs(clock_offset_s() - first) < 0.05
    assert first == pytest.approx(time.time() - time.monotonic(), abs=0.05)
    assert 0 <= Machine().second(0).steal_share <= 1
