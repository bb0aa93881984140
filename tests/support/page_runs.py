"""Runs a page from top to bottom, as somebody would who types what it shows: see page_blocks for the rules."""

import configparser
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import IO

import go_toolchain
import yaml

from support import processes
from support.go_fragments import CLIENT, as_program
from support.page_blocks import Block, Page
from support.servers import Server

HANGS_SECONDS = 120  # far more than a block takes; only a failing test waits so long
WELL_KNOWN = ("9090", "8080", "8079")  # the server, the web UI, the daemon: what pages say, and other ports stand for
PARSERS = {
    "json": json.loads,
    "toml": tomllib.loads,
    "yaml": lambda text: list(yaml.safe_load_all(text)),
    "ini": lambda text: configparser.RawConfigParser(strict=False, allow_no_value=True).read_string(text),
}
RUN = ("sh", "bash", "python", "go")


class Failed(Exception):
    """A block did something else than the page says. The message names page and line, with the output."""


class PageRun:
    """A page, its folder and what runs for it.

    Args:
        page: the blocks.
        scratch: an empty folder; the page works in `scratch/page`.
    """

    def __init__(self, page: Page, scratch: Path) -> None:
        self._page = page
        self.folder = scratch / "page"
        self.folder.mkdir(exist_ok=True)
        self._scratch = scratch
        self._spool = scratch / "spool"
        self._output = open(scratch / "output", "w+", encoding="utf-8")  # noqa: SIM115  # until the page ends
        self._servers: list[Server] = []
        self._background: list[subprocess.Popen[str]] = []
        self._notebook: tuple[subprocess.Popen[str], IO[str]] | None = None
        self._printed = ""
        self._ports = dict(zip(WELL_KNOWN, _free_ports(len(WELL_KNOWN)), strict=True))
        if page.has_server and any(block.language in RUN for block in page.blocks):
            self._start_servers("8080" in "".join(block.text for block in page.blocks))
        self.environment = self._own_environment()

    def run(self) -> None:
        """Run all blocks. Raises Failed."""
        for block in self._page.blocks:
            self._block(block)

    def end(self) -> None:
        """End all that still runs."""
        if self._notebook:
            process, answers = self._notebook
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(HANGS_SECONDS)
            finally:
                process.kill()
                answers.close()
        for process in self._background:
            _end_group(process)
        processes.kill_all("DATACAT_SPOOL", str(self._spool))
        for server in reversed(self._servers):
            server.stop()
        self._output.close()

    def _block(self, block: Block) -> None:
        if "not run" in block.directives:
            if not block.directives["not run"]:
                raise Failed(self._told(block, "it says no reason why it is not run"))
            return
        if "output" in block.directives:
            self._compare(block)
            return
        text = self._with_own_ports(block.text)
        self._parse(block, text)
        if block.title:
            path = self.folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n", encoding="utf-8")
        elif block.language in RUN:
            start = self._end_of_output()
            problem = self._run(block, text)
            self._printed = self._read_from(start)
            if problem:
                raise Failed(self._told(block, problem))

    def _run(self, block: Block, text: str) -> str | None:
        """Run a block; returns what is wrong."""
        if block.language == "python":
            return self._cell(block, text)
        if block.language == "go":
            return self._go(text)
        process = self._start(["bash", "-eu", "-c", text])
        if "background" in block.directives:
            self._background.append(process)
            return self._await_first_word(process)
        expected = int(block.directives.get("exit", "0"))
        return _differs(self._wait(process), expected)

    def _cell(self, block: Block, text: str) -> str | None:
        process, answers = self._notebook = self._notebook or self._start_notebook()
        assert process.stdin is not None
        request = {"code": text, "file": str(self._page.path), "line": block.line}
        process.stdin.write(json.dumps(request) + "\n")
        process.stdin.flush()
        answer = answers.readline()
        if not answer:
            return "the interpreter ended"
        raised, expected = json.loads(answer)["raised"], block.directives.get("raises")
        return None if raised == expected else f"it raised {raised or 'nothing'}, not {expected or 'nothing'}"

    def _go(self, text: str) -> str | None:
        """Compile a program, or what is shown of one; one that is whole is run, too."""
        command = go_toolchain.find_go()
        if command is None:
            return None
        whole = re.search(r"^package main$", text, re.MULTILINE)
        folder = self._scratch / "go"
        folder.mkdir(exist_ok=True)
        requires = f"require {CLIENT} v0.0.0\nreplace {CLIENT} => {go_toolchain.CLIENT}\n"
        (folder / "go.mod").write_text(f"module page\n\ngo 1.21\n\n{requires}")
        (folder / "main.go").write_text(text if whole else as_program(text))
        # With the race detector, since what the client's own tests have compiled is compiled with it.
        words = [command, "run" if whole else "vet", *go_toolchain.race_detector(), "."]
        process = self._start(words, folder, **go_toolchain.settings())
        return _differs(self._wait(process), 0)

    def _start_notebook(self) -> tuple[subprocess.Popen[str], IO[str]]:
        reading, writing = os.pipe()
        program = Path(__file__).with_name("notebook.py")
        process = subprocess.Popen(
            [sys.executable, str(program), str(writing)],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            pass_fds=[writing],
            text=True,
        )
        os.close(writing)
        return process, os.fdopen(reading)

    def _start(self, words: list[str], folder: Path | None = None, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            words,
            cwd=folder or self.folder,
            env={**self.environment, **more},
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )

    def _wait(self, process: subprocess.Popen[str]) -> int:
        try:
            return process.wait(HANGS_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return process.wait()

    def _await_first_word(self, process: subprocess.Popen[str]) -> str | None:
        start, deadline = self._end_of_output(), time.monotonic() + HANGS_SECONDS
        while self._end_of_output() == start:
            if time.monotonic() > deadline:
                return f"it said nothing in {HANGS_SECONDS} s"
            if process.poll() is not None:
                return f"it ended at once, with the exit code {process.returncode}"
            time.sleep(0.02)
        return None

    def _compare(self, block: Block) -> None:
        parts = [re.escape(part) for part in _tidy(block.text).split("...")]
        printed = _tidy(self._with_well_known_ports(self._printed))
        if not re.fullmatch("(?s:.*?)".join(parts), printed):
            raise Failed(self._told(block, "the block before it printed something else", printed))

    def _parse(self, block: Block, text: str) -> None:
        try:
            PARSERS.get(block.language, len)(text)
        except Exception as error:
            raise Failed(self._told(block, f"it is not {block.language}: {error}")) from error

    def _start_servers(self, with_web_ui: bool) -> None:
        data, spool = self._scratch / "data", str(self._spool)
        self._servers.append(Server(data, DATACAT_SPOOL=spool))
        self._ports["9090"] = str(self._servers[0].port)
        if with_web_ui:
            self._servers.append(Server(data, command="web", DATACAT_SPOOL=spool))
            self._ports["8080"] = str(self._servers[1].port)

    def _own_environment(self) -> dict[str, str]:
        home = self._scratch / "home"
        home.mkdir(exist_ok=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DATACAT_", "XDG_"))}
        return {
            **kept,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)]),
            "HOME": str(home),
            "PYTHONUNBUFFERED": "1",
            "DATACAT_URL": f"http://127.0.0.1:{self._ports['9090']}",
            "DATACAT_SERVER_PORT": self._ports["9090"],
            "DATACAT_WEB_PORT": self._ports["8080"],
            "DATACAT_DAEMON_PORT": self._ports["8079"],
            "DATACAT_DATA_PATH": str(self._scratch / "data"),
            "DATACAT_SPOOL": str(self._spool),
            "DATACAT_BATCH_INTERVAL_SECONDS": "0.1",
        }

    def _with_own_ports(self, text: str) -> str:
        return re.sub(r"\b(9090|8080|8079)\b", lambda found: self._ports[found[1]], text)

    def _with_well_known_ports(self, text: str) -> str:
        for known, own in self._ports.items():
            text = re.sub(rf"\b{own}\b", known, text)
        return text

    def _end_of_output(self) -> int:
        return os.fstat(self._output.fileno()).st_size

    def _read_from(self, start: int) -> str:
        return os.pread(self._output.fileno(), self._end_of_output() - start, start).decode(errors="replace")

    def _told(self, block: Block, problem: str, output: str | None = None) -> str:
        printed = self._printed if output is None else output
        return f"{self._page.path}:{block.line}: {problem}\n--- block\n{block.text}\n--- output\n{printed}\n---"


def _free_ports(count: int) -> list[str]:
    """Ports of the loopback interface that are free now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _end_group(process: subprocess.Popen[str]) -> None:
    """End what a block has left running, as Ctrl-C would."""
    for number in (signal.SIGINT, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(20)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
    process.wait()


def _differs(code: int, expected: int) -> str | None:
    return None if code == expected else f"its exit code was {code}, not {expected}"


def _tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")
