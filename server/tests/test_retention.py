"""Sessions are removed in small steps: gone at once, cleared away beside what comes in, whatever dies meanwhile."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from datacat_server.filters import Filter
from datacat_server.store.errors import StoreDamaged
from datacat_server.store.protocol import UnknownSession
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite import store as store_module
from datacat_server.store.sqlite.folds import courses, timeline
from datacat_server.store.sqlite.writing import ledger, prune
from datacat_server.store.sqlite.writing.ledger import Ledger

START = 1_795_298_400_000_000
Send = Callable[..., Any]
Start = Callable[..., Any]


def everything(count: int) -> list[dict[str, Any]]:
    """`count` records of each kind, and one that is refused."""
    records: list[dict[str, Any]] = []
    for number in range(count):
        records += [
            {"kind": "event", "name": "moved", "message": "m" * 400},
            {"kind": "state", "state": {"level": number}},
            {"kind": "metric", "name": f"m{number % 7}", "value": number},
            {"kind": "metric", "name": "h", "type": "histogram", "value": number},
        ]
    return [*records, {"kind": "status", "status": "hung"}, {"kind": "event", "name": 3}]


def rows_of_sessions(file: Path) -> dict[str, int]:
    """How many rows every table has that belong to sessions, by whatever column says so."""
    with closing(sqlite3.connect(file)) as db:
        tables = db.execute(
            "SELECT t.name FROM sqlite_schema t, pragma_table_info(t.name) c"
            " WHERE t.type = 'table' AND c.name IN ('session', 'series') OR t.name = 'sessions'"
        ).fetchall()
        return {table: db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for (table,) in set(tables)}


def any_removals(file: Path) -> bool:
    with closing(sqlite3.connect(file)) as db:
        return db.execute("SELECT 1 FROM removals").fetchone() is not None


def test_a_removed_session_is_gone_at_once_and_leaves_no_row_in_the_end(
    store: SqliteStore, send: Send, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "_STEP_ROWS", 100)
    monkeypatch.setattr(prune, "_CHUNK_ROWS", 50)
    for folds in (timeline, courses):
        monkeypatch.setattr(folds, "FOLDED_FROM", 50)
    send("s1", "1-0", 0, everything(500))
    with_records = rows_of_sessions(tmp_path / "data" / "datacat.sqlite3")
    assert all(count for table, count in with_records.items() if table not in ("removals", "returns")), with_records
    # As `prune` does first: nothing is cleared yet.
    assert store._writer.run(lambda ledger: ledger.expire(["s1"], 2**60)) == 1
    for call in (store.session, store.delete, store.event_page, store.series, store.states):
        with pytest.raises(UnknownSession):
            call("s1")
    assert store.sessions().total == 0
    assert rows_of_sessions(tmp_path / "data" / "datacat.sqlite3")["events"] == with_records["events"]
    store.clear()
    assert set(rows_of_sessions(tmp_path / "data" / "datacat.sqlite3").values()) == {0}


def test_each_step_removes_a_bounded_number_of_rows(
    store: SqliteStore, send: Send, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "_STEP_ROWS", 100)
    monkeypatch.setattr(prune, "_CHUNK_ROWS", 50)
    for session in ("s1", "s2", "s3"):
        send(session, "1-0", 0, everything(200))
    store._writer.run(lambda ledger: ledger.expire(["s1", "s2", "s3"], 2**60))
    left, more, steps = [10**9], True, 0
    while more:
        more = store._writer.run(Ledger.clear_some)
        steps += 1
        left.append(sum(rows_of_sessions(tmp_path / "data" / "datacat.sqlite3").values()))
        assert steps == 1 or left[-2] - left[-1] <= 160
    assert left[-1] == 0
    assert steps > 15


def test_a_new_session_has_nothing_of_one_that_is_being_removed(
    store: SqliteStore, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prune, "_STEP_ROWS", 50)
    monkeypatch.setattr(prune, "_CHUNK_ROWS", 50)
    send("s1", "1-0", 0, everything(500))
    store._writer.run(lambda ledger: ledger.expire(["s1"], 2**60))
    send("s2", "1-0", 0, everything(3))
    for _ in range(5):
        store._writer.run(Ledger.clear_some)
    send("s3", "1-0", 0, everything(3))
    store.clear()
    for name in ("s2", "s3"):
        whole = store.session(name)
        assert len([event for event in whole.events or [] if event.name == "moved"]) == 3
        assert (whole.event_count, whole.refused_count) == (4, 1)
        assert whole.state["level"] == 2


PRUNING = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.writing import prune
prune._STEP_ROWS = prune._CHUNK_ROWS = 50
store = SqliteStore(Path(sys.argv[1]))
print(store.prune(datetime.now(UTC)), flush=True)
store.clear()
"""


