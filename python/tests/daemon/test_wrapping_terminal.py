"""A wrapped program at a terminal: keys, sizes and job control are as without its parent."""

import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import sys
import termios
import time

import pytest
from support.wrapped import TELL_SIGNALS, WRAPPER


def on_a_terminal(bench, server, command, options=()):
    """The wrapper as the leader of a terminal of its own; returns its pid and the terminal."""
    environment = bench.environment(server.url)
    del environment["DATACAT_DAEMON"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [*WRAPPER, *options, "--", *command], environment)
    return pid, terminal


def read_until(terminal, wanted, seconds=60):
    said = b""
    deadline = time.monotonic() + seconds
    while wanted not in said and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                said += os.read(terminal, 4096)
            except OSError:
                break
    return said


def state_of(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0]


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


def test_captured_output_at_a_terminal_keeps_its_order(bench, server, wait_for):
    body = "i=0; while [ $i -lt 300 ]; do echo $i; echo $((i + 1)) >&2; i=$((i + 2)); done; echo over"
    pid, terminal = on_a_terminal(bench, server, ["sh", "-c", body], ["--capture-output"])
    try:
        said = read_until(terminal, b"over").split()
        os.waitpid(pid, 0)
    finally:
        os.close(terminal)
    assert said == [*(b"%d" % number for number in range(300)), b"over"]
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
