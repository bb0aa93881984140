"""Nested state: which windows were open, and how much memory the program needed with them.

    python examples/window_tracking.py

An atlas of the sky opens, moves and closes windows. Patches of the state merge at every depth, None deletes a key, and
a list replaces the one before. In the web UI, move along the session's time axis: the state beside it follows. What is
printed in the end finds every session in which the window "space probe" was ever open, with its peak of memory.
It runs on Python 2.7 and on 3.6 or newer.
"""

from __future__ import print_function

import time

import datacat

MEGABYTES = {"star map": 180, "mission log": 35, "space probe": 410}


class Windows:
    """The open windows, each with its place on the screen."""

    def __init__(self, session):
        self.session = session
        self.open_ones = []

    def open(self, name, x, y):
        self.open_ones.append(name)
        place = {name: {"x": x, "y": y, "maximized": False}}
        self.session.update_state({"window_state": {"open": self.open_ones, "active": name, "places": place}})
        self.session.log_event("window_opened", {"window": name})
        self.measure_memory()

    def move(self, name, x, y):
        """Only what changed: the place keeps its "maximized", and every other window stays where it is."""
        self.session.update_state({"window_state": {"active": name, "places": {name: {"x": x, "y": y}}}})

    def close(self, name):
        self.open_ones.remove(name)
        places = {name: None}  # deletes this key, and no other
        active = self.open_ones[-1] if self.open_ones else None
        self.session.update_state({"window_state": {"open": self.open_ones, "active": active, "places": places}})
        self.session.log_event("window_closed", {"window": name})
        self.measure_memory()

    def measure_memory(self):
        needed = 60 + sum(MEGABYTES[name] for name in self.open_ones)
        self.session.log_gauge("memory_usage", needed, unit="MB")
        time.sleep(0.2)


with datacat.create_session(product="Sky Atlas", version="0.9.1") as session:
    windows = Windows(session)
    windows.open("star map", 0, 0)
    windows.open("mission log", 900, 40)
    windows.open("space probe", 300, 200)
    windows.move("space probe", 340, 220)
    windows.close("space probe")
    windows.close("mission log")
    session.update_state({"shutdown": "by the user"})

print("Session", session.session_id)
print("See it: datacat show", session.session_id[:8])
print("Sessions in which the space probe was ever open:")
print('  datacat ls ever_contains:window_state.open="space probe"')
print("The peak of memory in each of them:")
print("  curl -G %s/api/metrics -d name=memory_usage -d aggregate=peak" % session.client.base_url, end=" ")
print("--data-urlencode 'ever_contains=window_state.open:space probe'")