def test_a_kill_in_the_middle_of_a_removal_leaves_what_the_next_one_finishes(tmp_path: Path, send: Send) -> None:
    file = tmp_path / "data" / "datacat.sqlite3"
    send("s1", "1-0", 0, everything(3000))
    whole = rows_of_sessions(file)["events"]
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", PRUNING, file.parent], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        before = rows_of_sessions(file)["events"]
        while rows_of_sessions(file)["events"] == before:
            assert process.poll() is None
        process.kill()
        process.communicate()
        rows = rows_of_sessions(file)
        assert 0 < rows["events"] < whole
        assert (rows["sessions"], rows["removals"]) == (0, 1)
        with closing(sqlite3.connect(file)) as db:
            assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        with closing(SqliteStore(file.parent)) as store:
            assert store.sessions().total == 0
    with closing(SqliteStore(file.parent)) as store:
        store.prune(datetime.now(UTC))
        store.clear()
    assert set(rows_of_sessions(file).values()) == {0}


def test_space_comes_back_to_the_file_system(store: SqliteStore, send: Send, tmp_path: Path) -> None:
    file = tmp_path / "data" / "datacat.sqlite3"
    for part in range(6):
        send("s1", "1-0", part * 4000, [{"kind": "event", "name": "x", "message": "y" * 900}] * 4000)
    send("s2", "1-0", 0, everything(3))
    store.prune(datetime.now(UTC), product="another")
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = file.stat().st_size
    assert before > 20_000_000
    store.delete("s1")
    store.clear()
    store.close()
    assert file.stat().st_size < prune.KEPT_FREE_PAGES * 4096 + 1_000_000
    with closing(SqliteStore(tmp_path / "data")) as again:
        assert again.session("s2").event_count == 4


def test_a_file_of_an_older_version_gives_its_space_back_when_it_is_compacted(tmp_path: Path, start: Start) -> None:
    file = tmp_path / "datacat_data" / "datacat.sqlite3"
    SqliteStore(file.parent).close()
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("PRAGMA auto_vacuum = NONE")
        db.execute("VACUUM")
        assert db.execute("PRAGMA auto_vacuum").fetchone() == (0,)
        db.execute("CREATE TABLE ballast (x)")
        db.execute("INSERT INTO ballast VALUES (zeroblob(20000000))")
        db.execute("DROP TABLE ballast")
    server = start("datacat-server", "--port", "0")
    server.addresses()
    code, out, err = start("datacat", "prune", "--compact", "--yes").finish()
    assert (code, out) == (1, "")
    assert "stop that first" in err
    server.finish(signal.SIGTERM)
    assert file.stat().st_size > 20_000_000
    code, out, _ = start("datacat", "prune", "--compact", "--yes").finish()
    assert (code, out) == (0, "no session is that old; 20 MB given back to the file system\n")
    assert file.stat().st_size < 1_000_000
    with closing(sqlite3.connect(file)) as db:
        assert db.execute("PRAGMA auto_vacuum").fetchone() == (2,)


