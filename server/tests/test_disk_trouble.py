"""What is acknowledged is on disk; a disk that is full, damaged or not to be written is told, and nothing is lost."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from datacat_server.ingest.decode import decode_batches
from datacat_server.store.errors import StoreDamaged
from datacat_server.store.sqlite import SqliteStore

START = 1_795_298_400_000_000
Send = Callable[..., Any]
Start = Callable[..., Any]


def any_removals(file: Path) -> bool:
    with closing(sqlite3.connect(file)) as db:
        return db.execute("SELECT 1 FROM removals").fetchone() is not None


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
    send("s1", "1-0", 0, [{"kind": "event", "name": "x", "message": "m" * 400}] * 300)
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
    send("s1", "1-0", 0, [{"kind": "event", "name": "x"}] * 14)
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
