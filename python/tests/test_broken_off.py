"""A logging call that an exception from outside breaks off: it gets to whoever waits for it, and costs nothing else."""

import json
import signal
import sys
from collections import Counter

import pytest
from support.child_coverage import UNCOVERED
from support.spools import run_program, sessions_in

BREAKS = 150

# What strikes while a session logs: how many times it did, how often that was seen, how many writers there are now,
# the numbers of the calls that returned.
PROGRAM = """
import ctypes, functools, json, signal, sys, threading, time
import datacat
session = datacat.create_session()
class Timeout(Exception): pass
raised = [0]
def plain(number, frame):
    raised[0] += 1
    raise Timeout
def resetting(number, frame):
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    raised[0] += 1
    raise Timeout
def forgetful(number, frame):
    frame = None
    raised[0] += 1
    raise Timeout
def leaving(number, frame):
    raised[0] += 1
    sys.exit(3)
def builtin(number, frame):
    raised[0] += 1
    raise OSError
def wrapped(*all_of_them, **more):
    plain(*all_of_them, **more)
def given(more, number, frame):
    plain(number, frame)
handlers = {"plain": plain, "resetting": resetting, "forgetful": forgetful, "leaving": leaving, "builtin": builtin,
            "wrapped": wrapped, "partial": functools.partial(given, 1)}
class Slow(object):
    def __repr__(self):
        return "slow" * 50
returned = []
number = 0
def work():
    global number
    before = raised[0]
    signal.setitimer(signal.ITIMER_REAL, 0.0004)
    while raised[0] == before:
        number += 1
        session.log_event("small", {"n": number})
        returned.append(number)
        number += 1
        session.log_event("general", {"n": number, "it": Slow()}, level="debug")
        returned.append(number)
        number += 1
        session.log_gauge("fps", number * 1.0)
        returned.append(number)
        session.update_state({"x": [1, 2, {"y": Slow()}]})
seen, kept = 0, []
for _ in range(int(sys.argv[2])):
    signal.signal(signal.SIGALRM, handlers[sys.argv[1]])
    try:
        work()
    except (Timeout, SystemExit, OSError) as error:
        seen += 1
        if sys.argv[3:] == ["keep"]:
            kept.append(error)
print(json.dumps([raised[0], seen, len(session.sink._recorder.writers), returned]))
"""


def run(interpreter, tmp_path, code, *arguments, **more):
    """What the program printed, and the session that it left."""
    program = tmp_path / "program.py"
    program.write_text(code)
    done = run_program(tmp_path / "spool", [interpreter, program, *arguments], **more)
    assert done.returncode == 0, done.stderr
    (left,) = sessions_in(tmp_path / "spool")
    return done.stdout, left


@pytest.fixture(autouse=True)
def uncovered(monkeypatch):
    for name in UNCOVERED:  # what strikes while it holds its lock, stops it
        monkeypatch.setenv(name, "")


def check(report, left, least=BREAKS):
    raised, seen, writers, returned = json.loads(report)
    assert raised == BREAKS
    assert seen >= least
    assert writers < 20
    recorded = Counter(
        int(fields["data"]["n"] if kind == "event" else fields["value"])
        for kind, fields in left.records
        if kind != "state"
    )
    assert set(returned) <= set(recorded)
    assert max(recorded.values()) == 1


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timer on this system")
def test_its_writer_is_used_again_and_every_record_is_there_once(interpreter, tmp_path):
    check(*run(interpreter, tmp_path, PROGRAM, "plain", BREAKS))


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timer on this system")
def test_whoever_keeps_what_was_raised_does_not_keep_the_writers(tmp_path):
    code = PROGRAM.replace(', "it": Slow()}, level="debug")', "})")  # by the lanes only
    code = code.replace(
        '        session.update_state({"x": [1, 2, {"y": Slow()}]})', '        session.update_state({"x": 1})'
    )
    check(*run(sys.executable, tmp_path, code, "plain", BREAKS, "keep"))


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no interval timer on this system")
@pytest.mark.parametrize("handler", ["resetting", "forgetful", "leaving", "builtin", "wrapped", "partial"])
@pytest.mark.parametrize("mode", ["stdlib", "fastest"])
def test_whatever_handler_has_raised_it_reaches_the_application(tmp_path, handler, mode):
    check(*run(sys.executable, tmp_path, PROGRAM, handler, BREAKS, DATACAT_JSON=mode))


def test_what_another_thread_sets_reaches_the_application(tmp_path):
    code = (
        PROGRAM[: PROGRAM.index("seen, kept")]
        + """
sys.setswitchinterval(0.0002)
def strike(main):
    begun.wait()
    time.sleep(0.0004)
    raised[0] += 1
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(main), ctypes.py_object(Timeout))
def until_struck(thread):
    global number
    begun.set()
    left = 5000  # rounds in which what was set has to strike
    while left:
        left -= not thread.is_alive()
        number += 1
        session.log_event("small", {"n": number})
        returned.append(number)
        number += 1
        session.log_gauge("fps", number * 1.0)
        returned.append(number)
seen = 0
for _ in range(int(sys.argv[2])):
    begun = threading.Event()
    thread = threading.Thread(target=strike, args=(threading.get_ident(),))
    thread.start()
    try:
        until_struck(thread)  # a call: what strikes where the loop begins again is not always within a `try` around it
    except Timeout:
        seen += 1
    thread.join()
print(json.dumps([raised[0], seen, len(session.sink._recorder.writers), returned]))
"""
    )
    # what strikes in a finalizer of somebody else's is lost to everybody
    check(*run(sys.executable, tmp_path, code, "", BREAKS), least=BREAKS - 3)
