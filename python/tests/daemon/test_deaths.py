"""However a process ends, its own daemon says how, and everything it had logged arrives."""

import os
import re
import signal
import subprocess
import sys

import pytest

SEGFAULT = "def strike():\n    ctypes.string_at(0)\nstrike()\n"


def run_to_the_end(bench, server, body):
    """Run a program from its first to its last breath; its session as the server has it."""
    process, daemon = bench.run(server.url, "session.log_event('begun')\nsys.stdin.readline()\n" + body)
    server.wait_for_session()
    process.communicate("go\n")
    bench.finish(daemon)
    assert bench.left() == []
    return server.only()


def the_verdict(server):
    (record,) = server.records("status")
    return record


def test_calling_end_is_an_end(bench, server):
    run_to_the_end(bench, server, "session.end()")
    record = the_verdict(server)
    assert (record["status"], record["reason"]) == ("ended", "end() was called")


def test_finishing_without_end_is_an_end(bench, server):
    run_to_the_end(bench, server, "session.log_event('last')")
    record = the_verdict(server)
    assert (record["status"], record["reason"]) == ("ended", "the program finished")
    assert record["data"] == {"exit_code": 0}


def test_an_exit_code_of_a_program_that_finished_is_told(bench, server):
    run_to_the_end(bench, server, "sys.exit(3)")
    record = the_verdict(server)
    assert (record["status"], record["reason"]) == ("ended", "the program finished, with exit code 3")


