"""`datacat doctor`: what it says of a whole installation, and of each thing that can be wrong with one."""

import http.server
import json
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from datacat_server import __version__
from datacat_server.doctor import spool
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.upkeep.check import has_trigrams

Start = Callable[..., Any]
EVENT = {"kind": "event", "name": "x", "message": "y" * 500}


@pytest.fixture
def doctor(start: Start, tmp_path: Path) -> Callable[..., tuple[int, list[dict[str, str]]]]:
    """Runs `datacat doctor --json`; its exit code and its findings. No spool but in the test's folder."""
    (tmp_path / "spool").mkdir()

    def run(*arguments: str, **environment: str) -> tuple[int, list[dict[str, str]]]:
        # No server of somebody else's is to be found at the usual ports.
        ports = {"DATACAT_SERVER_PORT": "1", "DATACAT_WEB_PORT": "2"}
        places = {"DATACAT_SPOOL": str(tmp_path / "spool")}
        code, out, err = start("datacat", "doctor", "--json", *arguments, **places | ports | environment).finish()
        assert err == ""
        answer = json.loads(out)
        levels = {finding["level"] for finding in answer["findings"]}
        assert answer["level"] == next(level for level in ("bad", "warn", "ok") if level in levels)
        assert code == (1 if "bad" in levels else 0)
        for finding in answer["findings"]:
            assert (finding["advice"] is None) == (finding["level"] == "ok")
        return code, answer["findings"]

    return run


def of(findings: list[dict[str, str]], about: str, level: str | None = None) -> list[str]:
    return [
        f"{finding['text']} → {finding['advice']}" if finding["advice"] else finding["text"]
        for finding in findings
        if finding["about"] == about and level in (None, finding["level"])
    ]


def test_a_mistyped_variable_is_bad_and_named(doctor: Callable[..., Any]) -> None:
    code, findings = doctor(DATACAT_RETENTON_DAYS="3")
    assert code == 1
    (told,) = of(findings, "settings", "bad")
    assert told.startswith("$DATACAT_RETENTON_DAYS: unknown variable; did you mean DATACAT_RETENTION_DAYS?")


@contextmanager
def something_else() -> Iterator[int]:
    """A web server that is not DataCat's; its port."""
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        yield other.server_address[1]
        other.shutdown()
        thread.join()


def test_a_whole_installation_is_well(
    start: Start, doctor: Callable[..., Any], make_body: Callable[..., bytes]
) -> None:
    up = start("datacat", "up", "--port", "0", "--web-port", "0")
    web, api = up.addresses()
    ports = {"DATACAT_SERVER_PORT": api.rpartition(":")[2], "DATACAT_WEB_PORT": web.rpartition(":")[2]}
    code, findings = doctor("--full", **ports)
    assert code == 0
    assert of(findings, "ports") == [
        f"the server answers at {api}, version {__version__}",
        f"the web UI answers at {web}",
    ]
    whole, sizes, rows, *_ = of(findings, "database", "ok")
    assert whole.endswith("is whole (every page and index)")
    assert sizes.split()[1] == "KB,"
    assert "sessions 0, " in rows
    assert any(f"datacat-server {__version__}" in line for line in of(findings, "versions"))
    assert any("free of" in line for line in of(findings, "disk"))


def test_webhooks_are_looked_at_and_shown_without_their_secrets(doctor: Callable[..., Any], tmp_path: Path) -> None:
    hooks = [{"url": "https://example.org/hooks/geheim", "secret": "geheim"}]
    (tmp_path / "config.json").write_text(json.dumps({"webhooks": hooks}))
    code, findings = doctor()
    assert code == 0
    assert "webhooks: https://example.org/… (config.json)" in of(findings, "settings")
    assert "geheim" not in json.dumps(findings)
    code, findings = doctor(DATACAT_WEBHOOKS='[{"url": "example.org"}]')
    assert code == 1
    (bad,) = of(findings, "settings", "bad")
    assert bad.startswith("$DATACAT_WEBHOOKS[0].url: expected an address such as https://example.org/hook → correct it")


