"""A silent heartbeat is a hang, with the stacks of all threads; one that comes back is a recovery."""

import json
import time

from datacat_daemon.spool.control import Control
from datacat_daemon.watching.hangs import HeartbeatWatch, Hung, Recovered

TIMEOUT = 2.0


def beating(beats, monitoring=1, paused=0, ended_us=0):
    return Control(beats=beats, monitoring=monitoring, timeout_us=int(TIMEOUT * 1e6), paused=paused, ended_us=ended_us)


def silence(watch, begin, end, control):
    """Turns of a twentieth of a second; the changes that are not None."""
    times = [begin + i / 20 for i in range(int((end - begin) * 20) + 1)]
    return [change for change in (watch.look(now, control) for now in times) if change is not None]


def test_silence_beyond_the_timeout_is_one_hang_and_a_beat_is_the_recovery():
    watch = HeartbeatWatch()
    assert silence(watch, 0, 1.9, beating(1)) == []
    (hung,) = silence(watch, 1.95, 9, beating(1))
    assert isinstance(hung, Hung)
    assert TIMEOUT < hung.silent < TIMEOUT + 0.2
    (recovered,) = silence(watch, 9.05, 10, beating(2))
    assert isinstance(recovered, Recovered)
    assert 9 <= recovered.seconds <= 9.1


def test_a_paused_or_unwatched_or_ended_heartbeat_is_never_a_hang():
    for quiet in (beating(1, paused=1), beating(1, monitoring=0), beating(1, ended_us=5)):
        watch = HeartbeatWatch()
        watch.look(0.0, beating(1))
        assert silence(watch, 0.05, 20, quiet) == []


def test_after_a_pause_the_silence_begins_anew():
    watch = HeartbeatWatch()
    silence(watch, 0, 1.5, beating(1))
    silence(watch, 1.55, 10, beating(1, paused=1))
    assert silence(watch, 10.05, 11.9, beating(1)) == []
    assert len(silence(watch, 11.95, 13, beating(1))) == 1


def test_pausing_while_hung_shows_that_it_lives():
    watch = HeartbeatWatch()
    silence(watch, 0, 5, beating(1))
    assert isinstance(watch.look(5.05, beating(1, paused=1)), Recovered)


def test_a_standstill_of_the_whole_machine_is_not_the_application_s_silence():
    watch = HeartbeatWatch()
    watch.look(0.0, beating(1))
    assert watch.look(3600.0, beating(1)) is None
    assert watch.look(3600.05, beating(2)) is None


def test_another_daemon_takes_a_hang_over_where_it_stands():
    watch = HeartbeatWatch(hung_for=100.0)
    assert silence(watch, 0, 9, beating(7)) == []
    recovered = watch.look(9.05, beating(8))
    assert isinstance(recovered, Recovered)
    assert 109 <= recovered.seconds <= 109.1


def test_what_ends_while_it_hangs_has_not_recovered():
    watch = HeartbeatWatch()
    silence(watch, 0, 5, beating(1))
    assert watch.look(5.05, beating(1, ended_us=5)) is None
    assert watch.hung
    assert 4.9 < watch.silent < 5.1


def test_a_beat_just_before_the_end_is_a_recovery():
    watch = HeartbeatWatch()
    silence(watch, 0, 5, beating(1))
    assert isinstance(watch.look(5.05, beating(2, ended_us=5)), Recovered)


HANGS_WITH_THE_LOCK = """
import select, threading
def waits():
    threading.Event().wait()
threading.Thread(target=waits, daemon=True).start()
session.start_heartbeat_monitor(timeout=0.5)
def blocks():
    sys.stdin.readline()
    while not select.select([sys.stdin], [], [], 0)[0]:
        ctypes.PyDLL(None).sleep(1)  # keeps the lock; a signal cuts it short
blocks()
session.heartbeat()
session.end()
"""


