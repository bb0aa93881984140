"""Any program as a session, by its wrapping parent: how it ends, what it prints, which signals reach it."""

import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time

import pytest
from support.interpreters import find

WRAPPER = [sys.executable, "-m", "datacat_daemon.wrapping"]


class Wrapped:
    """A program that was started through the wrapper, and its session at the server."""

    def __init__(self, bench, server, command, options=(), **popen):
        self.bench = bench
        self.server = server
        environment = bench.environment(server.url, **popen.pop("variables", {}))
        del environment["DATACAT_DAEMON"]
        popen = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **popen}
        words = [*WRAPPER, *options, "--", *(str(word) for word in command)]
        self.process = subprocess.Popen(words, env=environment, **popen)
        bench.started.append(self.process)

    def finish(self, given=b""):
        """Wait for the end; what was printed."""
        return self.process.communicate(given, timeout=60)

    def verdict(self):
        """The final status record, once it is there."""
        return self.wait(lambda: [r for r in self.server.records("status") if r["status"] in ("ended", "crashed")])[0]

    def finished(self):
        """The data of the event program_finished."""
        return self.wait(lambda: self.events("program_finished"))[0]["data"]

    def events(self, name):
        return [record for record in self.server.records("event") if record["name"] == name]

    def lines(self, stream="stdout"):
        return [event["message"] for event in self.events(stream)]

    def settle(self):
        """Wait until its daemon has nothing left to do."""
        self.wait(lambda: self.bench.left() == [])

    @staticmethod
    def wait(condition):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if found := condition():
                return found
            time.sleep(0.02)
        raise AssertionError("waited in vain")


@pytest.fixture
def wrap(bench, server):
    """`wrap(command, options=[...])`: a program through the wrapper, its daemon shipping to `server`."""

    def start(command, options=(), **popen):
        return Wrapped(bench, server, command, options, **popen)

    yield start
    deadline = time.monotonic() + 20
    while bench.spool.exists() and bench.left() and time.monotonic() < deadline:
        time.sleep(0.05)


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


TELL_SIGNALS = """
import os, signal, sys, time
names = sys.argv[1:]
for name in names:
    signal.signal(getattr(signal, name), lambda number, frame: print(signal.Signals(number).name, flush=True))
print("ready", os.getpid(), flush=True)
while True:
    time.sleep(0.01)
"""


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


def state_of(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


def on_a_terminal(bench, server, command, options=()):
    """The wrapper as the leader of a terminal of its own; returns its pid and the terminal."""
    environment = bench.environment(server.url)
    del environment["DATACAT_DAEMON"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [*WRAPPER, *options, "--", *command], environment)
    return pid, terminal


def read_until(terminal, wanted, seconds=30):
    said = b""
    deadline = time.monotonic() + seconds
    while wanted not in said and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                said += os.read(terminal, 4096)
            except OSError:
                break
    return said


def test_ctrl_c_at_a_terminal_reaches_the_program_once(bench, server, wait_for):
    loop = "import select\nwhile not select.select([0], [], [], 0.01)[0]:\n    pass\ntime.sleep(0.3)\nprint('over')"
    body = TELL_SIGNALS.replace("while True:\n    time.sleep(0.01)", loop)
    pid, terminal = on_a_terminal(bench, server, [sys.executable, "-c", body, "SIGINT"])
    try:
        assert b"ready" in read_until(terminal, b"ready")
        os.write(terminal, b"\x03")
        said = read_until(terminal, b"SIGINT")
        os.write(terminal, b"\n")
        said += read_until(terminal, b"over")
        assert said.count(b"SIGINT") == 1
        assert os.waitpid(pid, 0)[1] == 0
    finally:
        os.close(terminal)
    wait_for(lambda: bench.left() == [])


def test_ctrl_c_that_ends_the_program_is_an_end(bench, server, wait_for):
    pid, terminal = on_a_terminal(bench, server, ["sh", "-c", "echo ready; exec sleep 100"])
    try:
        assert b"ready" in read_until(terminal, b"ready")
        os.write(terminal, b"\x03")
        assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGINT
    finally:
        os.close(terminal)
    record = server.wait_for_verdict("ended")
    assert record["reason"] == "interrupted (Ctrl-C)"
    wait_for(lambda: bench.left() == [])


def test_captured_output_at_a_terminal_still_comes_from_one(bench, server, wait_for):
    ask = "import os, sys\nprint(sys.stdout.isatty(), sys.stderr.isatty(), sys.stdin.isatty(), end=' ')\n"
    ask += "print(os.get_terminal_size())"
    pid, terminal = on_a_terminal(bench, server, [sys.executable, "-c", ask], ["--capture-output"])
    try:
        assert b"True True True os.terminal_size" in read_until(terminal, b")")
        os.waitpid(pid, 0)
    finally:
        os.close(terminal)
    wait_for(lambda: [r for r in server.records("event") if (r.get("message") or "").startswith("True True True")])
    wait_for(lambda: bench.left() == [])


def test_a_captured_program_learns_of_a_new_size_of_the_terminal(bench, server, wait_for):
    body = "import os, signal, sys\n"
    body += "signal.signal(signal.SIGWINCH, lambda *_: print('size', *os.get_terminal_size(), flush=True))\n"
    body += "print('ready', flush=True)\nimport select\nwhile not select.select([0], [], [], 0.01)[0]: pass"
    pid, terminal = on_a_terminal(bench, server, [sys.executable, "-c", body], ["--capture-output"])
    try:
        assert b"ready" in read_until(terminal, b"ready")
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 33, 111, 0, 0))
        assert b"size 111 33" in read_until(terminal, b"size 111 33")
        os.write(terminal, b"\n")
        assert os.waitpid(pid, 0)[1] == 0
    finally:
        os.close(terminal)
    wait_for(lambda: bench.left() == [])


