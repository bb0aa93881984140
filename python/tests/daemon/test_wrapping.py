"""Any program as a session, by its wrapping parent: how it ends, what it prints, which signals reach it."""

import os
import signal
import subprocess
import sys
import time

import pytest
from support.wrapped import TELL_SIGNALS, Wrapped


@pytest.mark.parametrize(("code", "status"), [(0, "ended"), (3, "crashed")])
def test_the_exit_code_of_any_program_is_returned_and_told(wrap, code, status):
    run = wrap(["sh", "-c", f"exit {code}"])
    run.finish()
    assert run.process.returncode == code
    assert run.verdict()["status"] == status
    assert run.verdict()["data"]["exit_code"] == code
    if code:
        assert run.verdict()["data"]["kind"] == "exit"
        assert run.verdict()["reason"] == "it ended with exit code 3"
    assert run.finished()["exit_code"] == code
    run.settle()


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGTERM", "SIGABRT"])
def test_a_signal_that_ends_the_program_ends_its_parent_and_is_named(wrap, name):
    run = wrap(["sh", "-c", f"ulimit -c 0; kill -{name[3:]} $$"])
    run.finish()
    assert run.process.returncode == -getattr(signal, name)
    assert run.verdict()["status"] == "crashed"
    assert run.verdict()["data"]["signal"] == name
    assert run.finished()["signal"] == name


def test_what_the_program_used_is_told(wrap):
    work = "x = bytearray(100 << 20); t = __import__('time').process_time\nwhile t() < 0.3: pass"
    run = wrap([sys.executable, "-c", work])
    run.finish()
    used = run.finished()
    assert used["cpu_user_seconds"] + used["cpu_system_seconds"] >= 0.25
    assert used["duration_seconds"] >= 0.25
    assert 100 << 20 <= used["peak_memory_bytes"] < 400 << 20


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
def test_the_end_of_a_session_is_when_its_program_ended(wrap, bench):
    run = wrap(["sh", "-c", "echo $$; read line"])
    run.process.stdout.readline()
    (path,) = run.wait(lambda: list(bench.spool.glob("*/daemon.lock")))
    run.server.wait_for_session()
    daemon = next(int(pid) for pid in os.listdir("/proc") if pid.isdigit() and holds(pid, path))
    os.kill(daemon, signal.SIGSTOP)
    try:
        run.finish()
        over = time.time()
        time.sleep(1.0)
    finally:
        os.kill(daemon, signal.SIGCONT)
    assert run.verdict()["time"] / 1e6 < over


def holds(pid, path):
    """A process has a file open."""
    folder = f"/proc/{pid}/fd"
    try:
        return any(os.path.samefile(f"{folder}/{name}", path) for name in os.listdir(folder))
    except OSError:
        return False


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")
@pytest.mark.parametrize(
    ("command", "least", "most"),
    [(["sleep", "0.3"], 100 << 10, 6 << 20), ([sys.executable, "-c", "x = bytearray(40 << 20)"], 40 << 20, 100 << 20)],
)
def test_the_memory_of_a_small_program_is_its_own(wrap, command, least, most):
    """Also where whoever starts the wrapper is large: the system hands that on."""
    ballast = bytearray(b"x" * (300 << 20))
    run = wrap(command)
    del ballast
    run.finish()
    assert least <= run.finished()["peak_memory_bytes"] < most


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors are limited on POSIX")
def test_a_program_that_cannot_be_forked_is_126_and_said(wrap):
    import resource

    few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (7, 7))  # noqa: E731
    run = wrap(["echo", "hi"], ["--capture-output"], preexec_fn=few)
    out, err = run.finish()
    assert (run.process.returncode, out) == (126, b"")
    assert err == b"datacat run: echo cannot be started: Too many open files\n"


def test_a_program_that_is_not_there_is_127_and_one_that_is_none_is_126(wrap, tmp_path):
    run = wrap(["no-such-program"])
    _, err = run.finish()
    assert (run.process.returncode, err) == (127, b"datacat run: no-such-program: there is no such program\n")
    run = wrap([tmp_path])
    assert (b"cannot be executed" in run.finish()[1], run.process.returncode) == (True, 126)
    strange = tmp_path / "strange"
    strange.write_bytes(b"\x7fELF nothing")
    strange.chmod(0o755)
    run = wrap([strange])
    assert (b"Exec format error" in run.finish()[1], run.process.returncode) == (True, 126)
    assert run.wait(lambda: run.events("program_not_started"))[0]["message"] == "Exec format error"


