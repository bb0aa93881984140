# Every call of a session, in plain Python that 2.7 runs as well. Prints the id of the session.
from __future__ import print_function

import datetime
import decimal
import json
import logging
import sys

import datacat

session = datacat.create_session(product="EveryCall", version="1.0")
print(session.session_id)

session.update_state({"level": 1, "player": {"health": 100}})
session.log_event("moved", {"x": 10, "y": 20})
session.log_event("bare")
session.log_event(
    "full", level="warning", category="loading", labels=["a", "b"], message="a sentence", data={"k": 1}, group="g"
)
session.log_event("at_level", {"k": 2}, level="debug")
session.log_event("at_level", "error")
session.log_event("tagged", labels={"map": "harbour"}, data=[1, 2])

cycle = {}
cycle["me"] = cycle
deep = []
for _ in range(200):
    deep = [deep]


class Hostile(object):
    def __repr__(self):
        raise RuntimeError("no repr")


session.log_event("nan", {"nan": float("nan"), "inf": float("inf"), "null": None})
session.log_event("cycle", cycle)
session.log_event("deep", {"deep": deep})
session.log_event("hostile", {"it": Hostile()})
session.log_event("keys", {1: "one", (1, 2): "pair", None: "none"})
session.log_event("big", {"text": "x" * 5000000, "int": 2**80})
session.log_event("text", {"emoji": u"\U0001f680", "half": u"\ud800", "umlaut": u"\xfc", "bytes": b"\xff\x00"})
session.log_event("values", {"when": datetime.date(2026, 11, 21), "money": decimal.Decimal("1.50"), "set": {1}})
session.log_event("many", {"list": list(range(100000)), "dict": {str(n): "x" * 100 for n in range(5000)}})
session.log_event(42, {"x": 1})

session.log_gauge("fps", 60.0, unit="fps", tags=["map:harbour"])
session.log_counter("enemies_defeated")
session.log_counter("enemies_defeated", delta=4, tags={"map": "harbour"})
session.log_histogram("frame_time", 0.016, unit="seconds", buckets=(0.01, 0.02))
session.log_timer("load", 1.5, count=3)
with session.timer("block") as timer:
    timer.count = 7
session.log_metric("memory_usage", 1024.5, tags="app:myapp")
session.log_metric("not_a_number", "many")

try:
    {}["spawn_point"]
except KeyError:
    session.log_exception(extra_data={"context": "load_level"})
session.log_exception()

logger = logging.getLogger("engine.gpu")
logger.addHandler(datacat.DatacatHandler(session))
logger.warning("pool over budget by %d", 3, extra={"pool": "terrain"})

monitor = session.start_heartbeat_monitor(timeout=60)
session.heartbeat()
monitor.heartbeat()
session.pause_heartbeat_monitoring()
session.resume_heartbeat_monitoring()
running = monitor.is_running()
session.stop_heartbeat_monitor()
json.dump(
    {
        "running": [running, monitor.is_running()],
        "stats": session.sink.stats(),
        "flushed": session.flush(0.05),
        "details": session.get_details(),
        "end": session.end(),
    },
    sys.stdout,
)
