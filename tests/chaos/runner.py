"""A runner to be killed: injects every fault at hand and waits. Run as a script.

Prints each stage it reaches; `--hold-injection` sleeps between the lease and the injection.
"""

import argparse
import time
from pathlib import Path

import chaos.faults
from chaos.faults import open_faults

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
        print("leased", flush=True)
        time.sleep(1000)
        return real(*args, **kwargs)

    chaos.faults.call_control = held
faults.response_drop(share=1.0, ttl_s=given.ttl)
print("dropping", flush=True)
faults.node_kill(share=0.4, ttl_s=given.ttl)
print("killed", flush=True)
faults.link_cut(ttl_s=given.ttl)
print("cut", flush=True)
time.sleep(1000)