def test_prune_says_what_it_would_do_asks_and_removes_what_is_old(start: Start, tmp_path: Path, send: Send) -> None:
    for session, product in (("a1", "A"), ("a2", "A"), ("b1", "B")):
        send(session, "1-0", 0, everything(2), product=product)
    data = ("--data-path", "data")
    assert start("datacat", "prune", *data).finish() == (0, "no session is that old\n", "")
    old = (*data, "--older-than", "0m")
    assert start("datacat", "prune", *old, "--dry-run").finish() == (0, "3 sessions would be removed\n", "")
    code, _, err = start("datacat", "prune", *old).finish()
    assert (code, err) == (
        1, "error: 3 sessions would be removed for good; say --yes to do it, or --dry-run\n"
    )  # fmt: skip
    code, out, _ = start("datacat", "prune", *old, "--product", "A", "--yes", "--json").finish()
    assert (code, json.loads(out)) == (0, {"found": 2, "removed": 2, "bytes_freed": 0})
    code, out, _ = start("datacat", "prune", *old, "--yes").finish()
    assert (code, out) == (0, "removed 1 session; 0 B given back to the file system\n")
    code, _, err = start("datacat", "prune", *data, "--older-than", "soon").finish()
    assert (code, "--older-than: expected a number and s, min (or m), h, d or w" in err) == (1, True)


def test_a_commit_is_on_disk_before_it_is_acknowledged(store: SqliteStore) -> None:
    """2 is FULL: SQLite syncs its log at each commit."""
    assert store._writer.run(lambda ledger: ledger._db.execute("PRAGMA synchronous").fetchone()) == (2,)
    assert store._writer.run(lambda ledger: ledger._db.execute("PRAGMA journal_mode").fetchone()) == ("wal",)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace shows what the kernel is asked for")
