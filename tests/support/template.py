"""A process that has loaded the server's commands and forks itself for each that the tests start.

To load them takes a second of a CPU, far more than most tests of them, and the tests start hundreds. What is forked
is a process of its own, with its own folder, arguments, variables and pipes. Where it matters how a program begins,
or what memory it takes, tests have it executed instead.
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import select
import signal
import socket
import sys
from typing import Any

import compiled_templates
from datacat_server import cli
from datacat_server.web.shell.rendering import MissingBundle

MOST_REQUEST = 1 << 20  # bytes

BESIDE_COMMANDS = (
    "anyio._backends._asyncio",
    "encodings.idna",
    "httptools",
    "typer._adapters",
    "uvicorn.lifespan.on",
    "uvicorn.loops.auto",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
    "zoneinfo",
)
"""What they load when they run. A module that is no longer there says so here, at the first test of a command."""


def load() -> None:
    for found in pkgutil.iter_modules(cli.__path__, "datacat_server.cli."):
        importlib.import_module(found.name)
    for name in BESIDE_COMMANDS:
        importlib.import_module(name)
    compiled_templates.keep()
    with contextlib.suppress(MissingBundle):  # whose start without it is to fail
        compiled_templates.compile_all()


def serve(control: socket.socket) -> str | None:
    """Fork for each request; returns what to run, in a forked process, or None when the tests are over.

    A request is one message of JSON with the files of the three streams and a socket, on which its pid is told and,
    when it has ended, its exit code: each four bytes.
    """
    answers: dict[int, socket.socket] = {}
    ended, wake = os.pipe()
    for end in (ended, wake):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready = select.select([control, ended], [], [])[0]
        if ended in ready:
            os.read(ended, 4096)
            tell(answers)
        if control in ready:
            content, files, _, _ = socket.recv_fds(control, MOST_REQUEST, 4)
            if not content:
                return None
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                for end in (ended, wake, control.detach(), *(answer.detach() for answer in answers.values())):
                    os.close(end)
                return become(json.loads(content), files)
            answers[pid] = socket.socket(fileno=files.pop())
            answers[pid].send(pid.to_bytes(4, "big"))
            for file in files:
                os.close(file)


def tell(answers: dict[int, socket.socket]) -> None:
    """Say of those that have ended how."""
    for pid in list(answers):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            with answers.pop(pid) as answer:
                answer.send(os.waitstatus_to_exitcode(status).to_bytes(4, "big", signed=True))


def become(request: dict[str, Any], files: list[int]) -> str:
    """Turn a forked process into the one that was asked for; returns the code that it runs."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in range(3):
        os.dup2(files[number], number)
    for file in files:
        os.close(file)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv[:] = ["-c", *request["arguments"]]
    return str(request["code"])


if __name__ == "__main__":
    load()
    gc.freeze()  # what is forked would look through all of it when it ends, and so get a copy of its own
    code = serve(socket.socket(fileno=int(sys.argv[1])))
    if code is not None:
        exec(code, {"__name__": "__main__"})
