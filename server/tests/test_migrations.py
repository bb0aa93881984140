"""The numbered migrations: from each version before, killed in the middle, and of files that are not to be touched."""

import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from datacat_server.filters import parse_filter
from datacat_server.ingest.decode import decode_batches
from datacat_server.model import encode
from datacat_server.store.errors import StoreError
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.file.backfill import BACKFILLS
from datacat_server.store.sqlite.file.connection import connect
from datacat_server.store.sqlite.file.migrate import newest_version

LONG = 10_000  # events of the longest session
START = 1_795_298_400_000_000
SCRIPTS = {
    int(entry.name[:4]): entry.read_text()
    for entry in (files("datacat_server.store.sqlite.file") / "migrations").iterdir()
    if entry.name.endswith(".sql")
}
NEWEST = max(SCRIPTS)
RELEASED = {
    1: "087df70d855e43a56fc96a68a6e85992780ba9600062b7048606fa788bfbb4fa",
    2: "1b7d223db47fbc4ca4e94e43618b583072f9a965ff6267379c56ad586cac986f",
    3: "e8591df40b195de6a733c493fb46738dcb298a9c37e36dc7e3fc7fdcf124087f",
    4: "9e25a45f4a7c365a8129f564be5d53256351b9c1e9c314af0056e922f2e9c894",
}
"""The SHA-256 of migrations that have been run on somebody's data; they stay as they are."""
STATEMENTS = sum(len(re.findall(r";\n", script)) for script in SCRIPTS.values())


def made_by(version: int, file: Path) -> None:
    """A database as that version of DataCat made it."""
    file.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(file)) as db:
        for number in range(1, version + 1):
            db.executescript(SCRIPTS[number])
        db.execute(f"PRAGMA user_version = {version}")


