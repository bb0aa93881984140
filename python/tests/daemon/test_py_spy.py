"""Where a process cannot write its stacks itself, py-spy sees them from outside; where it may not, the log says why."""

import sys

import pytest
from datacat_daemon.watching.py_spy import PySpyDump, find_py_spy
from support import interpreters

pytestmark = pytest.mark.skipif(find_py_spy() is None, reason="py-spy is not installed")

WITHOUT_A_HANDLER = """
import threading
try:
    import faulthandler, json, glob
    (manifest,) = glob.glob(os.path.join(session.sink._folder, "manifest.json"))
    faulthandler.unregister(json.load(open(manifest))["stack_signal"])
except ImportError:
    pass
def waits():
    threading.Event().wait()
thread = threading.Thread(target=waits)
thread.daemon = True
thread.start()
session.start_heartbeat_monitor(timeout=0.5)
def blocks():
    sys.stdin.readline()
blocks()
session.end()
"""


def functions_of(record):
    return sorted({frame["function"] for thread in record["data"]["stacks"] for frame in thread["frames"]})


@pytest.mark.parametrize("version", ["2.7", interpreters.OWN])
def test_a_process_without_a_handler_shows_its_stacks_all_the_same(bench, server, version, start_program):
    path = interpreters.find(version)
    if path is None:
        pytest.skip(f"there is no Python {version}")
    process = start_program(path, WITHOUT_A_HANDLER)
    daemon = bench.daemon(bench.folder_of(process))
    hung = server.wait_for_verdict("hung")
    assert {"blocks", "waits"} <= set(functions_of(hung))
    frames = [frame for thread in hung["data"]["stacks"] for frame in thread["frames"] if frame["function"] == "blocks"]
    assert frames[0]["line"] > 0 and frames[0]["file"] == "<string>"
    process.communicate("go\n")
    bench.finish(daemon)
    assert server.verdicts() == ["hung", "ended"]


@pytest.fixture
def start_program(bench, server, monkeypatch):
    """Start a program with another interpreter."""

    def begin(path, body):
        monkeypatch.setattr(sys, "executable", path)
        process = bench.program(server.url, body)
        monkeypatch.undo()
        return process

    return begin


BLOCKS_ALL_SIGNALS = """
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, signal.NSIG))
session.start_heartbeat_monitor(timeout=0.5)
def blocks():
    sys.stdin.readline()
blocks()
session.end()
"""


def test_a_process_that_blocks_the_signal_shows_its_stacks_too(bench, server):
    process, daemon = bench.run(server.url, BLOCKS_ALL_SIGNALS)
    assert "blocks" in functions_of(server.wait_for_verdict("hung"))
    process.communicate("go\n")
    bench.finish(daemon)


# CAP_SYS_PTRACE cannot be regained by what the daemon starts: it may not look into another process then.
MAY_NOT_TRACE = """
import ctypes
PR_CAPBSET_DROP, CAP_SYS_PTRACE = 24, 19
assert ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE, 0, 0, 0) == 0
"""


def may_drop_capabilities():
    with open("/proc/self/status") as file:
        bounds = next(line.split()[1] for line in file if line.startswith("CapEff"))
    return bool(int(bounds, 16) >> 8 & 1)  # CAP_SETPCAP


@pytest.mark.skipif(sys.platform != "linux" or not may_drop_capabilities(), reason="needs a capability to drop")
def test_where_it_may_not_look_into_the_process_the_log_says_why(bench, server):
    process = bench.program(server.url, WITHOUT_A_HANDLER)
    folder = bench.folder_of(process)
    daemon = bench.daemon(folder, MAY_NOT_TRACE)
    assert server.wait_for_verdict("hung")["data"]["stacks"] == []
    log = (folder / "daemon.log").read_text()
    assert "no stacks: Error: Failed to get process executable name" in log
    assert "ermission denied" in log
    process.communicate("go\n")
    bench.finish(daemon)


def test_one_that_takes_too_long_is_given_up(wait_for, tmp_path):
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o700)
    dump = PySpyDump(str(slow), 1, deadline=10.0)
    assert not dump.ready(9.9)
    assert dump.ready(10.0)
    assert dump.stacks() == []
    assert dump.trouble == "py-spy took too long"
    assert dump.ready(11.0)


@pytest.mark.parametrize(("output", "expected"), [("not json", "not understood"), ('[{"a": 1}]', "not understood")])
def test_an_answer_that_is_none_gives_no_stacks(wait_for, tmp_path, output, expected):
    odd = tmp_path / "odd"
    odd.write_text(f"#!/bin/sh\necho '{output}'\n")
    odd.chmod(0o700)
    dump = PySpyDump(str(odd), 1, deadline=1e9)
    wait_for(lambda: dump.ready(0.0))
    assert dump.stacks() == []
    assert expected in dump.trouble
