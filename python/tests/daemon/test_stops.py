"""A process that a signal has stopped hangs, and that is said; one that a debugger holds does not."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest
from datacat_daemon.spool.control import Control
from datacat_daemon.watching.hangs import HeartbeatWatch, Hung
from datacat_daemon.watching.stops import StopWatch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")

TIMEOUT = 0.6
BEATS = f"""
session.start_heartbeat_monitor(timeout={TIMEOUT})
for _ in range(3000):
    session.heartbeat()
    time.sleep(0.01)
    if os.path.exists(os.environ["ENOUGH"]):
        break
"""

# Holds the process whose pid it gets until a line comes, as a debugger does: attach, wait, let go.
DEBUGGER = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
ATTACH, DETACH = 16, 17
pid = int(sys.argv[1])
if libc.ptrace(ATTACH, pid, None, None) != 0:
    sys.exit(os.strerror(ctypes.get_errno()))
os.waitpid(pid, 0)
print("attached", flush=True)
sys.stdin.readline()
libc.ptrace(DETACH, pid, None, None)
"""


@pytest.fixture
def attach():
    """Attach a debugger to a process; `attach(pid).communicate("go\\n")` lets it go on."""
    started = []

    def begin(pid):
        command = [sys.executable, "-c", DEBUGGER, str(pid)]
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        debugger = subprocess.Popen(command, text=True, **streams)
        started.append(debugger)
        if debugger.stdout.readline() != "attached\n":
            pytest.skip(f"no process can be traced here: {debugger.communicate()[1].strip()}")
        return debugger

    yield begin
    for debugger in started:
        with contextlib.suppress(ProcessLookupError):
            debugger.kill()
        debugger.wait()
        for stream in (debugger.stdin, debugger.stdout, debugger.stderr):
            stream.close()


def beating(bench, server, wait_for):
    """A program whose heart beats, its daemon, and the file that ends it."""
    enough = bench.spool.parent / "enough"
    process = bench.program(server.url, BEATS, ENOUGH=str(enough))
    daemon = bench.daemon(bench.folder_of(process))
    wait_for(lambda: server.sessions and server.only()["line"]["last_heartbeat"], "a heartbeat")
    return process, daemon, enough


def test_a_process_that_a_signal_has_stopped_hangs_and_the_reason_says_so(bench, server, wait_for):
    process, daemon, enough = beating(bench, server, wait_for)
    os.kill(process.pid, signal.SIGSTOP)
    hung = server.wait_for_verdict("hung")
    assert hung["reason"].endswith("it is stopped by SIGSTOP")
    assert hung["data"]["stopped_by"] == "SIGSTOP"
    os.kill(process.pid, signal.SIGCONT)
    recovered = server.wait_for_verdict("recovered")
    assert recovered["data"]["hung_seconds"] > TIMEOUT
    enough.touch()
    bench.finish(daemon)
    assert server.verdicts() == ["hung", "recovered", "ended"]


def test_a_process_that_a_debugger_holds_does_not_hang_and_that_is_said(bench, server, wait_for, attach):
    process, daemon, enough = beating(bench, server, wait_for)
    debugger = attach(process.pid)

    def event(name):
        return next((event for event in server.records("event") if event["name"] == name), None)

    stopped = wait_for(lambda: event("application_stopped_in_debugger"))
    assert stopped["data"]["tracer_pid"] == debugger.pid
    assert stopped["data"]["tracer_name"].startswith("python")
    assert stopped["level"] == "info"
    time.sleep(2 * TIMEOUT)
    debugger.communicate("go\n")
    continued = wait_for(lambda: event("application_continued"))
    assert continued["data"]["stopped_seconds"] > 2 * TIMEOUT
    enough.touch()
    bench.finish(daemon)
    assert server.verdicts() == ["ended"]
    names = [event["name"] for event in server.records("event")]
    assert names == ["application_stopped_in_debugger", "application_continued"]


@pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace")
def test_a_process_that_is_only_traced_is_not_said_to_be_stopped(bench, server, wait_for):
    process, daemon, enough = beating(bench, server, wait_for)
    command = ["strace", "-f", "-p", str(process.pid), "-o", os.devnull]
    tracer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        if "attached" not in tracer.stderr.readline():
            pytest.skip("no process can be traced here")
        time.sleep(3 * TIMEOUT)
        assert process.poll() is None
    finally:
        tracer.terminate()
        tracer.wait()
        tracer.stderr.close()
    enough.touch()
    bench.finish(daemon)
    assert server.verdicts() == ["ended"]
    assert server.records("event") == []


def test_a_stop_by_a_signal_has_no_debugger(wait_for):
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        watch = StopWatch(process.pid)
        assert [watch.look(now) for now in (1.0, 2.0)] == [None, None]
        assert watch.stop is None
        os.kill(process.pid, signal.SIGSTOP)
        wait_for(lambda: (watch.look(time.monotonic()), watch.stop)[1], "the stop to be seen")
        assert watch.stop.debugger is None
    finally:
        process.kill()
        process.stdin.close()
        process.wait()


def test_while_a_debugger_holds_it_the_heartbeat_s_time_stands_still():
    control = Control(beats=1, monitoring=1, timeout_us=2_000_000)
    watch = HeartbeatWatch()
    turns = [watch.look(i / 20, control, held=20 <= i < 2000) for i in range(2000)]
    assert turns == [None] * 2000
    turns = [watch.look(100 + i / 20, control) for i in range(100)]
    (hung,) = [change for change in turns if change is not None]
    assert isinstance(hung, Hung)
    assert 2.0 < hung.silent < 2.2
