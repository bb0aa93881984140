"""`datacat backup` and `datacat restore`: of a server that runs, on a full disk, of files that are none."""

import json
import os
import shutil
import signal
import sqlite3
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from datacat_server.store.sqlite import SqliteStore

Start = Callable[..., Any]

EVENT = {"kind": "event", "name": "x", "message": "y" * 500}


def names(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as db:
        return [row[0] for row in db.execute("SELECT name FROM events ORDER BY id")]


def ask(url: str, body: bytes | None = None) -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=30) as answer:
        return json.loads(answer.read())


def test_a_backup_of_a_running_server_is_of_one_moment_and_puts_everything_back(
    start: Start, tmp_path: Path, make_body: Callable[..., bytes]
) -> None:
    server = start("datacat-server", "--port", "0")
    [address] = server.addresses()
    acknowledged = 0
    stop = threading.Event()

    def deliver() -> None:
        nonlocal acknowledged
        while not stop.is_set():
            # Two events a batch: a copy that is not of one moment would have one of them.
            records = [EVENT | {"name": f"{acknowledged}.{half}"} for half in "ab"]
            ask(f"{address}/api/ingest", make_body("s1", "1-0", acknowledged * 2, records))
            acknowledged += 1

    sender = threading.Thread(target=deliver)
    sender.start()
    try:
        while acknowledged < 50:
            assert sender.is_alive()
        before = acknowledged
        code, out, err = start("datacat", "backup", "copy.db", "--json").finish()
    finally:
        stop.set()
        sender.join()
    assert (code, err) == (0, "")
    answer = json.loads(out)
    assert (answer["file"], answer["sessions"]) == ("copy.db", 1)
    copy = tmp_path / "copy.db"
    assert copy.stat().st_mode & 0o777 == 0o600
    found = names(copy)
    assert len(found) >= 2 * before
    assert found == [f"{number}.{half}" for number in range(len(found) // 2) for half in "ab"]
    assert [path.name for path in tmp_path.iterdir() if "copy" in path.name or "part" in path.name] == ["copy.db"]

    for command in (("restore", "copy.db"), ("restore", "copy.db", "--force")):
        code, _, err = start("datacat", *command).finish()
        assert code == 1
        assert "a server, a web UI or another command is using it; stop that first" in err
    server.finish(signal.SIGTERM)
    code, out, _ = start("datacat", "restore", "copy.db").finish()
    assert code == 0
    assert "1 session, " in out
    [address] = start("datacat-server", "--port", "0").addresses()
    assert [event["name"] for event in ask(f"{address}/api/sessions/s1")["events"]] == found
    [kept] = tmp_path.glob("datacat_data/datacat.sqlite3.before-*")
    assert kept.name in out
    assert len(names(kept)) == 2 * acknowledged


def test_a_backup_never_replaces_a_file_unasked_nor_the_database_at_all(tmp_path: Path, start: Start) -> None:
    SqliteStore(tmp_path / "datacat_data").close()
    (tmp_path / "mine.txt").write_text("precious")
    code, _, err = start("datacat", "backup", "mine.txt").finish()
    assert (code, err) == (
        1, f"error: {tmp_path}/mine.txt is there already; name another file, or replace it with --force\n"
    )  # fmt: skip
    assert (tmp_path / "mine.txt").read_text() == "precious"
    for name in ("datacat.sqlite3", "../datacat_data/datacat.sqlite3"):
        code, _, err = start("datacat", "backup", f"datacat_data/{name}", "--force").finish()
        assert (code, "is the database itself" in err) == (1, True)
    for name in ("datacat.sqlite3-journal", "datacat.sqlite3-wal", "datacat.lock", "datacat.server.lock", "ballast"):
        code, _, err = start("datacat", "backup", f"datacat_data/{name}", "--force").finish()
        assert (code, err.endswith("; name another file\n")) == (1, True)
    assert start("datacat", "backup", "mine.txt", "--force").finish()[0] == 0
    assert names(tmp_path / "mine.txt") == []
    assert (tmp_path / "mine.txt").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["backup", "copy.db"], "there is no database in"),
        (["backup", "copy.db", "--data-path", "/dev/null"], "there is no database in"),
        (["restore", "none.db"], "none.db is not a file"),
        (["prune", "--yes"], "there is no database in"),
    ],
)
def test_what_is_missing_is_named(start: Start, tmp_path: Path, arguments: list[str], complaint: str) -> None:
    code, out, err = start("datacat", *arguments).finish()
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert complaint in err
    assert not (tmp_path / "datacat_data" / "datacat.sqlite3").exists()


