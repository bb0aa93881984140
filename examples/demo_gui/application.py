"""The application that the demo's page plays with: a loop that does what it is told on stdin, one JSON object a line.

It is a process of its own, and a session, so that what is done to it is done to nobody else. What it answers on stdout
is a line of JSON for each: first {"session": id}, then {"done": ...} after each command.
"""

import ctypes
import json
import logging
import os
import queue
import sys
import threading

import datacat

TURN_SECONDS = 0.1


class Application:
    """Its main loop beats, as a frame or a request would, once the heartbeat is watched."""

    def __init__(self, session):
        self.session = session
        self.beats = False
        self.log = logging.getLogger("demo")
        self.log.setLevel(logging.DEBUG)
        self.log.propagate = False
        self.log.addHandler(datacat.DatacatHandler(session))

    def run(self, commands):
        """Do what comes until nothing more does; None ends it."""
        while True:
            if self.beats:
                self.session.heartbeat()
            try:
                command = commands.get(timeout=TURN_SECONDS)
            except queue.Empty:
                continue
            if command is None:
                return
            name = command.pop("do")
            getattr(self, "do_" + name)(**command)
            print(json.dumps({"done": name}), flush=True)

    def do_state(self, patch):
        self.session.update_state(patch)

    def do_event(self, name, level, data):
        self.session.log_event(name, data, level=level)

    def do_metric(self, kind, name, value):
        if kind == "gauge":
            self.session.log_gauge(name, value)
        elif kind == "counter":
            self.session.log_counter(name, value)
        elif kind == "histogram":
            self.session.log_histogram(name, value)
        else:
            self.session.log_timer(name, value)

    def do_log(self, level, text):
        self.log.log(getattr(logging, level.upper()), text)

    def do_exception(self):
        try:
            open_chest({"gold": 7})
        except KeyError:
            self.session.log_exception(extra_data={"room": "vault"})

    def do_heartbeat(self, timeout):
        self.session.start_heartbeat_monitor(timeout=timeout)
        self.beats = True

    def do_pause(self):
        self.session.pause_heartbeat_monitoring()

    def do_resume(self):
        self.session.resume_heartbeat_monitoring()

    def do_hang(self, seconds):
        wait_for_a_lock(seconds)

    def do_crash(self, how):
        CRASHES[how]()


def open_chest(chest):
    return chest["jewels"]


def wait_for_a_lock(seconds):
    lock = threading.Lock()
    with lock:
        lock.acquire(timeout=seconds)  # held by this very thread


def segfault():
    ctypes.string_at(0)


def leave():
    os._exit(3)


def raise_exception():
    open_chest({"gold": 7})


CRASHES = {"exception": raise_exception, "segfault": segfault, "exit": leave}


def read(commands):
    for line in sys.stdin:
        commands.put(json.loads(line))
    commands.put(None)  # the page is gone


def main():
    session = datacat.create_session(product="Demo", version="1.0")
    print(json.dumps({"session": session.session_id}), flush=True)
    commands = queue.Queue()
    threading.Thread(target=read, args=(commands,), name="commands", daemon=True).start()
    Application(session).run(commands)
    session.end()


if __name__ == "__main__":
    main()
