"""A machine that is heard from again without one of its programs: what its sessions become, from program to server."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from datacat import machine
from support.reading import get, session_with_status
from support.servers import Server

WAITS = """
import sys
import datacat
session = datacat.create_session(product="Waiting", use_daemon=%s)
session.log_event("began")
print(session.session_id, flush=True)
for line in sys.stdin:
    session.log_event("moved")
    print("moved", flush=True)
"""
BEGINS = """
import datacat
session = datacat.create_session(product="New", use_daemon=False)
session.end()
"""


@pytest.fixture
def server(tmp_path: Path):
    """A server that takes a session for suspended after a second and a half of silence."""
    running = Server(tmp_path / "data", DATACAT_HEARTBEAT_TIMEOUT_SECONDS="1.5")
    yield running
    running.stop()


def test_a_killed_program_in_direct_mode_has_crashed_once_the_next_one_begins(programs, server):
    """Nobody sees it die: it has no daemon. One that lives comes back with its next word."""
    killed, lives = (programs.start(WAITS % False, server.url) for _ in range(2))
    names = [program.stdout.readline().strip() for program in (killed, lives)]
    killed.kill()
    for name in names:
        session_with_status(server.url, name, "suspended")
    programs.start(BEGINS, server.url).communicate()
    for name in names:
        session = session_with_status(server.url, name, "crashed")
        assert session["reason"].startswith("its machine came back without it: a new session began")
    lives.stdin.write("\n")
    lives.stdin.flush()
    assert session_with_status(server.url, names[1], "active")["ended_at"] is None
    assert get(f"{server.url}/api/sessions/{names[0]}")["crashed"]
    lives.communicate()


@pytest.mark.skipif(machine.boot_id() is None, reason="this system does not say when it was started")
@pytest.mark.parametrize("use_daemon", [False, True])
def test_a_session_says_which_start_of_its_machine_it_belongs_to(programs, server, use_daemon):
    program = programs.start(WAITS % use_daemon, server.url)
    name = program.stdout.readline().strip()
    program.communicate()
    session_with_status(server.url, name, "ended")
    with closing(sqlite3.connect(server.data / "datacat.sqlite3")) as db:
        assert db.execute("SELECT boot_id FROM sessions").fetchall() == [(machine.boot_id(),)]
