"""One answer as it arrives."""

import asyncio

from router.reply import Reply
from router.retry import Failure


def reply(*, hold: bool = True, method: str = "GET", most: int = 10) -> Reply:
    return Reply(asyncio.get_running_loop(), method, hold=hold, hold_bytes_max=most)


def head(of: Reply, *fields: tuple[bytes, bytes], status: int = 200) -> None:
    for name, value in fields:
        of.add_header(name, value)
    of.head_done(status)


async def test_a_held_answer_is_ready_when_whole() -> None:
    """Head and body alone do not end the wait; the end does."""
    got = reply()
    waiting = asyncio.ensure_future(got.wait(5))
    head(got, (b"Content-Length", b"4"))
    got.add_body(b"ab")
    await asyncio.sleep(0)
    assert not waiting.done()
    got.add_body(b"cd")
    got.finish()
    await waiting
    assert got.answered
    assert got.take_body() == b"abcd"
    assert got.take_body() == b""


async def test_a_long_one_turns_into_a_stream() -> None:
    """Announced or found to be beyond the bound: ready at once."""
    announced = reply()
    head(announced, (b"content-length", b"11"))
    await announced.wait(5)
    found = reply()
    head(found, (b"Transfer-Encoding", b"chunked"))
    waiting = asyncio.ensure_future(found.wait(5))
    found.add_body(b"x" * 11)
    await waiting
    assert announced.answered
    assert found.answered
    assert not found.complete


async def test_time_runs_out_without_a_head_and_with_one() -> None:
    """No head: no answer. A head: a slow answer, to be streamed."""
    silent = reply()
    await silent.wait(0.01)
    assert silent.timed_out
    assert not silent.answered
    slow = reply()
    head(slow, (b"Content-Length", b"4"))
    await slow.wait(0.01)
    assert slow.answered
    assert await slow.changed(0.01) is False
    slow.finish()
    assert await slow.changed(0.01) is True


async def test_a_failure_ends_the_wait() -> None:
    """Lost is not answered, even with a head."""
    lost = reply()
    head(lost)
    lost.fail(Failure.LOST)
    await lost.wait(5)
    assert not lost.answered


async def test_interim_heads_are_told_and_forgotten() -> None:
    """103 is handed on, 100 is not, and neither leaves fields behind; trailers are dropped."""
    told: list[int] = []
    got = Reply(
        asyncio.get_running_loop(),
        "GET",
        hold=True,
        hold_bytes_max=9,
        on_interim=lambda s, _f: told.append(s),
    )
    for status in (100, 103):
        head(got, (b"Link", b"x"), status=status)
        got.interim()
    head(got, (b"X", b"1"))
    got.add_header(b"Trailer", b"t")
    assert told == [103]
    assert got.headers == [(b"X", b"1")]


async def test_what_allows_another_request() -> None:
    """`Connection: close` and an answer ended by closing do not."""
    closing = reply()
    head(closing, (b"Connection", b"Close"), (b"Content-Length", b"0"))
    assert not closing.keep_alive
    unframed = reply()
    head(unframed)
    assert unframed.ends_with_connection
    assert not unframed.keep_alive
    bodiless = reply(method="HEAD")
    head(bodiless)
    assert bodiless.keep_alive
    assert not bodiless.ends_with_connection
