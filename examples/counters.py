"""Counters: callers send what came in addition, readers see the total.

    python examples/counters.py

Four belts of a sorting office, each a thread, count parcels into the same counters. Nobody keeps a total, no lock is
needed, and what a crash interrupts is counted up to the last call. There is a total for each set of tags, in whatever
order they stand. In the web UI each counter rises, as a sum and belt by belt.
It runs on Python 2.7 and on 3.6 or newer.
"""

from __future__ import print_function

import random
import threading
import time

import datacat

BELTS = ("north", "east", "south", "west")
PARCELS = 60


def sort_parcels(session, belt):
    chance = random.Random(belt)
    for _ in range(PARCELS):
        size = chance.choice(["small", "small", "large"])
        session.log_counter("parcels_sorted", tags=["belt:" + belt, "size:" + size])
        session.log_counter("grams_carried", chance.randint(200, 9000), tags=["belt:" + belt])
        if chance.random() < 0.05:
            session.log_counter("parcels_misread")
        time.sleep(0.02)


# What is counted between two batches is one addition; five batches a second draw a finer line than one, the default.
session = datacat.create_session(product="Sorting Office", version="1.2", batch_interval_seconds=0.2)
print("Session", session.session_id)
threads = [threading.Thread(target=sort_parcels, args=(session, belt), name=belt) for belt in BELTS]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
session.end()

# What the server makes of it. flush() waits until it has everything; False where it cannot be reached.
if session.flush(timeout=10):
    totals = {}
    for metric in session.get_details()["metrics"]:
        totals[metric["name"], ", ".join(metric["tags"])] = metric["value"]  # the last one is the newest
    for (name, tags), total in sorted(totals.items()):
        print("%-15s %-23s %9d" % (name, tags, total))
print("See it: datacat show", session.session_id[:8])