def test_a_backup_that_does_not_fit_leaves_nothing(
    store: SqliteStore, send: Callable[..., Any], tmpfs: Callable[[str], Path], tmp_path: Path, start: Start
) -> None:
    send("s1", "1-0", 0, [EVENT] * 4000)
    disk = tmpfs("1m")
    code, out, err = start("datacat", "backup", str(disk / "copy.db"), "--data-path", str(tmp_path / "data")).finish()
    assert (code, out) == (1, "")
    assert f"does not fit into {disk}: its disk is full; free some space there" in err
    assert list(disk.iterdir()) == []


def test_a_backup_that_is_killed_leaves_nothing_under_its_name(
    store: SqliteStore, send: Callable[..., Any], tmp_path: Path, start: Start
) -> None:
    send("s1", "1-0", 0, [EVENT] * 4000)
    prelude = (
        "import os; import datacat_server.store.sqlite.upkeep.backup as b;"
        " b.sync = lambda path: os.kill(os.getpid(), 9)"
    )
    code, _, _ = start("datacat", "backup", "copy.db", "--data-path", "data", prelude=prelude).finish()
    assert code == -signal.SIGKILL
    assert not (tmp_path / "copy.db").exists()
    [part] = tmp_path.glob(".datacat.sqlite3.*.part")
    for age, left in ((0, [part]), (2 * 86_400, [])):  # it may be another backup's, under way, or is nobody's
        os.utime(part, (time.time() - age,) * 2)
        assert start("datacat", "backup", "copy.db", "--force", "--data-path", "data").finish()[0] == 0
        assert list(tmp_path.glob(".*.part")) == left


def test_a_file_system_without_links_takes_a_backup_and_a_restore(
    store: SqliteStore, send: Callable[..., Any], tmp_path: Path, start: Start
) -> None:
    send("s1", "1-0", 0, [EVENT] * 4)
    store.close()
    prelude = """
import os
def link(*arguments, **keywords):
    raise PermissionError(1, "Operation not permitted")
os.link = link
"""
    for code, complaint in ((0, ""), (1, "copy.db is there already")):
        ended, _, err = start("datacat", "backup", "copy.db", "--data-path", "data", prelude=prelude).finish()
        assert (ended, complaint in err) == (code, True)
    assert start("datacat", "restore", "copy.db", "--data-path", "data", prelude=prelude).finish()[0] == 0
    assert len(names(tmp_path / "data" / "datacat.sqlite3")) == 4
    assert not list(tmp_path.rglob("*.part"))


