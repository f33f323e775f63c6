"""A small real process with the control socket of an orders service; `stats` reports `--dropped`."""

import argparse
import asyncio
from pathlib import Path

from contracts.control import ControlReply, ControlRequest
from contracts.orders import OrdersStats
from runtime.control import refuse, reply_with, serve_control

parser = argparse.ArgumentParser()
parser.add_argument("--control", required=True, type=Path)
parser.add_argument("--dropped", type=int, default=3)
given = parser.parse_args()
armed: dict[str, float] = {"share": 0.0, "seed": 0, "attempts": 1}


async def answer(request: ControlRequest) -> ControlReply:
    match request.op:
        case "drop_responses":
            armed.update(request.args)
        case "stats":
            pass
        case _:
            return refuse("expected stats or drop_responses")
    return reply_with(
        OrdersStats(
            idempotency=True,
            committed=0,
            replayed=0,
            conflicts=0,
            drop_share=armed["share"],
            drop_seed=int(armed["seed"]),
            drop_attempts=int(armed["attempts"]),
            dropped=given.dropped,
        )
    )


async def main() -> None:
    async with serve_control(given.control, answer):
        await asyncio.Event().wait()


asyncio.run(main())
