"""Starts commands of the server by forking a process that has loaded them; see template.py."""

import functools
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

import msgspec
import pytest

TEMPLATE = Path(__file__).with_name("template.py")


@functools.cache
def _template() -> tuple[socket.socket, subprocess.Popen[bytes]]:
    """A template, and the end of a socket at whose other end it listens, until this end is closed."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, str(TEMPLATE), str(theirs.fileno())],
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    theirs.close()
    return ours, process


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish() -> None:
    """End the template, if there is one."""
    if _template.cache_info().currsize:
        control, process = _template()
        control.close()
        process.wait()


class Forked:
    """A process with what tests use of `subprocess.Popen`; its output and its errors are text in pipes.

    Args:
        code: what it runs.
        arguments: its `sys.argv`, without the program.
        environment: all its variables.
        errors_to_output: whether both come from `stdout`.
    """

    def __init__(
        self, code: str, arguments: list[str], folder: Path, environment: dict[str, str], errors_to_output: bool = False
    ) -> None:
        out, out_end = os.pipe()
        err, err_end = (-1, os.dup(out_end)) if errors_to_output else os.pipe()
        nothing = os.open(os.devnull, os.O_RDONLY)
        self._answer, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        request = {"code": code, "arguments": arguments, "folder": str(folder), "environment": environment}
        files = [nothing, out_end, err_end, theirs.detach()]
        socket.send_fds(_template()[0], [msgspec.json.encode(request)], files)
        for file in files:
            os.close(file)
        self.stdout: IO[str] | None = open(out)  # noqa: SIM115  # as long as the process
        self.stderr: IO[str] | None = None if errors_to_output else open(err)  # noqa: SIM115
        self.pid = int.from_bytes(self._answer.recv(4), "big")
        self.returncode: int | None = None

    def poll(self) -> int | None:
        return self._ended_within(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._ended_within(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        said: dict[IO[str] | None, str] = {}
        streams = [stream for stream in (self.stdout, self.stderr) if stream is not None and not stream.closed]
        readers = [threading.Thread(target=lambda one=one: said.update({one: one.read()})) for one in streams]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join()
        for stream in streams:
            stream.close()
        return said.get(self.stdout, ""), said.get(self.stderr, "")

    def _ended_within(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._answer], [], [], seconds)[0]:
            told = self._answer.recv(4)
            self.returncode = int.from_bytes(told, "big", signed=True)
            self._answer.close()
        return self.returncode
