"""From what is known about the end of a process to one status and one sentence."""

import pytest
from datacat.control import ENDED_BY_CALL, ENDED_BY_INTERPRETER, ENDED_BY_INTERRUPT, ENDED_WITH_PROGRAM
from datacat_daemon.spool.control import Control, ControlReader
from datacat_daemon.watching.out_of_memory import OutOfMemory
from datacat_daemon.watching.stacks import fatal_error, fatal_signal, parse_stacks
from datacat_daemon.watching.verdict import Evidence, Verdict, after_death, while_running
from datacat_daemon.watching.verdict_writer import VerdictWriter, verdicts_in

EXIT_0, EXIT_1, EXIT_3, SEGV, KILL, TERM = 0, 1 << 8, 3 << 8, 11 | 0x80, 9, 15

FATAL = """Fatal Python error: Segmentation fault

Thread 0x00007f0000000002 [loader thread] (most recent call first):
  File "/a/b (c).py", line 12 in load
  ...

Current thread 0x00007f0000000001 (most recent call first):
  File "game.py", line 7 in strike
  File "game.py", line ??? in <module>

Current thread's C stack trace (most recent call first):
  Binary file "/usr/bin/python3", at _Py_DumpStack+0x48 [0x5f]

Extension modules: numpy (total: 1)
"""
OTHER_FATAL = "Fatal Python error: none_dealloc: deallocating None\nPython runtime state: initialized\n"
EXCEPTION = {"exception_type": "ValueError", "exception_msg": "bad map\nsecond line"}


def end(kind, uncaught=0):
    return Control(ended_us=50, end_kind=kind, uncaught_us=uncaught)


@pytest.mark.parametrize(
    ("control", "status", "expected"),
    [
        (end(ENDED_BY_CALL), EXIT_0, ("ended", "end() was called")),
        (end(ENDED_BY_CALL), KILL, ("ended", "end() was called")),
        (end(ENDED_BY_CALL, uncaught=9), EXIT_1, ("ended", "end() was called")),
        (end(ENDED_BY_INTERPRETER), EXIT_0, ("ended", "the program finished")),
        (end(ENDED_BY_INTERPRETER), None, ("ended", "the program finished")),
        (end(ENDED_BY_INTERPRETER), EXIT_3, ("ended", "the program finished, with exit code 3")),
        (end(ENDED_BY_INTERPRETER), KILL, ("ended", "the program finished")),
        (end(ENDED_BY_INTERPRETER), SEGV, ("crashed", "killed by SIGSEGV (segmentation fault)")),
        (end(ENDED_BY_INTERPRETER, uncaught=9), EXIT_1, ("crashed", "uncaught exception ValueError: bad map")),
        (end(ENDED_BY_INTERPRETER, uncaught=9), None, ("crashed", "uncaught exception ValueError: bad map")),
        (end(ENDED_BY_INTERPRETER, uncaught=9), EXIT_0, ("ended", "the program finished")),
        (end(ENDED_BY_INTERRUPT), 2, ("ended", "interrupted (Ctrl-C)")),
        (end(ENDED_WITH_PROGRAM), EXIT_3, ("ended", "end() was called, with exit code 3")),
        (end(ENDED_WITH_PROGRAM), None, ("ended", "end() was called")),
        (end(ENDED_WITH_PROGRAM), 2, ("ended", "end() was called")),
        (end(ENDED_WITH_PROGRAM), TERM, ("crashed", "killed by SIGTERM (asked to terminate)")),
        (end(77), EXIT_0, ("ended", "the session was ended")),
        (Control(uncaught_us=9), EXIT_1, ("crashed", "uncaught exception ValueError: bad map")),
        (Control(uncaught_us=9), KILL, ("crashed", "killed by SIGKILL (kill -9, or the system ran out of memory)")),
        (Control(), TERM, ("crashed", "killed by SIGTERM (asked to terminate)")),
        (Control(), 60, ("crashed", "killed by signal 60")),
        (Control(), EXIT_0, ("crashed", "exited with code 0 without ending the session")),
        (Control(), None, ("crashed", "the process is gone; nobody saw how it ended")),
    ],
)
def test_control_page_and_exit_status_make_the_verdict(control, status, expected):
    verdict = after_death(control, Evidence(time=99, exit_status=status, exception=EXCEPTION))
    assert (verdict.status, verdict.reason) == expected
    ended_before = verdict.status == "ended" and control.end_kind != ENDED_WITH_PROGRAM
    assert verdict.time == (50 if ended_before else 99)


def test_a_restarted_machine_is_the_reason_unless_the_session_had_ended():
    evidence = Evidence(time=99, rebooted=True)
    assert after_death(Control(), evidence).reason == "the machine was restarted"
    assert after_death(end(ENDED_BY_CALL), evidence).status == "ended"


def test_the_fatal_dump_tells_the_signal_where_nobody_saw_the_exit_status():
    verdict = after_death(Control(), Evidence(time=99, fatal_text=FATAL))
    assert verdict.reason == "killed by SIGSEGV (segmentation fault)"
    assert [thread["current"] for thread in verdict.data["stacks"]] == [False, True]