def foreign(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE notes (text)")
        db.commit()


def newer(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 9999")
        db.commit()


def damaged(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 20_000] = b"\xff" * 20_000
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda file: file.write_bytes(b"no database " * 1000), "copy.db is not a database"),
        (lambda file: file.write_bytes(b""), "copy.db is an empty database"),
        (lambda file: file.unlink() or foreign(file), "copy.db is a database, but not one of DataCat"),
        (newer, "copy.db was written by a newer version"),
        (damaged, "copy.db is damaged"),
        (lambda file: os.truncate(file, file.stat().st_size // 2), "copy.db is damaged"),
    ],
)
def test_what_is_no_backup_is_refused_and_nothing_changed(
    store: SqliteStore, send: Callable[..., Any], tmp_path: Path, start: Start, spoil: Callable[[Path], Any], why: str
) -> None:
    send("s1", "1-0", 0, [EVENT] * 400)
    assert start("datacat", "backup", "copy.db", "--data-path", "data").finish()[0] == 0
    store.close()
    spoil(tmp_path / "copy.db")
    before = {path.name: path.read_bytes() for path in (tmp_path / "data").iterdir()}
    code, out, err = start("datacat", "restore", "copy.db", "--data-path", "data").finish()
    assert (code, out) == (1, "")
    assert why in err
    assert {path.name: path.read_bytes() for path in (tmp_path / "data").iterdir()} == before


def test_what_is_no_backup_leaves_no_folder_behind(tmp_path: Path, start: Start) -> None:
    (tmp_path / "junk").write_bytes(b"junk" * 4096)
    code, _, err = start("datacat", "restore", "junk", "--data-path", "new/data").finish()
    assert (code, "junk is not a database" in err) == (1, True)
    assert [path.name for path in tmp_path.iterdir()] == ["junk"]


def test_a_restore_over_a_damaged_database_keeps_it_aside_or_not_as_told(
    store: SqliteStore, send: Callable[..., Any], tmp_path: Path, start: Start
) -> None:
    send("s1", "1-0", 0, [EVENT] * 400)
    assert start("datacat", "backup", "copy.db", "--data-path", "data").finish()[0] == 0
    store.close()
    place = tmp_path / "data" / "datacat.sqlite3"
    place.write_bytes(b"rubbish" * 1000)
    assert start("datacat", "restore", "copy.db", "--data-path", "data").finish()[0] == 0
    [kept] = (tmp_path / "data").glob("*.before-*")
    assert kept.read_bytes() == b"rubbish" * 1000
    assert len(names(place)) == 400
    place.write_bytes(b"rubbish" * 1000)
    code, out, _ = start("datacat", "restore", "copy.db", "--data-path", "data", "--force", "--json").finish()
    assert code == 0
    assert json.loads(out)["kept"] is None
    assert len(list((tmp_path / "data").glob("*.before-*"))) == 1
    with closing(SqliteStore(tmp_path / "data")) as again:
        assert again.session("s1").event_count == 400


def test_a_damaged_database_is_not_backed_up(
    store: SqliteStore, send: Callable[..., Any], tmp_path: Path, start: Start
) -> None:
    send("s1", "1-0", 0, [EVENT] * 400)
    store.close()
    damaged(tmp_path / "data" / "datacat.sqlite3")
    code, out, err = start("datacat", "backup", "copy.db", "--data-path", "data").finish()
    assert (code, out) == (1, "")
    assert "is damaged" in err
    assert "`datacat doctor --full` says more" in err
    assert not (tmp_path / "copy.db").exists()


@pytest.mark.parametrize("force", [(), ("--force",)])
@pytest.mark.parametrize("call", range(4))
def test_a_restore_that_is_killed_leaves_the_old_data_or_the_new(
    store: SqliteStore,
    send: Callable[..., Any],
    tmp_path: Path,
    start: Start,
    call: int,
    force: tuple[str, ...],
) -> None:
    """Killed before the first, second, ... of the calls that change names, over data of a server that was killed."""
    send("s1", "1-0", 0, [EVENT] * 10)
    assert start("datacat", "backup", "copy.db", "--data-path", "data").finish()[0] == 0
    send("s1", "1-0", 10, [EVENT] * 10)
    for name in ("datacat.sqlite3", "datacat.sqlite3-wal"):
        shutil.copy(tmp_path / "data" / name, tmp_path / name)
    store.close()
    for name in ("datacat.sqlite3", "datacat.sqlite3-wal"):
        shutil.move(tmp_path / name, tmp_path / "data" / name)
    prelude = f"""
import os, pathlib
left = {call}
def killing(name):
    original = getattr(pathlib.Path, name)
    def method(*arguments, **keywords):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), 9)
        return original(*arguments, **keywords)
    setattr(pathlib.Path, name, method)
for name in ("hardlink_to", "rename", "replace", "unlink"):
    killing(name)
"""
    restored = start("datacat", "restore", "copy.db", "--data-path", "data", *force, prelude=prelude)
    assert restored.finish()[0] == -signal.SIGKILL
    with closing(SqliteStore(tmp_path / "data")) as again:
        assert again.session("s1").event_count in (10, 20)
