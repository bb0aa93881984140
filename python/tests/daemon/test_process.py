"""Another process's end is seen, and how it ended, in every way there is to look."""

import os
import signal
import subprocess
import sys

import pytest
from datacat_daemon.watching import process as module
from datacat_daemon.watching import signals
from datacat_daemon.watching.proc_stat import Stat, read_stat
from datacat_daemon.watching.process import boot_id, watch_process
from datacat_daemon.watching.process_polled import PolledProcess, PsProcess
from datacat_daemon.watching.signals import in_words, is_handled, signal_name

if sys.platform == "linux":
    from datacat_daemon.watching.process_pidfd import PidfdProcess, status_by_pidfd

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc and pidfd")
WAITS = "import sys; sys.stdin.readline(); "


@pytest.fixture
def start():
    """Start a program that waits for a line; killed in the end."""
    started = []

    def begin(code=""):
        process = subprocess.Popen([sys.executable, "-c", WAITS + code], stdin=subprocess.PIPE)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.stdin.close()
        process.wait()


def start_time(process):
    return read_stat(process.pid).start


def ways(process):
    return [PidfdProcess(process.pid, start_time(process)), PolledProcess(process.pid, start_time(process))]


@linux
@pytest.mark.parametrize(
    ("code", "status"), [("import os; os._exit(3)", 3 << 8), ("import os; os.kill(os.getpid(), 9)", 9), ("", 0)]
)
def test_a_zombie_tells_how_it_ended(start, wait_for, code, status):
    process = start(code)
    watched = ways(process)
    assert not any(way.has_ended() for way in watched)
    process.stdin.close()
    wait_for(lambda: all(way.has_ended() for way in watched))
    assert [way.exit_status() for way in watched] == [status, status]
    process.wait()
    assert [way.exit_status() for way in watched][1] == status
    for way in watched:
        way.close()


@linux
def test_a_pidfd_tells_how_it_ended_also_after_its_parent_has_collected_it(start):
    process = start("import os; os._exit(7)")
    watched = PidfdProcess(process.pid, start_time(process))
    assert status_by_pidfd(watched.fileno()) is None
    process.communicate(b"\n")
    assert watched.has_ended()
    release = tuple(int(part) for part in os.uname().release.split(".")[:2])
    assert watched.exit_status() == (7 << 8 if release >= (6, 15) else None)
    watched.close()


@linux
def test_a_pid_that_belongs_to_another_process_now_is_not_watched(start):
    process = start()
    for way in (PidfdProcess, PolledProcess):
        with pytest.raises(ProcessLookupError):
            way(process.pid, "1")
    assert watch_process(process.pid, "1") is None
    watched = PolledProcess(process.pid, start_time(process))
    watched._start = "1"  # as if the pid had been given to another one since
    assert watched.has_ended()
    assert watched.exit_status() is None


def test_a_process_that_is_gone_is_not_watched(start):
    process = start()
    process.communicate(b"\n")
    assert watch_process(process.pid, None) is None
    with pytest.raises(OSError):
        PsProcess(process.pid)


def test_ps_sees_the_end_too(start, wait_for):
    process = start()
    watched = PsProcess(process.pid)
    assert not watched.has_ended()
    assert watched.fileno() == -1
    assert watched.send_signal(signal.SIGTERM)
    wait_for(watched.has_ended)
    assert watched.exit_status() is None
    assert not watched.send_signal(signal.SIGTERM)
    process.wait()
    assert watched.has_ended()
    watched.close()


def test_without_pidfd_and_without_proc_there_is_still_a_way(start, monkeypatch):
    process = start()
    watched = watch_process(process.pid, None)
    assert watched is not None
    watched.close()
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    assert isinstance(watch_process(process.pid, None), PolledProcess if sys.platform == "linux" else PsProcess)
    monkeypatch.setattr(module, "SELF_STAT", "/none")
    assert isinstance(watch_process(process.pid, None), PsProcess)


@linux
def test_a_handled_signal_is_sent_and_an_unhandled_one_is_known(start, wait_for):
    process = start()
    assert not is_handled(process.pid, signal.SIGUSR1)
    handles = start()
    handles.kill()
    handles.wait()
    assert not is_handled(handles.pid, signal.SIGINT)
    wait_for(lambda: is_handled(process.pid, signal.SIGINT), "the interpreter's own handler")
    watched = PidfdProcess(process.pid, None)
    assert watched.send_signal(signal.SIGKILL)
    process.wait()
    assert not watched.send_signal(signal.SIGKILL)
    watched.close()


def test_where_the_system_does_not_tell_what_is_handled_it_says_so(monkeypatch):
    monkeypatch.setattr(signals, "_OWN_STATUS", "/none")
    assert is_handled(os.getpid(), signal.SIGUSR1) is None


def test_without_proc_the_signal_of_the_manifest_is_sent(bench, server):
    body = "session.start_heartbeat_monitor(timeout=0.3)\nsys.stdin.readline()"
    process = bench.program(server.url, body)
    before = "from datacat_daemon.watching import signals\nsignals._OWN_STATUS = '/none'"
    daemon = bench.daemon(bench.folder_of(process), before)
    assert server.wait_for_verdict("hung")["data"]["stacks"]
    process.communicate("go\n")
    bench.finish(daemon)


def test_signals_have_names_and_words():
    assert signal_name(11) == "SIGSEGV"
    assert in_words("SIGSEGV") == "segmentation fault"
    assert signal_name(60) == "signal 60"
    assert in_words("signal 60") is None


@linux
def test_a_boot_has_a_name():
    assert boot_id()
    assert read_stat(2**22 + 5) is None


@linux
def test_a_death_is_also_seen_and_explained_without_pidfd(bench, server):
    body = "sys.stdin.readline()\nos.kill(os.getpid(), 11)"
    process = bench.program(server.url, body)
    folder = bench.folder_of(process)
    daemon = bench.daemon(folder, "import os; del os.pidfd_open")
    server.wait_for_session()
    process.stdin.write("go\n")
    process.stdin.flush()
    record = server.wait_for_verdict("crashed")
    assert record["reason"] == "killed by SIGSEGV (segmentation fault)"
    bench.finish(daemon)


@linux
def test_one_that_is_being_collected_does_not_pass_for_one_that_ended_well():
    assert Stat("Z", "7", 9, threads=1).exit_status == 9
    assert Stat("X", "7", 0, threads=0).exit_status is None  # the kernel has let go of its status
    assert Stat("X", "7", 0, threads=0).ended
    assert Stat("Z", "7", 0, threads=2).exit_status is None  # its main thread is gone, another one runs
    assert Stat("T", "7", 19, threads=1).exit_status is None
