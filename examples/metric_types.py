"""The four types of metric, and when to take which.

    python examples/metric_types.py

A greenhouse through one day. In the web UI each metric has its own chart: gauges as they went, counters as they rose,
the histogram by its buckets, timers with their runs and how long one iteration took.
It runs on Python 2.7 and on 3.6 or newer.
"""

from __future__ import print_function

import math
import random
import time

import datacat

HOURS = 24
SECONDS_PER_HOUR = 0.06
PLANTS = {"tomatoes": 120, "basil": 48}
VALVE_SECONDS = [0.1, 0.2, 0.4, 0.8]


def temperature(hour, bed):
    """Degrees, warmest at three in the afternoon."""
    return 18 + 7 * math.cos((hour - 15) * math.pi / 12) + (2 if bed == "tomatoes" else 0)


def look_at_leaves(plants):
    """Count those that need water."""
    time.sleep(plants / 20000.0)
    return sum(random.random() < 0.3 for _ in range(plants))


random.seed(7)
with datacat.create_session(product="Greenhouse", version="2.0", batch_interval_seconds=0.2) as session:
    print("Session", session.session_id)
    for hour in range(HOURS):
        session.update_state({"hour": hour})
        for bed, plants in PLANTS.items():
            # Gauge: what it is now. Tags tell apart what has the same name.
            session.log_gauge("temperature", round(temperature(hour, bed), 1), unit="celsius", tags={"bed": bed})

            # Timer: how long something took, and how many iterations that were.
            with session.timer("look_at_leaves", unit="milliseconds", tags={"bed": bed}) as timer:
                thirsty = look_at_leaves(plants)
                timer.count = plants

            # Counter: how many more. The server adds them up; callers never send a total.
            session.log_counter("litres_of_water", thirsty * 0.5, tags={"bed": bed})

        # Histogram: one sample of many, of which the distribution matters. The bounds are yours; each is inclusive.
        session.log_histogram("valve_opened", random.lognormvariate(-1.6, 0.5), unit="seconds", buckets=VALVE_SECONDS)
        time.sleep(SECONDS_PER_HOUR)

    # A duration that was measured elsewhere, and a total that was counted elsewhere.
    session.log_timer("pump_ran", 5400, count=12, unit="seconds")
    session.log_metric("water_meter", 81234.5, unit="litres", metric_type="counter")

print("See it: datacat show", session.session_id[:8])