def test_every_value_in_force_is_named_with_its_origin_and_secrets_are_not_shown(
    doctor: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text('{"retention_days": 30, "web_port": 3, "api_key": "geheim"}')
    _, findings = doctor("--data-path", "elsewhere")
    lines = of(findings, "settings", "ok")
    assert lines[0] == f"{tmp_path}/config.json is read"
    assert set(lines[1:]) >= {
        "data_path: elsewhere (--data-path)",
        "retention_days: 30 (config.json)",
        "web_port: 2 ($DATACAT_WEB_PORT)",
        "host: 127.0.0.1 (default)",
        "api_key: set, not shown (config.json)",
    }
    assert "geheim" not in repr(findings)


def test_every_setting_that_will_not_do_is_named_and_the_rest_looked_at(
    doctor: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(
        '{"retention_dais": 30, "server_port": "many", "cleanup_interval_hours": -1, "tls_cert_file": "x"}'
    )
    code, findings = doctor(DATACAT_SERVER_PORT="", DATACAT_RETENTION_DAYS="soon")
    assert code == 1
    complaints = " | ".join(of(findings, "settings", "bad"))
    assert "config.json: retention_dais: unknown key; did you mean retention_days?" in complaints
    assert "config.json: server_port: " in complaints
    assert "$DATACAT_RETENTION_DAYS: " in complaints
    assert "cleanup_interval_hours: expected a number above 0, got -1" in complaints
    assert "tls_key_file: is missing" in complaints
    assert len(of(findings, "settings", "bad")) == 5
    assert "cleanup_interval_hours: 24 (default)" in of(findings, "settings", "ok")
    assert of(findings, "disk")
    (tmp_path / "config.json").write_text("{")
    assert "config.json: " in of(doctor()[1], "settings", "bad")[0]


def test_a_port_with_nobody_or_somebody_else_is_told_apart(doctor: Callable[..., Any]) -> None:
    code, findings = doctor()
    assert code == 0
    [nobody] = of(findings, "ports", "warn")
    assert nobody.startswith("no server at http://127.0.0.1:1 → start it with `datacat up`")
    with something_else() as port:
        code, findings = doctor(DATACAT_SERVER_PORT=str(port), DATACAT_WEB_PORT=str(port))
    assert code == 1
    server, web = of(findings, "ports", "bad")
    assert f"something that is no DataCat server answers at http://127.0.0.1:{port}" in server
    assert "set server_port to a free port" in server
    assert "set web_port to a free port" in web


def test_a_server_of_the_folder_at_another_port_is_named(start: Start, doctor: Callable[..., Any]) -> None:
    server = start("datacat-server", "--port", "0")
    server.addresses()
    [told] = of(doctor()[1], "ports", "warn")
    assert f"no server at http://127.0.0.1:1; process {server.process.pid} serves " in told
    assert told.endswith(", at another port → say which one with --server-port")
    server.finish(signal.SIGTERM)
    assert "start it with `datacat up`" in of(doctor()[1], "ports", "warn")[0]


def test_the_server_of_datacat_url_is_looked_at(start: Start, doctor: Callable[..., Any]) -> None:
    [address] = start("datacat-server", "--port", "0").addresses()
    _, findings = doctor(DATACAT_URL=address)
    assert of(findings, "ports")[0] == (
        f"the server answers at {address}, which is $DATACAT_URL, version {__version__}"
    )
    assert of(findings, "ports", "warn") == []
    nobody, named = of(doctor(DATACAT_URL="127.0.0.1:9")[1], "ports", "warn")
    assert nobody.startswith("no server at http://127.0.0.1:1")
    assert named.startswith("$DATACAT_URL is http://127.0.0.1:9, where no DataCat server answers → start one there")


def test_a_folder_that_is_named_and_not_there_is_told(doctor: Callable[..., Any]) -> None:
    code, findings = doctor("--data-path", "nothere")
    assert code == 0
    [told] = of(findings, "database", "warn")
    assert "/nothere is not there → say where the data are" in told
    assert of(doctor()[1], "database", "warn") == []


def test_a_database_that_is_damaged_is_found_and_server_and_doctor_say_what_to_do(
    store: SqliteStore, send: Callable[..., Any], doctor: Callable[..., Any], start: Start, tmp_path: Path
) -> None:
    send("s1", "1-0", 0, [EVENT] * 400)
    store.close()
    file = tmp_path / "data" / "datacat.sqlite3"
    content = bytearray(file.read_bytes())
    content[40_960:61_440] = b"\xff" * 20_480
    file.write_bytes(content)
    code, findings = doctor("--data-path", "data")
    assert code == 1
    [line] = of(findings, "database", "bad")
    assert f"{file} is damaged: " in line
    assert "`datacat restore FILE`" in line
    assert file.read_bytes() == bytes(content)
    file.write_bytes(bytes(content[:100]) + b"\xff" * 8000)
    code, out, err = start("datacat-server", "--port", "0", "--data-path", "data").finish()
    assert (code, out) == (1, "")
    assert err.startswith(f"error: {file} cannot be opened as a database: ")
    assert "`datacat doctor --full` says more" in err
    assert "`datacat restore FILE`" in err


def test_an_index_that_differs_from_its_table_is_found_by_the_full_look(
    store: SqliteStore, send: Callable[..., Any], doctor: Callable[..., Any], tmp_path: Path
) -> None:
    send("s1", "1-0", 0, [EVENT] * 20)
    store.close()
    file = tmp_path / "data" / "datacat.sqlite3"
    with closing(sqlite3.connect(file)) as db:
        root = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'events_by_time'").fetchone()[0]
    content = bytearray(file.read_bytes())
    page = content[(root - 1) * 4096 : root * 4096]
    at = (root - 1) * 4096 + 4096 - 3
    content[at] ^= 1  # a number in an entry: still a well-formed page
    assert bytes(page) != bytes(content[(root - 1) * 4096 : root * 4096])
    file.write_bytes(content)
    assert of(doctor("--data-path", "data")[1], "database", "bad") == []
    assert "is damaged" in of(doctor("--data-path", "data", "--full")[1], "database", "bad")[0]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("PRAGMA user_version = 9999", "was written by a newer version of DataCat"),
        ("CREATE TABLE notes (x)", "is a database, but not one of DataCat"),
    ],
)
def test_a_file_that_is_not_ours_is_told(doctor: Callable[..., Any], tmp_path: Path, script: str, why: str) -> None:
    (tmp_path / "datacat_data").mkdir()
    with closing(sqlite3.connect(tmp_path / "datacat_data" / "datacat.sqlite3")) as db:
        db.executescript(script)
    code, findings = doctor()
    assert code == 1
    assert why in of(findings, "database", "bad")[0]


