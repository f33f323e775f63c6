"""Start offsets: the decision table, and reading up to a watermark rather than to an end of file."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.progress import Catchup, Progress, Source, StartAt, StopLoudly, decode, encode, start_of


def progress(next_: int, *, source_id: str = "id") -> Progress:
    return Progress(
        topic="clicks", partition=0, first=0, next=next_, source_id=source_id, policy="digest"
    )


@pytest.mark.parametrize(
    ("offset", "source", "expected"),
    [
        (7, Source(topic_id="id", low=0, high=9), 7),
        (9, Source(topic_id="id", low=0, high=9), 9),
        (0, Source(topic_id="id", low=0, high=0), 0),
        (4, Source(topic_id="id", low=4, high=9), 4),
        (3, Source(topic_id="id", low=4, high=9), "retention-gap"),
        (10, Source(topic_id="id", low=0, high=9), "truncated"),
        (7, Source(topic_id="other", low=0, high=9), "topic-recreated"),
    ],
)
def test_the_start_table(offset, source, expected) -> None:
    """The offset stands, or what would skip or repeat stops with its reason."""
    verdict = start_of(partition=0, offset=offset, copied_id="id", source=source)
    if isinstance(expected, int):
        assert verdict == StartAt(offset=expected)
    else:
        assert isinstance(verdict, StopLoudly)
        assert verdict.reason.startswith(expected)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_a_start_never_skips(held, low, span) -> None:
    """Whenever a start is allowed it is exactly the progress, and the source still has it."""
    source = Source(topic_id="id", low=low, high=low + span)
    verdict = start_of(partition=0, offset=held, copied_id="id", source=source)
    if isinstance(verdict, StartAt):
        assert verdict.offset == held
        assert low <= held <= low + span
    else:
        assert not low <= held <= low + span


def test_progress_survives_its_encoding() -> None:
    """What is written is what is read; anything else is an error."""
    assert decode(encode(progress(5))) == progress(5)
    with pytest.raises(msgspec.MsgspecError):
        decode(b"{}")


def test_an_end_of_file_before_the_watermark_is_not_the_end() -> None:
    """The reported end of a file that an open transaction cut short keeps the reader reading."""
    catchup = Catchup({0: 10, 1: 3}, {0: 0, 1: 0})
    catchup.on_position(0, 4)
    catchup.on_position(1, 3)
    assert (catchup.done, catchup.partitions) == (False, (0,))
    catchup.on_position(0, 10)
    assert catchup.done


def test_what_is_empty_is_done_at_once() -> None:
    """A partition with nothing between its watermarks needs no reading; unknown ones are ignored."""
    catchup = Catchup({0: 0, 1: 8}, {1: 8})
    assert catchup.done
    catchup.on_position(5, 1)
    assert catchup.done