def test_a_shell_stops_it_and_brings_it_back(bench, server, wait_for):
    """Ctrl-Z, fg and Ctrl-C in a real shell: the program and its parent are one job."""
    shell = shutil.which("bash")
    if shell is None:
        pytest.skip("there is no bash")
    environment = bench.environment(server.url, PS1="$ ")
    del environment["DATACAT_DAEMON"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(shell, [shell, "--norc", "--noprofile", "-i"], environment)
    try:
        command = " ".join(WRAPPER)
        os.write(terminal, f"{command} -- sh -c 'echo pro''gram; exec sleep 100'\n".encode())
        assert b"program" in read_until(terminal, b"program")
        os.write(terminal, b"\x1a")
        assert b"Stopped" in read_until(terminal, b"Stopped")
        os.write(terminal, b"fg; echo co''de $?\n")
        read_until(terminal, b"sleep 100")
        (program,) = wait_for(lambda: [path.name for path in bench.spool.iterdir() if path.is_dir()])
        wait_for(lambda: state_of(int(program.split("-")[0])) == "S")
        os.write(terminal, b"\x03")
        wait_for(lambda: server.verdicts())
        os.write(terminal, b"echo co''de $?; exit\n")
        assert b"code 130" in read_until(terminal, b"code")
        os.waitpid(pid, 0)
    finally:
        os.close(terminal)
    assert server.verdicts() == ["ended"]
    wait_for(lambda: bench.left() == [])


def test_captured_output_is_passed_on_and_each_line_is_an_event(wrap):
    run = wrap(["sh", "-c", "echo one; echo two >&2; printf 'caf\\303\\251 \\377\\nlast'"], ["--capture-output"])
    out, err = run.finish()
    assert (out, err) == (b"one\ncaf\xc3\xa9 \xff\nlast", b"two\n")
    tail = run.finished()["output_tail"]
    assert sorted(tail) == ["café �", "last", "one", "two"]
    assert run.lines() == ["one", "café �", "last"]
    assert run.lines("stderr") == ["two"]
    assert {event["category"] for event in run.events("stdout")} == {"output"}


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


JOINS = """
import datacat, os, sys
session = datacat.create_session(product="Inner", version="9")
session.log_event("inside", {"id": session.session_id})
session.heartbeat()
other = datacat.create_session(product="Other")
other.end()
if len(sys.argv) > 1:
    exec(sys.argv[1])
"""


def joined(server):
    """The one session that was wrapped, with what was logged inside."""
    for session_id, session in server.sessions.items():
        for record in session["records"]:
            if record.get("name") == "inside" and record["data"]["id"] == session_id:
                return session
    return None


def python_of(version):
    path = find(version)
    if path is None:
        pytest.skip(f"there is no Python {version}")
    return path


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.13"])
@pytest.mark.parametrize(
    ("last", "status", "reason"),
    [
        ("session.end()", "ended", "end() was called"),
        ("sys.exit(3)", "ended", "the program finished, with exit code 3"),
        ("raise ValueError('no map')", "crashed", "uncaught exception ValueError: no map"),
        ("os.kill(os.getpid(), 9)", "crashed", "killed by SIGKILL"),
    ],
)
def test_a_python_program_joins_and_says_how_it_ends(wrap, server, tmp_path, version, last, status, reason):
    script = tmp_path / "inside.py"
    script.write_text(JOINS)
    run = wrap([python_of(version), script, last], ["--product", "Outer"])
    run.finish()
    session = run.wait(lambda: joined(server))
    assert session["line"]["product"] == "Outer"
    names = [record["name"] for record in session["records"] if record["kind"] == "event"]
    assert names[:2] == ["process_joined", "inside"]
    record = run.wait(lambda: [r for r in session["records"] if r["kind"] == "status"])[0]
    assert (record["status"], record["reason"][: len(reason)]) == (status, reason)
    run.settle()
    assert len(server.sessions) == 2


@pytest.mark.parametrize("version", ["2.7", "3.13"])
def test_a_part_of_a_program_joins_and_does_not_end_it(wrap, server, tmp_path, version):
    script = tmp_path / "inside.py"
    script.write_text(JOINS)
    python = python_of(version)
    body = f"{python} {script} 'session.end()'; {python} {script} 'raise ValueError(7)' 2>/dev/null; exit 4"
    run = wrap(["sh", "-c", body])
    run.finish()
    session = run.wait(lambda: joined(server))
    record = run.wait(lambda: [r for r in session["records"] if r["kind"] == "status"])[0]
    assert (record["status"], record["reason"]) == ("crashed", "uncaught exception ValueError: 7")
    assert record["data"]["exit_code"] == 4
    run.settle()
    assert [r["name"] for r in session["records"] if r["kind"] == "event"].count("inside") == 2


def test_the_heartbeat_of_a_part_is_the_sessions(wrap, server, tmp_path):
    script = tmp_path / "inside.py"
    script.write_text(JOINS)
    last = "import time; session.start_heartbeat_monitor(0.3); time.sleep(0.9); session.heartbeat(); time.sleep(0.2)"
    run = wrap(["sh", "-c", f"{sys.executable} {script} '{last}'; exit 0"])
    run.finish()
    session = run.wait(lambda: joined(server))
    run.settle()
    assert [r["status"] for r in session["records"] if r["kind"] == "status"][:2] == ["hung", "recovered"]


def test_stacks_of_a_joined_program_that_hangs_are_shown(wrap, server, tmp_path):
    script = tmp_path / "inside.py"
    script.write_text(JOINS)
    last = "import time\nsession.start_heartbeat_monitor(0.3)\ndef stuck(): time.sleep(1.5)\nstuck()"
    run = wrap([python_of("3.13"), script, last])
    run.finish()
    session = run.wait(lambda: joined(server))
    (hung,) = run.wait(lambda: [r for r in session["records"] if r.get("status") == "hung"])
    assert "stuck" in str(hung["data"]["stacks"])


@pytest.mark.parametrize("left", ["gone", "ended"])
def test_a_session_that_is_over_is_not_joined(bench, server, tmp_path, left):
    folder = tmp_path / "1-2-3" / "session"
    if left == "ended":
        folder.mkdir(parents=True)
        manifest = '{"session_id": "x", "pid": 1, "process_start": "1", "pid_namespace": null, "server_url": "u"}'
        (folder / "manifest.json").write_text(manifest)
    process, daemon = bench.run(server.url, "print(session.session_id)", DATACAT_SESSION=str(folder))
    session_id = process.communicate()[0].strip()
    bench.finish(daemon)
    assert list(server.sessions) == [session_id]
