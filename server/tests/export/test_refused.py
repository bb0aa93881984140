"""What is damaged or foreign is refused with its place, and no half of a session is ever to be seen."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from datacat_server.export.stream import export_stream
from datacat_server.filters import EVERY
from datacat_server.model import encode
from datacat_server.store.protocol import UnknownSession
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.file.connection import FILE_NAME, connect
from litestar.testing import TestClient

from .conftest import exported, imported, ingest

Start = Callable[..., Any]


@pytest.fixture
def lines(store: SqliteStore) -> list[bytes]:
    for session in ("s1", "s2"):
        records: list[dict[str, Any]] = [{"kind": "event", "name": f"e{number}"} for number in range(20)]
        ingest(store, session, [*records, {"kind": "metric", "name": "fps", "value": 60}])
    return exported(store)


def changed(lines: list[bytes], kind: bytes, old: bytes, new: bytes) -> list[bytes]:
    """The lines with something else in the first one of a kind."""
    place = next(place for place, line in enumerate(lines) if line.startswith(b'{"kind":"%s"' % kind))
    assert old in lines[place]
    return [*lines[:place], lines[place].replace(old, new), *lines[place + 1 :]]


def test_a_pipe_is_imported_like_a_file(start: Start, tmp_path: Path, lines: list[bytes]) -> None:
    os.mkfifo(tmp_path / "pipe")
    program = start("datacat", "import", "pipe", "--data-path", "other")
    (tmp_path / "pipe").write_bytes(gzip.compress(b"".join(line + b"\n" for line in lines)))
    code, out, err = program.finish()
    assert (code, err) == (0, "")
    assert "2 sessions imported" in out


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda lines: lines[:-1], "its last line, of the kind end, is missing"),
        (lambda lines: lines[:9], "session s1 has no end"),
        (
            lambda lines: [*lines[:9], lines[9][:-20], *lines[10:]],
            "line 10: ends too early: the export is not whole; make it again (nothing was imported)",
        ),
        (lambda lines: [*lines[:9], *lines[10:]], "records: the session has"),
        (lambda lines: [*lines[:9], lines[-2], *lines[9:]], "session: expected 's1', in which this line stands"),
        (lambda lines: lines[1:], "line 1: kind: an export begins with a line of the kind export"),
        (lambda lines: changed(lines, b"export", b'"format":1', b'"format":2'), "line 1: format: 2 is not known here"),
        (lambda lines: changed(lines, b"event", b'"level":"info"', b'"level":"odd"'), "level: expected one of"),
        (lambda lines: changed(lines, b"event", b"2026-11-21T", b"1926-11-21T"), "time: expected a time from 1970 on"),
        (
            lambda lines: changed(lines, b"session", b'"ended":null', b'"ended":"9999-12-31T23:59:59-23:59"'),
            "ended: expected a time before the year 10000",
        ),
        (
            lambda lines: changed(lines, b"writer", b'"next":21', b'"next":9223372036854775808'),
            "next: expected a whole",
        ),
        (lambda lines: changed(lines, b"writer", b'"next":21', b'"next":-1'), "next: expected a whole number from 0"),
        (lambda lines: changed(lines, b"event", b'"name":"e0"', b'"name":"\xff"'), "line 7: is not UTF-8"),
        (lambda lines: changed(lines, b"state", b'{"product"', b'{"more":1,"product"'), "state: the first one"),
        (
            lambda lines: changed(lines, b"point", b'"value":60.0', b'"value":"x"'),
            "value: expected a number, got a str",
        ),
        (lambda lines: [b'{"id": 1}'], "line 1: "),
        (lambda lines: [b"a,b,c", b"1,2,3"], "line 1: expected the names of the columns, and `record` among them"),
        (lambda lines: [], "its last line, of the kind end, is missing"),
    ],
)
def test_a_damaged_file_is_refused_and_nothing_of_it_is_taken(
    start: Start, tmp_path: Path, lines: list[bytes], damage: Callable[[list[bytes]], list[bytes]], why: str
) -> None:
    (tmp_path / "all").write_bytes(b"".join(line + b"\n" for line in damage(lines)))
    code, out, err = start("datacat", "import", "all", "--data-path", "new").finish()
    assert (code, out) == (1, "")
    assert err.startswith("error: all: ")
    assert why in err
    assert not (tmp_path / "new" / FILE_NAME).exists()


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        (b"session", b'"ended":null', b'"ended":"9999-12-31T23:59:59-23:59"'),
        (b"writer", b'"next":21', b'"next":9223372036854775808'),
        (b"session_end", b"{", b'{"kind":"refusal","session":"s1","time":"2026-11-21T22:00:00Z","writer":null,'
         b'"ordinal":9223372036854775808,"error":"bad_request","details":"x"}\n{'),
    ],
)  # fmt: skip
def test_no_number_or_time_of_an_import_breaks_the_server_or_its_next_export(
    empty: SqliteStore, api: TestClient, store: SqliteStore, lines: list[bytes], kind: bytes, old: bytes, new: bytes
) -> None:
    store.delete("s1")
    body = b"\n".join(changed(lines, kind, old, new))
    answer = api.post("/api/import", content=body, headers={"Content-Type": "application/x-ndjson"})
    assert answer.status_code == 400
    assert answer.json()["details"].startswith("line ")
    assert api.get("/api/sessions").status_code == 200
    assert [session.id for session in store.sessions().sessions] == ["s2"]
    assert exported(store)


def test_a_table_whose_line_does_not_end_is_not_read_to_its_end(start: Start, tmp_path: Path) -> None:
    packed = gzip.compress(b"x" * 2**20, 1)  # members follow each other
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"session,record\n") + packed * 400)
    prelude = "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))"
    code, _, err = start("datacat", "import", "bomb.csv.gz", "--data-path", "new", prelude=prelude).finish()
    assert (code, "bomb.csv.gz: line 1: is longer than 128 MB" in err) == (1, True)


@pytest.mark.parametrize("name", ["all.ndjson.gz", "all.ndjson.zst", "all.parquet"])
def test_a_packed_file_that_is_cut_is_refused(start: Start, tmp_path: Path, lines: list[bytes], name: str) -> None:
    assert start("datacat", "export", name, "--data-path", "data").finish()[0] == 0
    whole = (tmp_path / name).read_bytes()
    for cut in (whole[: len(whole) // 2], whole[:-5]):
        (tmp_path / name).write_bytes(cut)
        code, _, err = start("datacat", "import", name, "--data-path", "new").finish()
        assert code == 1
        assert err.startswith(f"error: {name}: ")
    assert not (tmp_path / "new").exists()


def test_a_session_whose_end_does_not_come_is_not_stored(
    empty: SqliteStore, api: TestClient, store: SqliteStore, lines: list[bytes]
) -> None:
    for session in ("s1", "s2"):
        store.delete(session)
    ends = [place for place, line in enumerate(lines) if b'"session_end"' in line]
    body = b"\n".join(lines[: ends[1]])
    answer = api.post("/api/import", content=body, headers={"Content-Type": "application/x-ndjson"})
    assert answer.status_code == 400
    assert "session s2 is cut short" in answer.json()["details"]
    assert [session.id for session in store.sessions().sessions] == ["s1"]


def test_an_import_without_its_end_is_said_not_to_be_complete(
    empty: SqliteStore, api: TestClient, store: SqliteStore, lines: list[bytes]
) -> None:
    ends = [place for place, line in enumerate(lines) if b'"session_end"' in line]
    for part, complete in ((lines, True), (lines[: ends[0] + 1], False), ([], False)):
        answer = api.post("/api/import", content=b"\n".join(part), headers={"Content-Type": "application/x-ndjson"})
        assert (answer.status_code, answer.json()["complete"]) == (200, complete)


def test_what_the_store_refuses_leaves_nothing_of_its_session(empty: SqliteStore, lines: list[bytes]) -> None:
    twice = changed(lines, b"session_end", b'"records":', b'"records":1000')
    with pytest.raises(ValueError, match=r"line .*: records: the session has"):
        imported(empty, twice)
    with pytest.raises(UnknownSession):
        empty.session("s1")


def test_a_session_that_was_deleted_is_back_after_an_import(store: SqliteStore, lines: list[bytes]) -> None:
    before = store.session("s1")
    store.delete("s1")
    assert imported(store, lines).imported == 1
    assert encode(store.session("s1")) == encode(before)


def test_a_daemon_goes_on_with_its_session_on_the_server_that_imported_it(
    store: SqliteStore, empty: SqliteStore, lines: list[bytes]
) -> None:
    imported(empty, lines)
    for target in (store, empty):
        ingest(target, "s1", [{"kind": "event", "name": "later"}])
    assert empty.session("s1", ()).event_count == store.session("s1", ()).event_count == 21
    assert empty.session("s1").events == store.session("s1").events


def test_nobody_is_told_of_what_is_imported(store: SqliteStore, empty: SqliteStore) -> None:
    ingest(store, "old", [{"kind": "status", "status": "suspended"}], machine_id="m1")
    ingest(store, "new", [{"kind": "status", "status": "crashed"}, {"kind": "event", "name": "x"}], machine_id="m1")
    imported(empty, exported(store))
    with empty._readers.snapshot() as db:
        assert db.execute("SELECT count(*) FROM alerts").fetchone() == (0,)
        assert db.execute("SELECT count(*) FROM returns").fetchone() == (0,)


def test_a_reader_that_takes_its_time_holds_nothing_of_the_store(
    tmp_path: Path, store: SqliteStore, lines: list[bytes]
) -> None:
    for number in range(3):
        records = [{"kind": "event", "name": "x", "data": {"text": "y" * 1_000}} for _ in range(600)]
        ingest(store, f"large{number}", records)
    stream = export_stream(store, EVERY)
    next(stream)
    ingest(store, "s3", [{"kind": "event", "name": "x"}])
    db = connect(tmp_path / "data" / FILE_NAME)
    blocked, _, _ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    db.close()
    assert blocked == 0
    stream.close()
