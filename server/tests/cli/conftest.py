"""What the tests of commands that read share: a real server with sessions in it, commands, and terminals."""

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.terminals import Terminal

START = 1_795_298_400_000_000  # microseconds; 2026-11-21T22:00:00Z
SECOND = 1_000_000

Start = Callable[..., Any]


@pytest.fixture
def server(start: Start) -> Any:
    """A running server; its address: `server.address`."""
    program = start("datacat-server", "--port", "0")
    [program.address] = program.addresses()
    return program


@pytest.fixture
def address(server: Any) -> str:
    return str(server.address)


@pytest.fixture
def post(make_body: Callable[..., bytes], address: str) -> Callable[..., Any]:
    """Sends a batch to the server: `post("s1", "1-0", 0, records, product="Game")`."""

    def post(*args: Any, to: str = address, **header: Any) -> Any:
        request = urllib.request.Request(f"{to}/api/ingest", make_body(*args, **header))
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    return post


@pytest.fixture
def datacat(start: Start, address: str) -> Callable[..., tuple[int, str, str]]:
    """Runs a command in pipes, with the server's address: exit code, output, errors."""

    def run(*words: str, **environment: str) -> tuple[int, str, str]:
        return start("datacat", *words, **{"DATACAT_URL": address} | environment).finish()  # type: ignore[no-any-return]

    return run


@pytest.fixture
def terminal(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Terminal]]:
    """Runs a command in a terminal: `terminal("ls", columns=80)`, with the server's address if the test has one."""
    opened: list[Terminal] = []

    def open_one(*words: str, **keywords: Any) -> Terminal:
        if "address" in request.fixturenames:
            keywords = {"DATACAT_URL": request.getfixturevalue("address")} | keywords
        opened.append(Terminal(*words, folder=tmp_path, **keywords))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()