def test_a_process_that_holds_the_interpreter_lock_still_shows_every_stack(bench, server):
    process, daemon = bench.run(server.url, HANGS_WITH_THE_LOCK)
    server.wait_for_session()
    process.stdin.write("hang\n")
    process.stdin.flush()
    hung = server.wait_for_verdict("hung")
    process.stdin.write("go on\n")
    process.stdin.flush()
    functions = [[frame["function"] for frame in thread["frames"]] for thread in hung["data"]["stacks"]]
    assert len(functions) == 2
    assert sum("blocks" in stack for stack in functions) == 1
    assert sum("waits" in stack for stack in functions) == 1
    assert hung["data"]["timeout_seconds"] == 0.5
    assert hung["data"]["silent_seconds"] >= 0.5  # told to a millisecond
    recovered = server.wait_for_verdict("recovered")
    assert recovered["data"]["hung_seconds"] >= 0.5
    bench.finish(daemon)
    assert server.verdicts() == ["hung", "recovered", "ended"]


def test_a_process_that_dies_while_it_hangs_is_hung_and_crashed(bench, server):
    process, daemon = bench.run(server.url, HANGS_WITH_THE_LOCK)
    server.wait_for_session()
    process.stdin.write("hang\n")
    process.stdin.flush()
    server.wait_for_verdict("hung")
    process.kill()
    process.wait()
    bench.finish(daemon)
    assert server.verdicts() == ["hung", "crashed"]


def test_ending_while_it_hangs_is_told_as_such(bench, server):
    body = "session.start_heartbeat_monitor(timeout=0.3)\nsys.stdin.readline()\nsession.end()"
    process, daemon = bench.run(server.url, body)
    server.wait_for_verdict("hung")
    process.communicate("go\n")
    bench.finish(daemon)
    assert server.verdicts() == ["hung", "ended"]
    ended = server.records("status")[-1]
    assert ended["data"]["hung_seconds"] > 0.3
    assert ended["reason"].endswith("after the last heartbeat: it was hung")


def test_a_hang_outlasts_its_daemon(bench, server, wait_for):
    body = "session.start_heartbeat_monitor(timeout=0.3)\nsys.stdin.readline()\nsession.heartbeat()\nsession.end()"
    process, first = bench.run(server.url, body)
    server.wait_for_verdict("hung")
    first.kill()
    first.wait()
    time.sleep(1)
    folder = bench.folder_of(process)
    second = bench.daemon(folder)
    lines = len(server.statuses)
    wait_for(lambda: len(server.statuses) > lines, "the second daemon's first word")
    process.communicate("go\n")
    bench.finish(second)
    assert server.verdicts() == ["hung", "recovered", "ended"]
    assert server.records("status")[1]["data"]["hung_seconds"] > 1.3
    times = [record["time"] for record in server.records("status")]
    assert times == sorted(times)


def test_a_hang_that_cannot_be_written_down_now_is_written_down_later(bench, server, tmp_path, wait_for):
    full = tmp_path / "full"
    full.touch()
    before = f"""
import errno, os
from datacat_daemon.watching.verdict_writer import VerdictWriter
write = VerdictWriter.write
def write_if_there_is_room(self, verdict):
    if os.path.exists({str(full)!r}):
        raise OSError(errno.ENOSPC, "disk full")
    write(self, verdict)
VerdictWriter.write = write_if_there_is_room
"""
    body = "session.start_heartbeat_monitor(timeout=0.3)\nsys.stdin.readline()\nsession.heartbeat()\nsession.end()"
    process = bench.program(server.url, body)
    folder = bench.folder_of(process)
    daemon = bench.daemon(folder, before)
    log = folder / "daemon.log"
    wait_for(lambda: "hung is not written yet" in (log.read_text() if log.exists() else ""))
    process.communicate("go\n")
    wait_for(lambda: "ended: end() was called" in log.read_text())
    full.unlink()
    bench.finish(daemon)
    assert server.verdicts() == ["hung", "recovered", "ended"]
    assert server.records("status")[0]["data"]["stacks"]


