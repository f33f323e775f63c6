"""A runner to be killed: injects every fault at hand and waits. Run as a script.

Prints each stage it reaches; `--hold-injection` sleeps between the lease and the injection.
"""

import argparse
import sys
import time
from pathlib import Path

import chaos.faults
from chaos.faults import open_faults


def say(stage: str) -> None:
    sys.stdout.write(f"{stage}\n")
    sys.stdout.flush()


parser = argparse.ArgumentParser()
parser.add_argument("--run", required=True, type=Path)
parser.add_argument("--state", required=True, type=Path)
parser.add_argument("--hold-injection", action="store_true")
parser.add_argument("--ttl", type=float, default=600.0)
given = parser.parse_args()
faults = open_faults(given.run, given.state, seed=1)
if given.hold_injection:
    real = chaos.faults.call_control

    def held(*args: object, **kwargs: object) -> object:
        say("leased")
        time.sleep(1000)
        return real(*args, **kwargs)

    chaos.faults.call_control = held
faults.response_drop(share=1.0, ttl_s=given.ttl)
say("dropping")
faults.node_kill(share=0.4, ttl_s=given.ttl)
say("killed")
faults.link_cut(ttl_s=given.ttl)
say("cut")
time.sleep(1000)