def test_the_answer_is_sent_after_the_sync_of_its_commit(
    start: Start, tmp_path: Path, make_body: Callable[..., bytes]
) -> None:
    server = start("datacat-server", "--port", "0")
    [address] = server.addresses()
    log = tmp_path / "trace"
    calls = "trace=fdatasync,fsync,pwrite64,write,sendto,sendmsg"
    tracer = subprocess.Popen(
        ["strace", "-f", "-y", "-s", "40", "-e", calls, "-o", log, "-p", str(server.process.pid)],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert tracer.stderr is not None
    if "attached" not in tracer.stderr.readline():
        tracer.wait(30)
        pytest.skip("no process may be traced here")
    try:
        for number in range(5):
            body = make_body("s1", "1-0", number, [{"kind": "event", "name": "x"}])
            urllib.request.urlopen(urllib.request.Request(f"{address}/api/ingest", data=body), timeout=60).close()
    finally:
        tracer.terminate()
        tracer.communicate(timeout=60)
    steps = []
    for line in log.read_text().splitlines():
        if "-wal>" in line and "pwrite64(" in line:
            steps.append("written")
        elif "-wal>" in line and ("fdatasync(" in line or "fsync(" in line):
            steps.append("synced")
        elif "HTTP/1.1 200" in line:
            steps.append("answered")
    assert steps.count("answered") == 5
    while "answered" in steps:
        at = steps.index("answered")
        assert "written" in steps[:at]
        assert steps[at - 1] == "synced", steps
        steps = steps[at + 1 :]


def test_what_is_damaged_is_not_written_to(store: SqliteStore, send: Send, tmp_path: Path) -> None:
    send("s1", "1-0", 0, everything(300))
    store.close()
    file = tmp_path / "data" / "datacat.sqlite3"
    content = damage(file)
    with closing(SqliteStore(tmp_path / "data")) as broken:
        for _ in range(2):
            with pytest.raises(StoreDamaged, match=r"damaged.*datacat doctor --full.*datacat restore FILE"):
                send_to(broken, "s1")
        with pytest.raises(StoreDamaged):  # a session whose own rows are whole
            broken.delete("s1")
    assert file.read_bytes() == content


def damage(file: Path) -> bytes:
    """Overwrite the first page of a table that every batch touches; what is in the file then."""
    with closing(sqlite3.connect(file)) as db:
        root = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'writers'").fetchone()[0]
    content = bytearray(file.read_bytes())
    content[(root - 1) * 4096 : root * 4096] = b"\xa5" * 4096
    file.write_bytes(content)
    return bytes(content)


def test_a_server_over_damaged_data_answers_503_with_what_to_do(
    store: SqliteStore, send: Send, tmp_path: Path, start: Start, make_body: Callable[..., bytes]
) -> None:
    send("s1", "1-0", 0, everything(3))
    store.close()
    content = damage(tmp_path / "data" / "datacat.sqlite3")
    server = start("datacat-server", "--port", "0", "--data-path", "data")
    [address] = server.addresses()
    body = make_body("s1", "1-0", 14, [{"kind": "event", "name": "x"}])
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(urllib.request.Request(f"{address}/api/ingest", data=body), timeout=60)
    answer = json.loads(caught.value.read())
    caught.value.close()
    assert (caught.value.code, answer["error"]) == (503, "unavailable")
    for advice in ("is damaged", "`datacat doctor --full`", "`datacat restore FILE`"):
        assert advice in answer["details"]
    _, _, log = server.finish(signal.SIGTERM)
    assert "is damaged" in log
    assert (tmp_path / "data" / "datacat.sqlite3").read_bytes() == content


def send_to(store: SqliteStore, session: str) -> None:
    from datacat_server.ingest.decode import decode_batches

    line = {"kind": "session", "id": session, "product": "P", "version": "1", "time": START}
    store.ingest(decode_batches(json.dumps(line).encode() + b"\n")[0])


def test_a_full_disk_is_503_until_there_is_room_again(
    start: Start, tmpfs: Callable[[str], Path], make_body: Callable[..., bytes]
) -> None:
    disk = tmpfs("3m")
    server = start("datacat-server", "--port", "0", "--data-path", str(disk / "data"))
    [address] = server.addresses()
    acknowledged = 0

    def deliver() -> None:
        nonlocal acknowledged
        body = make_body("s1", "1-0", acknowledged, [{"kind": "event", "name": "x", "message": "y" * 1000}] * 100)
        urllib.request.urlopen(urllib.request.Request(f"{address}/api/ingest", data=body), timeout=60).close()
        acknowledged += 100

    ballast = disk / "ballast"
    ballast.write_bytes(b"x" * 1_500_000)
    for _ in range(3):
        with pytest.raises(urllib.error.HTTPError) as caught:
            while True:
                deliver()
        assert (caught.value.code, caught.value.headers["Retry-After"]) == (503, "10")
        answer = json.loads(caught.value.read())
        assert (answer["error"], "disk of the server is full" in answer["details"]) == ("unavailable", True)
    with urllib.request.urlopen(f"{address}/api/sessions/s1?include=events", timeout=60) as whole:
        assert len(json.load(whole)["events"]) == acknowledged
    ballast.unlink()
    before = acknowledged
    deliver()
    assert acknowledged == before + 100
    server.finish(signal.SIGKILL)
    [address] = start("datacat-server", "--port", "0", "--data-path", str(disk / "data")).addresses()
    with urllib.request.urlopen(f"{address}/api/sessions/s1?include=events", timeout=60) as whole:
        assert len(json.load(whole)["events"]) == acknowledged


def test_on_a_full_disk_sessions_can_be_deleted(
    start: Start, tmpfs: Callable[[str], Path], make_body: Callable[..., bytes]
) -> None:
    """The ballast gives room for it, and is there again afterwards; nothing that was acknowledged is lost."""
    disk = tmpfs("48m")
    server = start("datacat-server", "--port", "0", "--data-path", str(disk / "data"))
    [address] = server.addresses()
    acknowledged: dict[str, int] = {}
    names = [f"s{number}" for number in range(5)]

    def deliver(name: str) -> None:
        first = acknowledged.get(name, 0)
        body = make_body(name, "1-0", first, [{"kind": "event", "name": "x", "message": "y" * 1000}] * 100)
        urllib.request.urlopen(urllib.request.Request(f"{address}/api/ingest", data=body), timeout=60).close()
        acknowledged[name] = first + 100

    def fill() -> None:
        with pytest.raises(urllib.error.HTTPError, match="503"):
            while True:
                for name in names:
                    deliver(name)

    def delete(name: str) -> None:
        call = urllib.request.Request(f"{address}/api/sessions/{name}", method="DELETE")
        urllib.request.urlopen(call, timeout=60).close()
        del acknowledged[name]
        names.remove(name)

    ballast = disk / "data" / "ballast"
    while not ballast.exists():
        assert server.process.poll() is None
        time.sleep(0.05)
    with (disk / "somebody's").open("wb") as other:
        os.posix_fallocate(other.fileno(), 0, 24 * 1024 * 1024)
    fill()
    for name in ("s0", "s1"):
        delete(name)
        while any_removals(disk / "data" / "datacat.sqlite3") or not ballast.exists():
            assert server.process.poll() is None
            time.sleep(0.05)
        fill()
    for name, count in acknowledged.items():
        with urllib.request.urlopen(f"{address}/api/sessions/{name}?include=events", timeout=60) as answer:
            assert json.load(answer)["event_count"] == count


def test_a_read_only_folder_is_named_at_the_start(
    start: Start, tmpfs: Callable[[str], Path], make_body: Callable[..., bytes]
) -> None:
    disk = tmpfs("8m")
    SqliteStore(disk / "data").close()

    def remount(how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", disk], check=True)

    remount("ro")
    code, out, err = start("datacat-server", "--port", "0", "--data-path", str(disk / "data")).finish()
    assert (code, out) == (1, "")
    assert f"data_path: {disk / 'data'} cannot be written: Read-only file system" in err
    remount("rw")
    [address] = start("datacat-server", "--port", "0", "--data-path", str(disk / "data")).addresses()
    body = make_body("s1", "1-0", 0, [{"kind": "event", "name": "x"}])
    urllib.request.urlopen(urllib.request.Request(f"{address}/api/ingest", data=body), timeout=60).close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_another_user_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o500)
    with pytest.raises(Exception, match="cannot be written"):
        SqliteStore(tmp_path / "data")


def test_the_server_goes_on_with_a_removal_that_was_cut_short(start: Start, tmp_path: Path) -> None:
    file = tmp_path / "datacat_data" / "datacat.sqlite3"
    with closing(SqliteStore(file.parent)) as store:
        send_to(store, "s1")
        store._writer.run(lambda ledger: ledger.expire(["s1"], 2**60))
    assert rows_of_sessions(file)["state_changes"] == 1
    server = start("datacat-server", "--port", "0")
    server.addresses()
    while set(rows_of_sessions(file).values()) != {0}:
        assert server.process.poll() is None
        time.sleep(0.05)


def test_what_comes_in_while_many_sessions_fall_silent_is_taken_in_between(
    store: SqliteStore, send: Send, make_body: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger, "STEP_SECONDS", 0.002)
    count = 2_000
    send(body=b"".join(make_body(f"s{number}") for number in range(count)))
    before = datetime.now(UTC)
    seen = set()
    with ThreadPoolExecutor(1) as others:
        suspending = others.submit(store.suspend_silent, before)
        beat = 0
        while not suspending.done():
            send("talker", "1-0", beat, [{"kind": "event", "name": "beat"}])
            beat += 1
            seen.add(store.sessions(Filter(status="suspended"), limit=1).total)
    assert suspending.result() == count
    assert any(0 < suspended < count for suspended in seen), seen
    assert store.session("talker", ()).status == "active"
    assert store.session("s7", ()).reason
    # What the light step wrote is what a session that is loaded goes on with.
    send("s7", "1-0", 0, [{"kind": "event", "name": "back"}])
    assert store.session("s7", ()).status == "active"


def test_all_that_are_silent_are_counted_and_removed_however_many_at_a_time(
    store: SqliteStore, send: Send, make_body: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "_EXPIRED_AT_ONCE", 3)
    send(body=b"".join(make_body(f"s{number}", product="AB"[number % 2]) for number in range(14)))
    before = datetime.now(UTC)
    assert store.silent(before) == 14
    assert store.silent(before, product="A") == store.prune(before, product="A") == 7
    assert store.silent(before) == store.prune(before) == 7
    assert store.sessions().total == 0
