"""The server is killed in the midst of its work, again and again: what it has acknowledged is there, and once."""

import random
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.load import BatchSender, Sender, SingleSender
from support.servers import Server

KILLS = 15


@pytest.fixture
def running(tmp_path: Path) -> Iterator[list[Server]]:
    """The server that runs now is the last one."""
    servers = [Server(tmp_path / "data")]
    yield servers
    servers[-1].stop()


def stored(data: Path) -> dict[str, Counter[str]]:
    """How often each event of each session is in the tables, by its name."""
    found: dict[str, Counter[str]] = {}
    with closing(sqlite3.connect(data / "datacat.sqlite3")) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        query = "SELECT session_id, name, count(*) FROM events JOIN sessions ON sessions.id = session GROUP BY 1, 2"
        for session, name, count in db.execute(query):
            found.setdefault(session, Counter())[name] = count
        # What is folded of them went to the disk with them.
        for session, count in db.execute("SELECT session_id, event_count FROM sessions"):
            assert count == found.get(session, Counter()).total()
    return found


def test_what_a_killed_server_has_acknowledged_is_there_and_nothing_is_there_twice(running: list[Server]) -> None:
    port, data = running[0].port, running[0].data
    address = ("127.0.0.1", port)
    batches = [BatchSender(address, f"batches{number}", size) for number, size in enumerate((1, 20, 300))]
    senders: list[Sender] = [*batches, SingleSender(address, "single0"), SingleSender(address, "single1")]
    for sender in senders:
        sender.start()
    moments = random.Random(7)
    for _ in range(KILLS):
        said = sum(len(sender.acknowledged) for sender in senders)
        time.sleep(moments.uniform(0.01, 0.4))
        while sum(len(sender.acknowledged) for sender in senders) == said:
            time.sleep(0.005)  # nothing was acknowledged yet: a kill now would prove little
        running[-1].kill()
        running.append(Server(data, port))
    for sender in senders:
        sender.stop()
    running[-1].stop()
    found = stored(data)
    for sender in senders:
        of_session = found[sender.session]
        assert set(sender.acknowledged) <= set(of_session), "an acknowledged event is missing"
        assert of_session.most_common(1)[0][1] == 1, "an event is there twice"
    for sender in batches:
        # What was sent again until it was acknowledged is there without a gap, and nothing else.
        assert set(sender.acknowledged) == set(found[sender.session])
