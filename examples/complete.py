"""Everything once: every call of a session, in the order in which a program comes to need it.

    python examples/complete.py

A bakery bakes through the night: it starts, works with a heartbeat, has a bad moment and a long pause, and ends. In the
web UI there is one session with something on every row of its page: state, events of each level, all four types of
metric, an exception, log lines.
"""

import logging
import time

import datacat

ORDERS = {"rye": 40, "baguette": 120, "cinnamon roll": 65}
TOPPINGS = {"rye": "flour", "baguette": "sesame"}
SECONDS_PER_BATCH = 0.2

log = logging.getLogger("bakery.oven")


def open_bakery(session):
    """State: a dict, of which later patches change parts. Events: what happened, with what belongs to it."""
    session.update_state({"oven": {"celsius": 20, "door": "closed"}, "orders": ORDERS, "waiting_for": "delivery"})
    session.log_event("opened", {"bakers": 3})
    session.log_event(
        "flour_delivered",
        level="info",
        category="stock",
        group="storeroom",
        labels=["flour", "rye"],
        message="12 sacks of rye flour",
        data={"sacks": 12},
    )
    session.update_state({"waiting_for": None})  # None deletes the key


def heat(session):
    """Gauge: what something is now."""
    for celsius in (80, 160, 230):
        session.log_gauge("oven_temperature", celsius, unit="celsius", tags=["oven:1"])
        session.log_event("heating", {"celsius": celsius}, level="debug")
        session.update_state({"oven": {"celsius": celsius}})  # the door stays closed
        time.sleep(SECONDS_PER_BATCH)


def bake(session, bread, pieces):
    """Timer, counter, histogram; and a heartbeat each time round."""
    session.heartbeat()
    with session.timer("batch", tags={"bread": bread}) as timer:
        timer.count = pieces  # so the page can say what one piece takes
        time.sleep(SECONDS_PER_BATCH)
    session.log_counter("pieces_baked", pieces, tags={"bread": bread})
    for piece in range(pieces):
        grams = 80 + piece % 7
        session.log_histogram("weight", grams, unit="grams", buckets=[80, 82, 84, 86, 90])
    log.info("%d pieces of %s are done", pieces, bread, extra={"bread": bread})


def decorate(bread):
    """Exception: with its traceback, and with what it was about."""
    log.info("%s on top of the %s", TOPPINGS[bread], bread)


def clean_oven(session):
    """Known to take long: no heartbeat meanwhile, and no hang."""
    session.pause_heartbeat_monitoring()
    time.sleep(2 * SECONDS_PER_BATCH)
    session.log_timer("cleaning", 2 * SECONDS_PER_BATCH)
    session.resume_heartbeat_monitoring()


def main():
    session = datacat.create_session(product="Night Bakery", version="7.1")
    print("Session", session.session_id)

    # Logging: the program's own log lines become events.
    logging.basicConfig(level=logging.INFO)
    logging.getLogger().addHandler(datacat.DatacatHandler(session, level=logging.INFO))

    session.start_heartbeat_monitor(timeout=30)
    open_bakery(session)
    heat(session)
    for bread, pieces in ORDERS.items():
        bake(session, bread, pieces)
        try:
            decorate(bread)
        except KeyError:
            session.log_exception(extra_data={"bread": bread})
    session.log_event("power_failed", {"seconds": 0.2}, level="critical", category="oven")
    log.warning("the oven is at %d degrees", 190)
    clean_oven(session)
    session.log_metric("flour_left", 3.5, unit="sacks", metadata={"weighed_by": "hand"})
    session.stop_heartbeat_monitor()

    # Nothing needs a flush but who wants to read back at once.
    if session.flush(timeout=5):
        details = session.get_details()
        print(f"{details['status']}: {len(details['events'])} events, {len(details['metrics'])} metrics")
    session.end()
    print("See it: datacat show", session.session_id[:8])


if __name__ == "__main__":
    main()
