"""A bridge stand-in that really writes: records and progress in transactions, or apart with --plain.

Run as a script. Writes its ready file once it has committed for the first time.
"""

import argparse
import os
import time
from pathlib import Path

from confluent_kafka import Producer

parser = argparse.ArgumentParser()
parser.add_argument("--bootstrap", required=True)
parser.add_argument("--records", required=True)
parser.add_argument("--progress", required=True)
parser.add_argument("--ready", required=True, type=Path)
parser.add_argument("--plain", action="store_true")
parser.add_argument("--idle", action="store_true", help="commit once, then do nothing")
given = parser.parse_args()
config = {"bootstrap.servers": given.bootstrap, "linger.ms": 0}
if not given.plain:
    config["transactional.id"] = given.records
producer = Producer(config)
if not given.plain:
    producer.init_transactions(30)
cycles = 0
while True:
    if not given.plain:
        producer.begin_transaction()
    for _ in range(5):
        producer.produce(given.records, b"record")
    if given.plain:
        producer.flush()
        time.sleep(0.05)
    producer.produce(given.progress, b"progress")
    producer.flush()
    if not given.plain:
        time.sleep(0.02)
        producer.commit_transaction(30)
    cycles += 1
    if cycles == 1:
        scratch = given.ready.with_suffix(".tmp")
        scratch.write_text(f'{{"schema":1,"name":"bridge","pid":{os.getpid()},"addresses":{{}}}}')
        scratch.replace(given.ready)
    time.sleep(3600 if given.idle else 0.02)