def test_an_exception_that_nothing_catches_is_a_crash(bench, server):
    run_to_the_end(bench, server, "raise ValueError('the map is upside down')")
    record = the_verdict(server)
    assert record["status"] == "crashed"
    assert record["reason"] == "uncaught exception ValueError: the map is upside down"
    assert record["data"]["kind"] == "exception"
    assert record["data"]["exception_type"] == "ValueError"
    assert record["data"]["exit_code"] == 1
    last = record["data"]["last_events"]
    assert [event["name"] for event in last] == ["begun", "exception"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", event["time"]) for event in last)


def test_a_segmentation_fault_is_a_crash_with_its_python_traceback(bench, server):
    run_to_the_end(bench, server, SEGFAULT)
    record = the_verdict(server)
    assert record["reason"] == "killed by SIGSEGV (segmentation fault)"
    assert record["data"]["signal"] == "SIGSEGV"
    (thread,) = record["data"]["stacks"]
    assert thread["current"]
    assert [frame["function"] for frame in thread["frames"]][-2:] == ["strike", "<module>"]


def test_kill_9_in_the_middle_of_logging_loses_nothing(bench, server):
    body = "for i in range(20000):\n    session.log_event('moved', {'x': i})\nos.kill(os.getpid(), 9)"
    session = run_to_the_end(bench, server, body)
    assert [r["data"]["x"] for r in session["records"] if r.get("name") == "moved"] == list(range(20000))
    assert session["lost"] == []
    record = the_verdict(server)
    assert record["status"] == "crashed"
    assert record["data"]["signal"] == "SIGKILL"


@pytest.mark.parametrize("code", [0, 7])
def test_leaving_by_os_exit_is_a_crash(bench, server, code):
    run_to_the_end(bench, server, f"os._exit({code})")
    record = the_verdict(server)
    assert (record["status"], record["data"]["exit_code"]) == ("crashed", code)
    assert record["reason"] == f"exited with code {code} without ending the session"


def test_being_asked_to_terminate_is_told(bench, server):
    run_to_the_end(bench, server, "os.kill(os.getpid(), 15)")
    assert the_verdict(server)["reason"] == "killed by SIGTERM (asked to terminate)"


def test_ctrl_c_is_an_end(bench, server):
    process, daemon = bench.run(server.url, "print('up', flush=True)\ntime.sleep(60)")
    process.stdout.readline()
    server.wait_for_session()
    process.send_signal(signal.SIGINT)
    process.wait()
    bench.finish(daemon)
    record = the_verdict(server)
    assert (record["status"], record["reason"]) == ("ended", "interrupted (Ctrl-C)")


def test_end_is_known_while_the_process_goes_on(bench, server):
    process, daemon = bench.run(server.url, "session.end()\nsys.stdin.readline()")
    server.wait_for_verdict("ended")
    assert process.poll() is None
    process.communicate("go\n")
    bench.finish(daemon)
    assert server.verdicts() == ["ended"]


def test_hundreds_of_ended_sessions_cost_their_process_s_daemon_nothing(bench, server, wait_for):
    body = """
for i in range(150):
    each = datacat.create_session(product="P", version="short", batch_interval_seconds=0.1)
    each.log_event("n")
    each.end()
session.log_event("all were made")
sys.stdin.readline()
each.log_event("after the end")
os._exit(1)
"""
    process, daemon = bench.run(server.url, body)
    wait_for(lambda: sum("ended" in server.verdicts(id) for id in list(server.sessions)) == 150)
    wait_for(lambda: len(os.listdir(f"/proc/{daemon.pid}/fd")) < 40, "the files of ended sessions to be closed")
    process.communicate("go\n")
    bench.finish(daemon)
    verdicts = [verdict for id in server.sessions for verdict in server.verdicts(id)]
    assert sorted(verdicts) == ["crashed"] + ["ended"] * 150
    events = [record["name"] for id in server.sessions for record in server.records("event", id)]
    assert sorted(events) == ["after the end", "all were made"] + ["n"] * 150


def test_each_session_of_a_process_gets_its_verdict(bench, server, wait_for):
    body = """
second = datacat.create_session(product="P", version="2", batch_interval_seconds=0.1)
second.log_event("here")
second.end()
sys.stdin.readline()
os._exit(1)
"""
    process, daemon = bench.run(server.url, body)
    wait_for(lambda: len(server.sessions) == 2)
    process.communicate("go\n")
    bench.finish(daemon)
    verdicts = {server.sessions[id]["line"]["version"]: server.verdicts(id) for id in server.sessions}
    assert verdicts == {"1": ["crashed"], "2": ["ended"]}


def test_a_forked_child_that_logs_may_outlive_the_process(bench, server):
    body = """
sys.stdin.readline()
if os.fork() == 0:
    session.log_event("child begins")
    time.sleep(1)
    session.log_event("child ends")
    os._exit(0)
time.sleep(0.3)
os._exit(5)
"""
    process, daemon = bench.run(server.url, body)
    server.wait_for_session()
    process.stdin.write("go\n")
    process.stdin.close()
    process.wait()
    bench.finish(daemon)
    assert server.verdicts() == ["crashed"]
    assert [event["name"] for event in server.records("event")] == ["child begins", "child ends"]


def test_a_forked_child_that_logs_only_after_the_process_died_is_waited_for(bench, server):
    body = """
sys.stdin.readline()
if os.fork() == 0:
    time.sleep(1.5)
    session.log_event("child speaks at last")
    os._exit(0)
os._exit(5)
"""
    process, daemon = bench.run(server.url, body)
    server.wait_for_session()
    process.stdin.write("go\n")
    process.stdin.close()
    process.wait()
    bench.finish(daemon)
    assert [event["name"] for event in server.records("event")] == ["child speaks at last"]
    assert bench.left() == []


def test_one_odd_session_does_not_end_the_watching_of_the_others(bench, server, wait_for):
    before = """
from datacat_daemon.watching.session_watch import SessionWatch
look = SessionWatch.look
def odd(self, now, process):
    if self.manifest.version == "odd":
        raise RuntimeError("odd indeed")
    look(self, now, process, observed)
SessionWatch.look = odd
"""
    body = "other = datacat.create_session(product='P', version='odd')\nsys.stdin.readline()\nos._exit(6)"
    process = bench.program(server.url, body)
    folder = bench.folder_of(process)
    daemon = bench.daemon(folder, before)
    wait_for(lambda: len(server.sessions) == 2)
    process.communicate("go\n")
    bench.finish(daemon)
    assert [server.verdicts(id) for id in server.sessions] == [["crashed"], ["crashed"]]
    assert bench.left() == []


def test_a_process_that_died_before_its_daemon_came_is_settled_too(bench, server):
    process = bench.program(server.url, "session.log_event('last words')\nos._exit(2)")
    folder = bench.folder_of(process)
    process.wait()
    bench.finish(bench.daemon(folder))
    record = the_verdict(server)
    assert record["data"]["kind"] == "unknown"
    assert record["time"] == server.records("event")[0]["time"]


def test_a_second_daemon_for_the_same_process_leaves_quietly(bench, server):
    process, daemon = bench.run(server.url, "sys.stdin.readline()")
    server.wait_for_session()
    second = bench.daemon(bench.folder_of(process))
    bench.finish(second)
    assert daemon.poll() is None
    process.communicate("go\n")
    bench.finish(daemon)


def run_command(bench, *arguments):
    command = [sys.executable, "-m", "datacat_daemon", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=bench.environment(""))


def test_the_command_names_a_folder_that_is_missing(bench, tmp_path):
    done = run_command(bench, "--process-dir", tmp_path / "none")
    assert done.returncode == 2
    assert "there is no folder" in done.stderr


def test_the_command_explains_itself(bench):
    assert "--process-dir DIR" in run_command(bench, "--help").stdout
    assert run_command(bench, "--version").stdout.startswith("datacat-daemon ")


def test_a_spool_that_is_deleted_underfoot_heals_and_counts_what_was_dropped(bench, server, wait_for):
    body = """
import shutil
folder = os.path.dirname(session.sink._folder)
session.log_event("before")
sys.stdin.readline()
gone = os.path.join(os.environ["ELSEWHERE"], "gone")
os.rename(folder, gone)  # all at once: the daemon may write into it meanwhile, and then it could not be deleted
shutil.rmtree(gone, ignore_errors=True)
kept = 0
for number in range(60000):  # more than the segment that is still mapped can hold
    kept += session.sink.write(1, 0, b'{"name":"n"}')
deadline = time.time() + 20
while not os.path.isdir(session.sink._folder) and time.time() < deadline:
    time.sleep(0.01)
time.sleep(1.2)  # a writer without room tries again once a second
session.log_event("after")
print(kept)
sys.stdout.flush()
"""
    process, daemon = bench.run(server.url, body, ELSEWHERE=str(bench.spool.parent))
    wait_for(lambda: [event["name"] for event in server.records("event")] == ["before"])
    output, _ = process.communicate("go\n")
    kept = int(output.split()[-1])
    bench.finish(daemon)
    names = [event["name"] for event in server.records("event")]
    assert (names[0], names[-1]) == ("before", "after")
    assert names.count("n") == kept
    assert server.only()["line"]["dropped"] == 60000 - kept
    assert server.verdicts() == ["ended"]
    assert bench.left() == []


def test_an_exit_status_that_a_waiting_parent_wrote_down_is_believed_where_nobody_else_saw_it(bench, server):
    body = "session.log_event('begun')\nnow = int(time.time() * 1e6)\n"
    body += "session.sink._recorder.control.exit_status(6, now)\nos._exit(0)"
    process = bench.program(server.url, body)
    folder = bench.folder_of(process)
    process.wait()
    bench.finish(bench.daemon(folder))
    assert the_verdict(server)["reason"] == "killed by SIGABRT (aborted)"


def test_an_ended_session_gives_its_segments_back_while_its_process_goes_on(bench, server, wait_for):
    body = """
for number in range(30):
    one = datacat.create_session(base_url=session.client.base_url, product="one of many")
    one.log_event("first", {"number": number})
    one.end()
    if number % 2:
        one.log_event("late", {"number": number})
sys.stdin.readline()
for each in range(2):
    one.log_event("very late")
"""
    process, daemon = bench.run(server.url, body)
    folder = bench.folder_of(process)

    def names():
        return [event["name"] for one in list(server.sessions) for event in server.records("event", one)]

    def taken():
        """Megabytes of disk that the sessions have; a segment of theirs is one."""
        sessions = [path.parent for path in folder.glob("*/manifest.json")]
        return sum(file.stat().st_blocks * 512 for one in sessions for file in one.iterdir() if file.is_file()) / 2**20

    wait_for(lambda: names().count("late") == 15)
    wait_for(lambda: taken() < 1 + 15 + 31 * 0.1)  # the first session goes on, and half of the others logged late
    process.communicate("go\n")
    bench.finish(daemon)
    assert [names().count(name) for name in ("first", "late", "very late")] == [30, 15, 2]
    assert all(server.verdicts(one) == ["ended"] for one in server.sessions) and len(server.sessions) == 31
    assert bench.left() == []
