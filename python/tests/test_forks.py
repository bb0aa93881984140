"""Processes are made in the middle of another thread's logging: nobody waits for ever, nothing is torn or lost."""

import os
import sys

import pytest
from support.child_coverage import UNCOVERED
from support.spools import run_program, sessions_in

CHILDREN = 8
EACH = 200

# The parent's thread never pauses, so every process begins while it is somewhere inside a logging call.
BEGIN = f"""
import multiprocessing, os, sys, threading, datacat
CHILDREN, EACH = {CHILDREN}, {EACH}

def log(session, child):
    for number in range(EACH):
        session.log_event("child", {{"child": child, "number": number, "pid": os.getpid()}})
        session.log_gauge("progress", number)
        session.update_state({{"child": child}})

def in_the_middle_of_logging(session, work):
    written, running = [0], [True]
    def go_on():
        while running[0]:
            session.log_event("parent", {{"number": written[0]}})
            session.log_counter("turns")
            written[0] += 1
    threads = [threading.Thread(target=go_on)]
    for thread in threads:
        thread.start()
    work()
    running[0] = False
    for thread in threads:
        thread.join()
    session.log_event("written", {{"count": written[0]}})
"""

FORK = """
session = datacat.create_session(product="forks")
def work():
    pids = []
    for child in range(CHILDREN):
        pid = os.fork()
        if pid == 0:
            log(session, child)
            os._exit(0)
        pids.append(pid)
    for pid in pids:
        assert os.waitpid(pid, 0)[1] == 0
in_the_middle_of_logging(session, work)
"""

# What a spawned child has is a session of its own; a forked one has its parent's.
MULTIPROCESSING = """
def run(child, method):
    own = datacat.create_session(product="child") if method == "spawn" else session
    log(own, child)

if __name__ == "__main__":
    method = sys.argv[1]
    context = multiprocessing.get_context(method) if sys.version_info[0] > 2 else multiprocessing
    session = datacat.create_session(product="parent")
    def work():
        children = [context.Process(target=run, args=(child, method)) for child in range(CHILDREN // 2)]
        for child in children:
            child.start()
        for child in children:
            child.join()
            assert child.exitcode == 0, child.exitcode
    in_the_middle_of_logging(session, work)
"""


def check_parent(left):
    written = left.of("event", "written")[0]["data"]["count"]
    assert [event["data"]["number"] for event in left.of("event", "parent")] == list(range(written))
    assert len(left.of("metric", "turns")) == written


def check_child(left, child):
    events = [event["data"] for event in left.of("event", "child") if event["data"]["child"] == child]
    assert [event["number"] for event in events] == list(range(EACH))
    assert len({event["pid"] for event in events}) == 1
    return events[0]["pid"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_children_forked_in_the_middle_of_logging_write_beside_their_parent(interpreter, tmp_path):
    program = tmp_path / "program.py"
    program.write_text(BEGIN + FORK)
    # The coverage tool's own lock may be held by the other thread at the fork.
    done = run_program(tmp_path / "spool", [interpreter, program], **UNCOVERED)
    assert done.returncode == 0, done.stderr
    (left,) = sessions_in(tmp_path / "spool")
    check_parent(left)
    pids = {check_child(left, child) for child in range(CHILDREN)}
    assert len(pids) == CHILDREN
    writing = {int(record.writer.split("-")[0]) for record in left.raw}
    assert writing == pids | {left.manifest["pid"]}
    assert len(left.of("metric", "progress")) == len(left.of("state")) == CHILDREN * EACH


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_children_of_multiprocessing_begun_in_the_middle_of_logging(interpreter, tmp_path, method):
    if "2.7" in interpreter and method == "spawn":
        pytest.skip("Python 2.7 can only fork")
    program = tmp_path / "program.py"
    program.write_text(BEGIN + MULTIPROCESSING)
    done = run_program(tmp_path / "spool", [interpreter, program, method], **UNCOVERED)
    assert done.returncode == 0, done.stderr
    lefts = {left.manifest["pid"]: left for left in sessions_in(tmp_path / "spool")}
    (parent,) = [left for left in lefts.values() if left.manifest["product"] == "parent"]
    check_parent(parent)
    for child in range(CHILDREN // 2):
        (of,) = [left for left in lefts.values() if {"child": child} in [one["state"] for one in left.of("state")]]
        assert check_child(of, child) != parent.manifest["pid"]
        assert (of is parent) == (method == "fork")


QUIET = """
import datacat, os, sys
sessions = [datacat.create_session(product="p") for _ in range(int(sys.argv[1]))]
for session in sessions[:int(sys.argv[2])]:
    session.end()
pid = os.fork()
if pid == 0:
    if len(sys.argv) > 3:
        sessions[0].log_event("child")
        sessions[1].heartbeat()
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
"""


@pytest.mark.parametrize(
    ("sessions", "ended", "speaks", "pages"),
    [(3, 0, False, 3), (3, 2, False, 1), (30, 0, False, 0), (30, 0, True, 2), (30, 30, True, 2)],
)
def test_a_fork_leaves_no_page_in_each_of_many_sessions_nor_in_those_that_have_ended(
    tmp_path, sessions, ended, speaks, pages
):
    program = tmp_path / "program.py"
    program.write_text(QUIET)
    words = [sys.executable, program, sessions, ended, *["speak"] * speaks]
    done = run_program(tmp_path / "spool", words)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "spool").glob("*/*/control.*"))) == pages
    events = [left.of("event", "child") for left in sessions_in(tmp_path / "spool")]
    assert sum(map(len, events)) == speaks