def fill(file: Path, version: int) -> None:
    """What a server of that version had written, in its own columns."""
    some = random.Random(7)
    with closing(sqlite3.connect(file)) as db:
        for number, status in enumerate(("active", "crashed", "ended", "ended"), 1):
            events = LONG if number == 4 else 40
            ended = None if status == "active" else START + 9_000_000
            db.execute(
                "INSERT INTO sessions (id, session_id, created, updated, ended, last_heartbeat, status, suspended,"
                " crashed, hung, ever_hung, reason, product, version, machine_id, hostname, pid, facts, event_count,"
                " metric_count, exception_count, refused_count, dropped_count, lost_count, received)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, 0, 0, ?, 'Game', '1.0', 'm', 'bluebird', 4711,"
                ' \'{"a":1,"boot_id":"boot1"}\', ?, 20, ?, 1, 0, 0, ?)',
                (number, f"s{number}", START + number, START + 9_000_000, ended, START, status, status == "crashed",
                 "killed" if status == "crashed" else None, events, events // 10, START + number),
            )  # fmt: skip
            db.execute("INSERT INTO writers VALUES (?, '4711-a-0', 66)", (number,))
            for event in range(events):
                failed = (
                    '{"exception_type":"KeyError","exception_msg":"x","stacktrace":[]}' if event % 10 == 0 else None
                )
                db.execute(
                    "INSERT INTO events (session, time, level, is_exception, name, category, grp, labels, message,"
                    " data, exception) VALUES (?, ?, ?, ?, ?, 'c', 'g', '[\"l\"]', 'm', ?, ?)",
                    (number, START + some.randrange(9_000_000), event % 5, failed is not None, f"e{event}",
                     f'{{"n":{event}}}', failed),
                )  # fmt: skip
            db.execute('INSERT INTO state_changes VALUES (?, 0, ?, \'{"product":"Game"}\')', (number, START))
            db.execute('INSERT INTO snapshots VALUES (?, 0, \'{"product":"Game"}\')', (number,))
            for seq in range(1, 6):
                patch = f'{{"level":{seq}}}'
                db.execute("INSERT INTO state_changes VALUES (?, ?, ?, ?)", (number, seq, START + seq * 1000, patch))
            for vital in (0, 1):
                series = number * 2 + vital
                db.execute(
                    "INSERT INTO series VALUES (?, ?, ?, 'fps', 'gauge', '[\"a\"]', '[]', 'Hz', 10, 10, 45, 0, 9, 9, ?,"
                    " NULL, NULL)",
                    (series, number, vital, START + 9),
                )
                db.executemany(
                    "INSERT INTO points VALUES (?, ?, ?, ?, NULL, NULL)",
                    [(series, START + reading, reading + 1, reading) for reading in range(10)],
                )
            db.execute("INSERT INTO verdicts VALUES (?, 0, ?, ?, 'why', '{}')", (number, START, status))
            db.execute(
                "INSERT INTO refusals (session, time, writer, ordinal, error, details)"
                " VALUES (?, ?, '4711-a-0', 3, 'bad_request', 'name: expected a string')",
                (number, START),
            )
        if version >= 2:
            db.execute("INSERT INTO deleted VALUES ('gone', ?)", (START,))
        if version >= 3:
            db.execute("INSERT INTO keys VALUES ('k1', 'ci', 'ingest read', x'00', ?, NULL, NULL)", (START,))
        if version >= 4:  # a session that is still being cleared away
            db.execute("INSERT INTO removals (session) VALUES (9)")
            db.execute(
                "INSERT INTO events (session, time, level, is_exception, name, category, grp, labels, message)"
                " VALUES (9, ?, 1, 0, 'removed', 'c', 'g', '[]', 'm')",
                (START,),
            )
            db.execute('INSERT INTO state_changes VALUES (9, 0, ?, \'{"product":"Removed"}\')', (START,))
        if version >= 8:
            db.execute("INSERT INTO alerts VALUES (7, 2, ?, ?, 'crash', 'killed', NULL)", (START, START))
            db.execute("INSERT INTO returns VALUES (1, ?, 's3', ?)", (START, START))
            db.execute("INSERT INTO webhooks (id, position, attempts) VALUES ('w1', 7, 0)")
        db.commit()


def fold(file: Path, version: int) -> None:
    """What a server of that version would have folded of what `fill` wrote."""
    with closing(connect(file)) as db:
        for number in sorted(BACKFILLS):
            for (session,) in db.execute("SELECT id FROM sessions ORDER BY id").fetchall():
                if number <= version:
                    BACKFILLS[number](db, session)


def answers(folder: Path, version: int) -> list[object]:
    """What a store says of all that `fill` wrote, and of what comes in then."""
    begin, end = datetime.fromtimestamp(START / 1e6, UTC), datetime.fromtimestamp(START / 1e6 + 9, UTC)
    with closing(SqliteStore(folder)) as store:
        said: list[object] = [encode(store.sessions())]
        for name in ("s1", "s2", "s3", "s4"):
            said.append(encode(store.session(name)))
            said.append(store.event_page(name, limit=100))
            said.append(store.timeline(name, begin, end, 20))
            said.append(store.states(name, limit=9))
            said.append(store.series(name))
            said.append(store.session_problems(name))
        said += [store.problem(listed.id) for listed in store.problems().problems]
        said.append(store.release("Game", "1.0"))
        said.append(store.compare(["s1", "s2", "s3", "s4"]))
        said.append(store.api_keys())
        said.append(store.alerts.page())
        for query in ("q=KILLED", "state=level:5", "state_ever=level:2", "state=level:2", "status=ended", "machine=m"):
            said.append(store.sessions(parse_filter([(query.split("=")[0], query.split("=")[1])])))
        more = b"".join(
            b'{"kind":"session","id":"%s","product":"Game","version":"1.0","time":%d}\n'
            b'{"kind":"writer","writer":"4711-a-0","first":66,"next":67}\n'
            b'{"kind":"event","writer":"4711-a-0","ordinal":66,"time":%d,"name":"later"}\n' % (name, START, START)
            for name in ((b"s1", b"gone") if version >= 2 else (b"s1",))
        )
        said.append(store.ingest(decode_batches(more)[0]))
        said.append([summary.id for summary in store.sessions().sessions])
        said.append(store.session("s1").event_count)
        store.clear()
        said.append([count(folder, table) for table in ("events", "state_changes")])
        return said


def count(folder: Path, table: str) -> int:
    with closing(sqlite3.connect(folder / "datacat.sqlite3")) as db:
        rows: int = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        return rows


def schema(file: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(file)) as db:
        return db.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name").fetchall()


def test_the_migrations_are_numbered_without_a_gap() -> None:
    assert sorted(SCRIPTS) == list(range(1, newest_version() + 1))


def test_a_migration_that_was_released_is_never_changed() -> None:
    assert {number: sha256(SCRIPTS[number].encode()).hexdigest() for number in RELEASED} == RELEASED


@pytest.mark.parametrize("version", range(1, NEWEST + 1))
def test_a_database_of_each_version_answers_as_if_it_had_been_of_the_newest(tmp_path: Path, version: int) -> None:
    old, new = tmp_path / "old" / "datacat.sqlite3", tmp_path / "new" / "datacat.sqlite3"
    made_by(version, old)
    made_by(NEWEST, new)
    for file in (old, new):
        fill(file, version)
        fold(file, version if file is old else NEWEST)
    assert answers(old.parent, version) == answers(new.parent, version)
    assert schema(old) == schema(new)
    with closing(sqlite3.connect(old)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (NEWEST,)
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_nobody_is_told_of_what_was_there_before_there_were_alerts(tmp_path: Path) -> None:
    file = tmp_path / "datacat.sqlite3"
    made_by(7, file)
    fill(file, 7)
    with closing(SqliteStore(tmp_path)) as store:
        assert store.session("s2").crashed
        assert store.alerts.page().alerts == []


def test_what_was_there_before_it_could_be_looked_for_is_found(tmp_path: Path) -> None:
    file = tmp_path / "datacat.sqlite3"
    made_by(4, file)
    fill(file, 4)

    def found(name: str, text: str) -> list[str]:
        return sorted(session.id for session in store.sessions(parse_filter([(name, text)])).sessions)

    told: list[tuple[int, int]] = []
    with closing(SqliteStore(tmp_path, lambda done, total: told.append((done, total)))) as store:
        assert told[-1] == (4, 4)
        assert told == sorted(told)
        assert (
            found("state", "level:5")
            == found("state_ever", "level:2")
            == found("q", "blueb")
            == ["s1", "s2", "s3", "s4"]
        )
        assert (found("state", "level:2"), found("q", "KILLED")) == ([], ["s2"])


def test_a_restart_of_the_machine_after_an_upgrade_is_seen(tmp_path: Path) -> None:
    """The running session's facts say which start of the machine it was; there was no column for it."""
    file = tmp_path / "datacat.sqlite3"
    made_by(7, file)
    fill(file, 7)
    line = b'{"kind":"session","id":"new","product":"Game","time":%d,"machine_id":"m","boot_id":"boot2"}'
    with closing(SqliteStore(tmp_path)) as store:
        store.suspend_silent(datetime.now(UTC))
        store.ingest(decode_batches(line % (time.time_ns() // 1000))[0])
        session = store.session("s1")
        assert (session.status, (session.verdicts[-1].data or {})["kind"]) == ("crashed", "reboot")


FOLDED_A_BIT = """
import os, sys
from pathlib import Path
from datacat_server.store.sqlite.file import backfill
from datacat_server.store.sqlite.file.connection import connect
from datacat_server.store.sqlite.file.migrate import migrate
backfill._STEP_SECONDS = 0
connection = connect(Path(sys.argv[1]))
left = 2
def count(statement):
    global left
    left -= statement.startswith(("UPDATE backfills", "DELETE FROM backfills"))
    if left < 0:
        os.kill(os.getpid(), 9)
connection.set_trace_callback(count)
migrate(connection)
"""


def test_a_kill_while_data_is_folded_costs_the_last_step_only(tmp_path: Path) -> None:
    """Killed again and again after two steps, it comes to its end, with nothing counted twice."""
    old, new = tmp_path / "old" / "datacat.sqlite3", tmp_path / "new" / "datacat.sqlite3"
    made_by(4, old)
    made_by(NEWEST, new)
    for file in (old, new):
        fill(file, 4)
    fold(new, NEWEST)
    steps = len(BACKFILLS) * (4 + 1)  # of four sessions
    codes: list[int] = []
    while not codes or codes[-1]:
        assert len(codes) <= steps / 2 + 1
        codes.append(subprocess.run([sys.executable, "-c", FOLDED_A_BIT, old], check=False, timeout=120).returncode)
    assert set(codes[:-1]) == {-signal.SIGKILL}
    assert answers(old.parent, 4) == answers(new.parent, 4)


KILLED = """
import os, sys
from pathlib import Path
from datacat_server.store.sqlite.file.connection import connect
from datacat_server.store.sqlite.file.migrate import migrate
connection = connect(Path(sys.argv[1]))
left = int(sys.argv[2])
def count(statement):
    global left
    left -= statement.startswith(("CREATE", "PRAGMA user_version =", "COMMIT", "ALTER", "INSERT", "--"))
    if left < 0:
        os.kill(os.getpid(), 9)
connection.set_trace_callback(count)
migrate(connection)
"""


@pytest.mark.parametrize("before", [0, *range(0, STATEMENTS, 5)][1:])
def test_a_kill_in_the_middle_of_a_migration_leaves_a_version_whole(tmp_path: Path, before: int) -> None:
    """Killed before statement `before`: what is there is exactly what the migrations up to some number make."""
    file = tmp_path / "data" / "datacat.sqlite3"
    file.parent.mkdir()
    done = subprocess.run([sys.executable, "-c", KILLED, file, str(before)], check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    with closing(sqlite3.connect(file)) as db:
        version = db.execute("PRAGMA user_version").fetchone()[0]
    assert version < NEWEST
    reference = tmp_path / "reference" / "datacat.sqlite3"
    made_by(version, reference)
    assert schema(file) == schema(reference)
    SqliteStore(file.parent).close()
    made_by(NEWEST, tmp_path / "whole" / "datacat.sqlite3")
    assert schema(file) == schema(tmp_path / "whole" / "datacat.sqlite3")


def test_a_migration_that_fails_leaves_the_version_before_it(tmp_path: Path) -> None:
    """The table that the second one makes is there already, as an index's name: it cannot be made."""
    file = tmp_path / "datacat.sqlite3"
    made_by(1, file)
    with closing(sqlite3.connect(file)) as db:
        db.execute("CREATE VIEW deleted AS SELECT 1")
    before = schema(file)
    with pytest.raises(StoreError, match="already exists"):
        SqliteStore(tmp_path)
    assert schema(file) == before
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)


def newer(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA user_version = 9999")


def foreign(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE notes (text)")


@pytest.mark.parametrize(("make", "why"), [(newer, "newer version"), (foreign, "not one of DataCat")])
def test_a_file_of_a_newer_version_or_another_program_is_not_touched(
    tmp_path: Path, make: Callable[[sqlite3.Connection], None], why: str
) -> None:
    file = tmp_path / "datacat.sqlite3"
    with closing(sqlite3.connect(file)) as db:
        make(db)
        db.commit()
    before = file.read_bytes()
    with pytest.raises(StoreError, match=why):
        SqliteStore(tmp_path)
    assert file.read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"datacat.sqlite3", "datacat.lock"}


def test_two_servers_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    file = tmp_path / "datacat.sqlite3"
    made_by(1, file)
    fill(file, 1)
    code = "import sys; from pathlib import Path; from datacat_server.store.sqlite import SqliteStore;"
    code += "SqliteStore(Path(sys.argv[1])).close()"
    starting = [subprocess.Popen([sys.executable, "-c", code, tmp_path]) for _ in range(3)]
    assert [process.wait(120) for process in starting] == [0, 0, 0]
    made_by(NEWEST, tmp_path / "whole" / "datacat.sqlite3")
    assert schema(file) == schema(tmp_path / "whole" / "datacat.sqlite3")