def test_the_session_is_named_by_the_options_else_by_the_program(wrap, server, tmp_path):
    wrap(["true"], ["--product", "Backup", "--version", "7"]).finish()
    script = tmp_path / "harbour.py"
    script.write_text("")
    wrap([sys.executable, "-u", script], variables={"DATACAT_VERSION": "8"}).finish()
    wrap(["sleep", "0"]).finish()
    Wrapped.wait(lambda: len(server.sessions) == 3)
    names = {(session["line"]["product"], session["line"]["version"]) for session in server.sessions.values()}
    assert names == {("Backup", "7"), ("harbour", "8"), ("sleep", "unknown")}


def test_signals_to_the_parent_reach_the_program(wrap):
    names = [
        "SIGTERM",
        "SIGHUP",
        "SIGUSR1",
        "SIGUSR2",
        "SIGWINCH",
        "SIGCONT",
        "SIGTSTP",
        "SIGQUIT",
        "SIGINT",
        "SIGALRM",
    ]
    run = wrap([sys.executable, "-c", TELL_SIGNALS, *names])
    ready, pid = run.process.stdout.readline().split()
    assert ready == b"ready"
    for name in names:
        run.process.send_signal(getattr(signal, name))
        assert run.process.stdout.readline().decode().strip() == name
    os.kill(int(pid), signal.SIGKILL)
    assert run.process.wait(30) == -signal.SIGKILL
    run.finish()


def test_captured_output_is_passed_on_and_each_line_is_an_event(wrap):
    run = wrap(["sh", "-c", "echo one; echo two >&2; printf 'caf\\303\\251 \\377\\nlast'"], ["--capture-output"])
    out, err = run.finish()
    assert (out, err) == (b"one\ncaf\xc3\xa9 \xff\nlast", b"two\n")
    tail = run.finished()["output_tail"]
    assert sorted(tail) == ["café �", "last", "one", "two"]
    assert run.lines() == ["one", "café �", "last"]
    assert run.lines("stderr") == ["two"]
    assert {event["category"] for event in run.events("stdout")} == {"output"}


def test_the_order_stays_where_both_streams_go_to_the_same_place(wrap, tmp_path):
    body = "i=0; while [ $i -lt 300 ]; do echo $i; echo $((i + 1)) >&2; i=$((i + 2)); done"
    path = tmp_path / "log"
    with path.open("wb") as log:
        run = wrap(["sh", "-c", body], ["--capture-output"], stdout=log, stderr=subprocess.STDOUT)
        run.finish()
    assert path.read_text().split() == [str(number) for number in range(300)]
    run.finished()
    assert run.lines() == [str(number) for number in range(300)]


def test_the_last_fifty_lines_are_kept(wrap):
    run = wrap(["seq", "200"], ["--capture-output"])
    run.finish()
    assert run.finished()["output_tail"] == [str(number) for number in range(151, 201)]


def test_a_hundred_megabytes_of_output_pass_unchanged(wrap):
    """Without a line's end: it is one event, and of bounded size."""
    run = wrap(["head", "-c", "100000000", "/dev/zero"], ["--capture-output"])
    count = 0
    while piece := run.process.stdout.read(1 << 20):
        assert not piece.strip(b"\0")
        count += len(piece)
    run.finish()
    assert (count, run.process.returncode) == (100_000_000, 0)
    (line,) = run.wait(run.lines)
    assert line.endswith("… (100000000 bytes)") and len(line) < 10_000


def test_a_reader_that_stops_reading_stops_the_program_too(wrap):
    run = wrap(["yes"], ["--capture-output"])
    assert run.process.stdout.readline() == b"y\n"
    run.process.stdout.close()
    assert run.process.wait(30) == -signal.SIGPIPE
    run.process.stdin.close()


def test_grandchildren_that_hold_the_output_do_not_hold_the_parent(wrap):
    run = wrap(["sh", "-c", "sleep 20 & echo $!"], ["--capture-output"])
    left = int(run.process.stdout.readline())
    try:
        assert run.process.wait(15) == 0
    finally:
        os.kill(left, signal.SIGKILL)
        run.finish()


def test_the_input_is_the_programs_own(wrap):
    run = wrap(["awk", "{ print $2 }"], ["--capture-output"])
    assert run.finish(b"a b\nc d\n")[0] == b"b\nd\n"


def test_a_program_whose_parent_is_killed_goes_on_and_is_judged(wrap):
    run = wrap(["sh", "-c", "echo $$; sleep 0.5; kill -9 $$"])
    run.process.stdout.readline()
    run.process.kill()
    run.process.wait()
    assert run.verdict()["data"]["signal"] == "SIGKILL"
    run.settle()
    run.finish()


def test_without_a_spool_the_program_runs_all_the_same(wrap, tmp_path):
    (tmp_path / "file").touch()
    run = wrap(
        ["sh", "-c", "echo x; exit 3"], ["--capture-output"], variables={"DATACAT_SPOOL": str(tmp_path / "file")}
    )
    out, err = run.finish()
    assert (run.process.returncode, out) == (3, b"x\n")
    assert err.startswith(b"datacat run: it runs without a session: ")