PROGRAM = """
import datacat, os, sys
session = datacat.create_session(product="Left", version="2")
for n in range(7):
    session.log_event("e", {"n": n})
if sys.argv[1] == "stay":
    print("ready", flush=True)
    sys.stdin.read()
os._exit(0)
"""


def test_what_waits_in_the_spool_is_counted_by_process_living_or_ended(
    doctor: Callable[..., Any], tmp_path: Path
) -> None:
    from support.spools import environment

    environment_ = environment(tmp_path / "spool")
    words = [sys.executable, "-c", PROGRAM]
    subprocess.run([*words, "go"], env=environment_, check=True)
    staying = subprocess.Popen(
        [*words, "stay"], env=environment_, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert staying.stdout is not None
    assert staying.stdout.readline() == "ready\n"
    rejected = next((tmp_path / "spool").glob(f"{staying.pid}-*/*/manifest.json")).parent / "rejected"
    try:
        code, findings = doctor()
        rejected.mkdir()
        (rejected / "1-0.3.json").write_text("{}")
        _, then = doctor()
    finally:
        staying.communicate("")
    assert code == 0
    [ended] = of(findings, "spool", "warn")
    assert "(Left 2), ended: 7 records waiting → `datacat sync` delivers them" in ended
    total, living = of(findings, "spool", "ok")
    assert total == f"{tmp_path}/spool: 2 sessions, 14 records waiting, 0 rejected, 0 dropped"
    assert living == f"process {staying.pid} (Left 2), running: 7 records waiting"
    assert any("1 rejected by the server → each says why in" in line for line in of(then, "spool", "warn"))


MANY = """
import datacat, os
session = datacat.create_session(product="Left", version="2")
for n in range(80):
    session.log_event("e", {"text": "x" * 50_000})
os._exit(0)
"""


def test_what_waits_is_counted_without_reading_all_of_it_and_for_a_bounded_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from support.spools import environment

    root = tmp_path / "spool"
    root.mkdir()
    subprocess.run([sys.executable, "-c", MANY], env=environment(root), check=True)
    middle = sorted(root.glob("*/*/*.segment"))[1]
    content = middle.read_bytes()
    middle.write_bytes(content[:64] + bytes(len(content) - 64))  # who read that would come to less
    total = next(spool.look_at_spool(root)).text
    assert total == f"{root}: 1 session, 80 records waiting, 0 rejected, 0 dropped"
    monkeypatch.setattr(spool, "_SECONDS", 0.0)
    total, ended = [finding.text for finding in spool.look_at_spool(root)]
    assert "1 session, at least 0 records waiting" in total
    assert "ended: at least 0 records waiting" in ended


def test_a_spool_that_cannot_be_is_bad(doctor: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, findings = doctor(DATACAT_SPOOL=str(tmp_path / "file" / "spool"))
    assert code == 1
    [told] = of(findings, "spool", "bad")
    assert told.startswith("programs of this user drop all that they log") and told.endswith("in $DATACAT_SPOOL")
    code, findings = doctor(DATACAT_SPOOL=str(tmp_path / "to" / "be" / "made"))
    assert (code, of(findings, "spool", "bad")) == (0, [])


def test_what_is_found_is_told_at_once(start: Start, tmp_path: Path) -> None:
    stuck = "import datacat_server.doctor.examination as e, time; e.look_at_ports = lambda *_: time.sleep(600)"
    program = start("datacat", "doctor", prelude=stuck, DATACAT_SPOOL=str(tmp_path))
    assert program.line() == "Settings"
    assert program.process.poll() is None
    program.finish(signal.SIGKILL)


def test_a_disk_with_no_room_left_is_bad(doctor: Callable[..., Any], tmpfs: Callable[[str], Path]) -> None:
    disk = tmpfs("2m")
    code, findings = doctor("--data-path", str(disk / "data"))
    assert code == 1
    assert f"free of 2.1 MB at {disk}/data → free some space" in of(findings, "disk", "bad")[0]


def test_the_words_for_people_fit_into_80_columns(start: Start, tmp_path: Path) -> None:
    server = start("datacat-server", "--port", "0")
    server.addresses()
    code, out, _ = start("datacat", "doctor", DATACAT_SPOOL=str(tmp_path), DATACAT_SERVER_PORT="1").finish()
    assert code == 0
    assert "→ say which one with --server-port" in out
    assert "(default)" not in out
    assert "at their default" in out
    server.finish(signal.SIGTERM)
    for command in ("doctor", "backup", "restore", "prune"):
        code, out, _ = start("datacat", command, "--help", COLUMNS="80").finish()
        assert (code, "…" in out, "--json" in out) == (0, False, True)
        assert max(map(len, out.splitlines())) <= 80


def test_a_sqlite_that_cannot_look_for_parts_of_texts_is_seen() -> None:
    assert has_trigrams()
    assert not has_trigrams("CREATE VIRTUAL TABLE t USING fts5(text, tokenize = 'none of them')")
