"""`datacat export` and `datacat import` between servers that run, in every format, by real processes."""

import csv
import gzip
import io
import json
import os
import signal
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from datacat_server.store.sqlite import SqliteStore
from pyarrow import parquet

from .conftest import START, contents, ingest

Start = Callable[..., Any]


def ask(url: str, body: bytes | None = None, key: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with urllib.request.urlopen(urllib.request.Request(url, data=body, headers=headers), timeout=60) as answer:
        return json.loads(answer.read())


def fill(data_path: Path, sessions: int, *, events: int = 20, size: int = 10) -> None:
    """A data folder with sessions of two products, each with something of every kind."""
    with closing(SqliteStore(data_path)) as store:
        for number in range(sessions):
            product, version = ("Game", "1.0") if number % 3 else ("Tool", "2.0")
            records: list[dict[str, Any]] = [
                {"kind": "event", "name": f"e{i}", "data": {"text": "y" * size}} for i in range(events)
            ]
            records += [
                {"kind": "state", "state": {"window": {"open": ["space probe" if number % 2 else "map"]}}},
                {"kind": "metric", "name": "memory", "value": 1.5 * number, "unit": "bytes"},
                {"kind": "metric", "name": "wait", "type": "histogram", "value": 0.2},
                {
                    "kind": "event",
                    "name": "x",
                    "exception_type": "ValueError",
                    "stacktrace": ['File "a.py", line 3, in go'],
                },
                {"kind": "metric", "name": "bad", "type": "none"},
                {"kind": "status", "status": "crashed" if number % 4 == 0 else "ended"},
            ]
            header = {"product": product, "version": version, "time": START + number, "machine_id": f"m{number % 5}"}
            ingest(store, f"s{number:04}", records, **header)


def run(start: Start, *arguments: str, **keywords: Any) -> tuple[int, str, str]:
    code, out, err = start("datacat", *arguments, **keywords).finish()
    return code, out, err


@pytest.mark.parametrize("name", ["all.ndjson.gz", "all.csv.zst", "all.parquet"])
def test_what_one_server_exports_another_imports_whatever_the_format(start: Start, tmp_path: Path, name: str) -> None:
    fill(tmp_path / "first", 7)
    first, second = (start("datacat-server", "--port", "0", "--data-path", path) for path in ("first", "second"))
    source, target = first.addresses()[0], second.addresses()[0]
    code, out, err = run(start, "export", name, "--url", source, "--json")
    assert (code, err) == (0, "")
    said = json.loads(out)
    assert said["sessions"] == 7
    assert said["bytes"] == (tmp_path / name).stat().st_size
    assert (tmp_path / name).stat().st_mode & 0o077 == 0
    code, out, err = run(start, "import", name, "--url", target, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out) == {
        "file": name, "imported": 7, "replaced": 0, "skipped": 0, "records": said["records"], "problems": 0,
        "complete": True,
    }  # fmt: skip
    assert ask(f"{target}/api/data/sessions") == ask(f"{source}/api/data/sessions")
    for program in (first, second):
        program.finish(signal.SIGTERM)
    assert contents(tmp_path / "second") == contents(tmp_path / "first")


def test_the_export_of_a_filter_has_its_sessions_and_no_other(start: Start, tmp_path: Path) -> None:
    fill(tmp_path / "first", 13)
    source = start("datacat-server", "--port", "0", "--data-path", "first").addresses()[0]
    for flags, address in (
        (["--product", "Game"], "product=Game"),
        (["--version", "2.0", "--machine", "m0"], "version=2.0&machine=m0"),
        (["--status", "crashed"], "status=crashed"),
        (["--from", "2026-11-21T22:00:00.000003Z", "--to", "2026-11-21T22:00:00.000006Z"],
         "from=2026-11-21T22:00:00.000003Z&to=2026-11-21T22:00:00.000006Z"),
        (["--contains", "window.open:space probe", "--product", "Tool"],
         "contains=window.open:space%20probe&product=Tool"),
        (["--state-ever", "product:Tool"], "state_ever=product:Tool"),
        (["--q", "tool"], "q=tool"),
    ):  # fmt: skip
        wanted = {session["id"] for session in ask(f"{source}/api/sessions?{address}")["sessions"]}
        assert 0 < len(wanted) < 13
        # From a folder it is the same code behind the same filter: one flag stands for all.
        for where in [["--url", source], *([["--data-path", "first"]] if flags[0] == "--q" else [])]:
            code, out, err = run(start, "export", *flags, *where)
            assert (code, err) == (0, "")
            lines = [json.loads(line) for line in out.splitlines()]
            assert {line["session"] for line in lines if "session" in line} == wanted
            assert (lines[-1]["kind"], lines[-1]["sessions"]) == ("end", len(wanted))


def test_the_same_file_imported_again_changes_nothing_and_replace_takes_it_anew(start: Start, tmp_path: Path) -> None:
    fill(tmp_path / "first", 5)
    assert run(start, "export", "all.csv", "--data-path", "first")[0] == 0
    assert run(start, "import", "all.csv", "--data-path", "second")[0] == 0
    before = contents(tmp_path / "second")
    for flags, imported, replaced, skipped in (([], 0, 0, 5), (["--replace"], 0, 5, 0)):
        code, out, _ = run(start, "import", "all.csv", "--data-path", "second", "--json", *flags)
        assert code == 0
        said = json.loads(out)
        assert (said["imported"], said["replaced"], said["skipped"]) == (imported, replaced, skipped)
        with closing(SqliteStore(tmp_path / "second")) as store:
            store.clear()
        assert contents(tmp_path / "second") == before


@pytest.mark.parametrize("killed", ["command", "server"])
def test_an_import_that_was_killed_goes_on_where_it_was(start: Start, tmp_path: Path, killed: str) -> None:
    sessions = 60
    fill(tmp_path / "first", sessions, events=100)
    assert run(start, "export", "all.ndjson.gz", "--data-path", "first")[0] == 0
    server = start("datacat-server", "--port", "0", "--data-path", "second")
    target = server.addresses()[0]
    command = start("datacat", "import", "all.ndjson.gz", "--url", target)
    while ask(f"{target}/api/sessions?limit=1")["total"] == 0:
        assert command.process.poll() is None, command.finish()
    (command if killed == "command" else server).finish(signal.SIGKILL)
    if killed == "server":
        code, _, err = command.finish()
        assert code == 1
        assert "error: " in err
        server = start("datacat-server", "--port", "0", "--data-path", "second")
        target = server.addresses()[0]
    there = ask(f"{target}/api/sessions?limit=1")["total"]
    assert 0 < there < sessions
    code, out, err = run(start, "import", "all.ndjson.gz", "--url", target, "--json")
    assert (code, err) == (0, "")
    said = json.loads(out)
    # A part that was under way may yet have been stored after the command was gone.
    assert said["imported"] + said["skipped"] == sessions
    assert said["skipped"] >= there
    server.finish(signal.SIGTERM)
    assert contents(tmp_path / "second") == contents(tmp_path / "first")


def test_a_connection_that_is_cut_leaves_no_file(start: Start, tmp_path: Path) -> None:
    fill(tmp_path / "first", 3, events=6_000, size=1_000)
    server = start("datacat-server", "--port", "0", "--data-path", "first")
    source = server.addresses()[0]
    command = start("datacat", "export", "all.ndjson", "--url", source)
    while not (parts := list(tmp_path.glob(".all.ndjson.*.part"))) or parts[0].stat().st_size == 0:
        assert command.process.poll() is None, command.finish()
    os.kill(command.process.pid, signal.SIGSTOP)
    server.finish(signal.SIGKILL)
    os.kill(command.process.pid, signal.SIGCONT)
    code, out, err = command.finish()
    assert (code, out) == (1, "")
    assert "broke off" in err
    assert not list(tmp_path.glob("*all.ndjson*"))


def test_a_full_disk_leaves_no_file(start: Start, tmp_path: Path, tmpfs: Callable[[str], Path]) -> None:
    fill(tmp_path / "first", 3, events=5_000)
    place = tmpfs("1m")
    code, _, err = run(start, "export", str(place / "all.ndjson"), "--data-path", "first")
    assert code == 1
    assert "No space left on device; free some space there" in err
    assert not list(place.iterdir())


def test_a_file_that_is_there_is_replaced_by_force_only(start: Start, tmp_path: Path) -> None:
    fill(tmp_path / "first", 1)
    (tmp_path / "all.csv").write_text("mine")
    code, _, err = run(start, "export", "all.csv", "--data-path", "first")
    assert code == 1
    assert "all.csv is there already" in err
    assert (tmp_path / "all.csv").read_text() == "mine"
    assert run(start, "export", "all.csv", "--data-path", "first", "--force")[0] == 0
    assert (tmp_path / "all.csv").read_text().startswith("session,product,version,kind,time,")


def test_a_table_has_what_a_spreadsheet_looks_for_and_runs_nothing_of_it(start: Start, tmp_path: Path) -> None:
    formula = "=cmd|' /C calc'!A0"
    with closing(SqliteStore(tmp_path / "first")) as store:
        records = [
            {"kind": "event", "name": formula, "level": "warning", "message": "@SUM(1)\nsecond\x00", "labels": ["a"]},
            {"kind": "metric", "name": "load", "value": -2.5, "unit": "+percent", "tags": ["cpu"]},
        ]
        ingest(store, "s1", records, product="-Game")
    for name in ("all.csv.gz", "all.parquet"):
        assert run(start, "export", name, "--data-path", "first")[0] == 0
    rows = list(csv.DictReader(io.StringIO(gzip.decompress((tmp_path / "all.csv.gz").read_bytes()).decode())))
    for row in rows:
        assert not any(cell.startswith(("=", "+", "@", "\t")) for cell in row.values())
        assert not any(cell.startswith("-") for column, cell in row.items() if column != "value")
    event = next(row for row in rows if row["kind"] == "event")
    assert (event["name"], event["message"]) == (f"'{formula}", "'@SUM(1)\nsecond\ufffd")
    assert json.loads(event["record"])["message"] == "@SUM(1)\nsecond\x00"
    point = next(row for row in rows if row["kind"] == "point")
    assert (point["name"], point["value"], point["tags"]) == ("load", "-2.5", '["cpu"]')
    table = parquet.read_table(tmp_path / "all.parquet").to_pylist()
    event = next(row for row in table if row["kind"] == "event")
    assert (event["product"], event["name"], event["level"], event["tags"]) == ("-Game", formula, "warning", ["a"])
    assert event["time"].isoformat() == "2026-11-21T22:00:01+00:00"


def test_a_session_of_100000_events_needs_little_memory(start: Start, tmp_path: Path) -> None:
    """Peak memory of each process, in kB: above what it takes for the programs alone, far below the session's size."""
    peak = (
        "import atexit; atexit.register(lambda: print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0]))"
    )
    with closing(SqliteStore(tmp_path / "first")) as store:
        for first in range(0, 100_000, 10_000):
            data = {"text": "y" * 100}
            records = [{"kind": "event", "name": f"e{i}", "data": data} for i in range(first, first + 10_000)]
            ingest(store, "s1", records)
    first, second = (
        start("datacat-server", "--port", "0", "--data-path", path, prelude=peak) for path in ("first", "second")
    )
    source, target = first.addresses()[0], second.addresses()[0]
    peaks = []
    for arguments in (["export", "all.ndjson", "--url", source], ["import", "all.ndjson", "--url", target]):
        code, out, err = run(start, *arguments, "--json", prelude=peak)
        assert (code, err) == (0, "")
        peaks.append(int(out.splitlines()[-1]))
    assert ask(f"{target}/api/sessions")["sessions"][0]["event_count"] == 100_000
    for server in (first, second):
        peaks.append(int(server.finish(signal.SIGTERM)[1].splitlines()[-1]))
    assert max(peaks) < 200_000, peaks


def test_importing_needs_the_scope_admin_and_exporting_that_of_reading(start: Start, tmp_path: Path) -> None:
    fill(tmp_path / "first", 1)
    keys = {}
    for scope in ("ingest", "read", "admin"):
        code, out, _ = run(start, "keys", "add", scope, "--scope", scope, "--data-path", "first", "--json")
        assert code == 0, out
        keys[scope] = json.loads(out)["key"]
    server = start("datacat-server", "--port", "0", "--data-path", "first", "--require-api-key")
    source = server.addresses()[0]
    code, _, err = run(start, "export", "all.ndjson", "--url", source)
    assert code == 1
    assert "--api-key or $DATACAT_API_KEY" in err
    for scope, expected in (("ingest", 1), ("read", 0), ("admin", 0)):
        code, _, err = run(start, "export", f"{scope}.ndjson", "--url", source, DATACAT_API_KEY=keys[scope])
        assert (code, bool(err)) == (expected, bool(expected))
    for scope, expected in (("ingest", 1), ("read", 1), ("admin", 0)):
        code, _, err = run(start, "import", "read.ndjson", "--url", source, "--api-key", keys[scope])
        assert (code, bool(err)) == (expected, bool(expected))


def test_without_pyarrow_it_is_said_how_to_install_it(start: Start, tmp_path: Path) -> None:
    fill(tmp_path / "first", 1)
    assert run(start, "export", "all.parquet", "--data-path", "first")[0] == 0
    without = "import sys; sys.modules['pyarrow'] = None"
    for arguments in (["export", "more.parquet"], ["import", "all.parquet"]):
        code, _, err = run(start, *arguments, "--data-path", "first", prelude=without)
        assert code == 1
        assert "pip install 'datacat-server[parquet]'" in err
    assert not (tmp_path / "more.parquet").exists()


def test_a_server_that_is_not_there_and_a_reader_that_goes_away_are_no_tracebacks(start: Start, tmp_path: Path) -> None:
    code, _, err = run(start, "export", "--url", "http://127.0.0.1:9")
    assert code == 1
    assert err.startswith("error: no server answers at http://127.0.0.1:9")
    fill(tmp_path / "first", 2, events=20_000)
    command = start("datacat", "export", "--data-path", "first")
    assert command.process.stdout is not None
    command.process.stdout.readline()
    command.process.stdout.close()
    command.process.wait(60)
    assert command.process.stderr is not None
    assert (command.process.returncode, command.process.stderr.read()) == (1, "")