def test_a_fatal_error_of_the_interpreter_itself_is_part_of_the_reason():
    verdict = after_death(Control(), Evidence(time=99, exit_status=6, fatal_text=OTHER_FATAL))
    assert verdict.reason == "killed by SIGABRT (aborted): none_dealloc: deallocating None"


def test_an_uncaught_exception_without_its_record_is_still_one():
    assert after_death(Control(uncaught_us=9), Evidence(time=99)).reason == "uncaught exception an exception"


LIMITED = OutOfMemory(certain=True, limit_bytes=64 << 20)


@pytest.mark.parametrize(
    ("memory", "status", "kind", "reason"),
    [
        (LIMITED, KILL, "out_of_memory", "killed by the kernel: out of memory (memory limit 64 MB of its cgroup)"),
        (OutOfMemory(certain=True), KILL, "out_of_memory", "killed by the kernel: out of memory"),
        (
            OutOfMemory(False),
            KILL,
            "signal",
            "killed by SIGKILL, probably by the kernel: the machine was out of memory",
        ),
        (
            LIMITED,
            None,
            "out_of_memory",
            "probably killed by the kernel: out of memory (memory limit 64 MB of its cgroup)",
        ),
        (OutOfMemory(False), None, "unknown", "the process is gone; nobody saw how it ended"),
        (LIMITED, TERM, "signal", "killed by SIGTERM (asked to terminate)"),
        (LIMITED, EXIT_3, "exit", "exited with code 3 without ending the session"),
    ],
)
def test_what_the_kernel_killed_for_want_of_memory_is_said_as_surely_as_it_is_known(memory, status, kind, reason):
    verdict = after_death(Control(), Evidence(time=99, exit_status=status, out_of_memory=memory, resident_bytes=7))
    assert (verdict.data["kind"], verdict.reason) == (kind, reason)
    assert verdict.data["resident_bytes"] == 7
    assert verdict.data.get("memory_limit_bytes") == (memory.limit_bytes if kind == "out_of_memory" else None)


def test_a_container_s_end_is_the_reason_only_where_nobody_saw_another():
    assert after_death(Control(), Evidence(time=99, namespace_ended=True)).data["kind"] == "container"
    assert after_death(Control(), Evidence(time=99, namespace_ended=True, exit_status=TERM)).data["kind"] == "signal"
    assert after_death(end(ENDED_BY_CALL), Evidence(time=99, namespace_ended=True)).status == "ended"


def test_only_end_is_an_end_while_the_process_runs():
    assert while_running(Control()) is None
    assert while_running(end(ENDED_BY_INTERPRETER)) is None
    assert while_running(end(ENDED_WITH_PROGRAM)) is None
    assert while_running(end(ENDED_BY_CALL)).status == "ended"


def test_a_dump_becomes_threads_with_their_frames():
    assert parse_stacks(FATAL) == [
        {
            "thread": "0x00007f0000000002",
            "name": "loader thread",
            "current": False,
            "frames": [{"file": "/a/b (c).py", "line": 12, "function": "load"}],
        },
        {
            "thread": "0x00007f0000000001",
            "name": None,
            "current": True,
            "frames": [
                {"file": "game.py", "line": 7, "function": "strike"},
                {"file": "game.py", "line": None, "function": "<module>"},
            ],
        },
    ]
    assert fatal_error(FATAL) == "Segmentation fault"
    assert fatal_signal(FATAL) == "SIGSEGV"
    assert (fatal_signal(OTHER_FATAL), fatal_error("nothing")) == (None, None)


def test_of_several_dumps_the_last_counts():
    again = FATAL.replace("line 7 in strike", "line 8 in strike")
    (_, current) = parse_stacks(FATAL + again)
    assert current["frames"][0]["line"] == 8


def test_noise_has_no_stacks():
    assert parse_stacks("\0\xff\n  File") == []


def test_verdicts_that_were_written_are_found_again_in_their_order(tmp_path):
    VerdictWriter(tmp_path).write(Verdict("recovered", 20, "b"))
    writer = VerdictWriter(tmp_path)
    writer.write(Verdict("hung", 10, "a"))
    writer.write(Verdict("crashed", 30, "c"))
    assert [verdict.status for verdict in verdicts_in(tmp_path)] == ["hung", "recovered", "crashed"]


@pytest.mark.parametrize(("frames", "function"), [(5000, "f"), (150, "g" * 2000)])
def test_stacks_that_are_too_large_are_cut(tmp_path, frames, function):
    stack = [{"file": "f.py", "line": number, "function": function} for number in range(frames)]
    threads = [{"thread": "0x1", "name": None, "current": False, "frames": list(stack)} for _ in range(30)]
    VerdictWriter(tmp_path).write(Verdict("hung", 10, "a", {"stacks": threads}))
    assert [verdict.status for verdict in verdicts_in(tmp_path)] == ["hung"]


def test_a_control_page_that_is_missing_or_damaged_says_nothing(tmp_path):
    path = tmp_path / "control"
    reader = ControlReader(path)
    assert reader.read() == Control()
    path.write_bytes(b"\xff" * 4096)
    assert reader.read() == Control()
    path.write_bytes(b"DCATCTL1")
    assert reader.read() == Control()
    reader.close()