def test_beats_that_came_before_the_daemon_count(bench, server, wait_for):
    body = "session.start_heartbeat_monitor(timeout=60)\nprint('up', flush=True)\nsys.stdin.readline()"
    process = bench.program(server.url, body)
    process.stdout.readline()
    daemon = bench.daemon(bench.folder_of(process))
    wait_for(lambda: server.sessions and server.only()["line"]["last_heartbeat"], "the last heartbeat")
    process.communicate("go\n")
    bench.finish(daemon)


WITHOUT_PY_SPY = "from datacat_daemon.watching import stack_request\nstack_request.find_py_spy = lambda: None"


def test_a_signal_that_is_not_handled_is_not_sent(bench, server):
    body = """
import faulthandler
faulthandler.unregister(int(sys.stdin.readline()))
session.start_heartbeat_monitor(timeout=0.3)
sys.stdin.readline()
session.end()
"""
    process = bench.program(server.url, body)
    folder = bench.folder_of(process)
    (manifest,) = folder.glob("*/manifest.json")
    number = json.loads(manifest.read_text())["stack_signal"]
    daemon = bench.daemon(
        folder, "from datacat_daemon.watching import stack_request as s; s.find_py_spy = lambda: None"
    )
    process.stdin.write(f"{number}\n")
    process.stdin.flush()
    assert server.wait_for_verdict("hung")["data"]["stacks"] == []
    process.communicate("go\n")
    assert process.returncode == 0
    bench.finish(daemon)


def test_the_last_heartbeat_is_reported(bench, server, wait_for):
    body = "session.start_heartbeat_monitor(timeout=2)\nwhile True:\n    session.heartbeat()\n    time.sleep(0.02)\n"
    process, daemon = bench.run(server.url, body)
    first = wait_for(lambda: server.sessions and server.only()["line"]["last_heartbeat"])
    wait_for(lambda: server.only()["line"]["last_heartbeat"] > first)
    process.kill()
    process.wait()
    bench.finish(daemon)


def test_a_signal_for_stacks_that_only_the_control_page_names_is_used(bench, server):
    body = """
import faulthandler
stacks = open(os.path.join(os.path.dirname(session.sink._folder), 'stacks.txt'), 'a')
faulthandler.register(signal.SIGUSR1, stacks, all_threads=True, chain=False)
session.sink._recorder.control.stack_signal(signal.SIGUSR1)
sys.stdin.readline()
session.start_heartbeat_monitor(timeout=0.3)
sys.stdin.readline()
session.end()
"""
    process = bench.program(server.url, body)
    folder = bench.folder_of(process)
    (manifest,) = folder.glob("*/manifest.json")
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "stack_signal": None}))
    daemon = bench.daemon(folder)
    process.stdin.write("on\n")
    process.stdin.flush()
    assert server.wait_for_verdict("hung")["data"]["stacks"]
    process.communicate("go\n")
    bench.finish(daemon)


def test_a_pause_is_no_hang_and_after_it_silence_is_one_again(bench, server, wait_for):
    body = """
session.start_heartbeat_monitor(timeout=0.5)
session.pause_heartbeat_monitoring()
sys.stdin.readline()
session.resume_heartbeat_monitoring()
sys.stdin.readline()
session.heartbeat()
sys.stdin.readline()
session.end()
"""
    process, daemon = bench.run(server.url, body)
    server.wait_for_session()
    time.sleep(1.5)
    assert server.verdicts() == []
    process.stdin.write("resume\n")
    process.stdin.flush()
    server.wait_for_verdict("hung")
    time.sleep(0.5)
    process.stdin.write("beat\n")
    process.stdin.flush()
    recovered = server.wait_for_verdict("recovered")
    assert recovered["data"]["hung_seconds"] > 1.0
    assert recovered["reason"] == f"the heartbeat is back after {recovered['data']['hung_seconds']:.1f} s"
    process.communicate("end\n")
    bench.finish(daemon)
    assert server.verdicts() == ["hung", "recovered", "ended"]
