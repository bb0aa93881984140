"""How commands end: what they say when something is wrong, with which exit code, and what is left after Ctrl-C."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from datacat_server.terminal.colours import wants_colours
from support.reading import wait_for
from support.said import event
from support.terminals import Terminal

Post = Callable[..., Any]
Run = Callable[..., tuple[int, str, str]]
Start = Callable[..., Any]

NOBODY = ("--url", "http://127.0.0.1:9")


def test_errors_are_json_where_json_was_asked_for(start: Start, tmp_path: Path) -> None:
    (tmp_path / "no_export").write_text("x")
    for code, words in (
        (1, ["ls", *NOBODY]),
        (1, ["import", "no_export"]),
        (1, ["restore", "no_backup"]),
        (1, ["keys", "revoke", "nobody's"]),
        (2, ["doctor", "--web-port", "none"]),
    ):
        found, out, err = start("datacat", *words, "--json").finish()
        assert (found, out) == (code, ""), words
        [line] = err.splitlines()
        said = json.loads(line)
        assert said["error"] == ("failed" if code == 1 else "misused"), words
        assert said["details"], words


def test_what_was_meant_perhaps_is_said(start: Start) -> None:
    for words, meant in (
        (["sohw"], "Did you mean 'show'?"),
        (["keys", "ad"], "Did you mean 'add'?"),
        (["ls", "--statsu", "crashed"], "Did you mean --status"),
        (["doctor", "--port", "1"], "Did you mean --server-port or --web-port?"),
        (["--url", "http://127.0.0.1:9", "ls"], "Put it behind the command: datacat ls --url ..."),
    ):
        code, out, err = start("datacat", *words).finish()
        assert (code, out) == (2, "")
        first, usage, more = err.splitlines()
        assert first.startswith("error: ")
        assert meant in first
        assert usage.startswith("usage: datacat ")
        assert more.endswith("--help` says more")
    code, _, err = start("datacat-server", "--prot", "1").finish()
    assert code == 2
    assert "Did you mean --port" in err


def test_errors_are_broken_between_words_in_a_terminal_and_not_in_a_pipe(
    terminal: Callable[..., Terminal], start: Start
) -> None:
    shown = terminal("ls", "--status", "crshed", columns=40)
    assert shown.finish() == 1
    assert "\x1b[1;31merror:\x1b[0m" in shown.raw
    assert len(shown.lines) > 2
    assert all(len(line) <= 40 for line in shown.lines)
    assert " ".join(shown.lines) == start("datacat", "ls", "--status", "crshed").finish()[2].strip()


@pytest.mark.parametrize(
    ("said", "in_a_terminal", "in_a_pipe"),
    [
        ({}, True, False),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, True, False),
        ({"TERM": "dumb"}, False, False),
        ({"CLICOLOR": "0"}, False, False),
        ({"FORCE_COLOR": "1"}, True, True),
        ({"FORCE_COLOR": "0"}, True, False),
        ({"CLICOLOR_FORCE": "1", "TERM": "dumb"}, True, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        ({"GITHUB_ACTIONS": "true"}, True, False),
    ],
)
def test_colours_are_for_terminals_unless_somebody_says_otherwise(
    said: dict[str, str], in_a_terminal: bool, in_a_pipe: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)

    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    assert wants_colours(Screen()) == in_a_terminal
    assert wants_colours(io.StringIO()) == in_a_pipe


def test_help_and_tables_and_errors_have_colours_alike(start: Start, terminal: Callable[..., Terminal]) -> None:
    start("datacat", "keys", "add", "one", "--scope", "read", "--scope", "admin").finish()
    for words in (["ls", "--help"], ["keys", "ls"], ["ls", "--nothing"]):
        code, out, err = start("datacat", *words, FORCE_COLOR="1", GITHUB_ACTIONS="").finish()
        assert "\x1b[" in out + err, words
        code, out, err = start("datacat", *words, GITHUB_ACTIONS="true").finish()
        assert "\x1b" not in out + err, words
        shown = terminal(*words, TERM="dumb")
        assert shown.finish() == code
        assert "\x1b" not in shown.raw, words


def test_what_listens_there_and_is_none_of_ours_is_said_to_be_none(start: Start, tmp_path: Path) -> None:
    with _Other(b"<p>Hello", 404) as other, _Other(b'{"anything": 1}', 200) as answering:
        for url in (other, answering):
            for words in (["ls"], ["tail"], ["export", "file.csv"]):
                code, out, err = start("datacat", *words, "--url", url).finish()
                assert (code, out) == (1, "")
                assert err.startswith(f"error: {url} does not answer like a DataCat server"), words
                assert "--url or $DATACAT_URL" in err
    [web] = start("datacat-web", "--port", "0").addresses()
    code, _, err = start("datacat", "ls", "--url", web).finish()
    assert code == 1
    assert err.startswith(f"error: {web} does not answer like a DataCat server")
    assert list(tmp_path.glob("file*")) == []


def test_a_server_of_another_version_is_named_with_its_version(start: Start) -> None:
    said = b'{"status": "healthy", "service": "datacat-server", "version": "99.0.0", "sessions": "elsewhere"}'
    with _Other(said, 200) as other:
        code, _, err = start("datacat", "ls", "--url", other).finish()
    assert code == 1
    assert "it is of version 99.0.0" in err
    assert "use the same version of both" in err


def test_no_tls_where_it_is_expected_is_said(start: Start, address: str) -> None:
    for words in (["ls"], ["export", "file.csv"]):
        code, _, err = start("datacat", *words, "--url", address.replace("http:", "https:")).finish()
        assert code == 1
        assert "does not speak TLS" in err


def test_output_that_finds_no_room_is_said(address: str, post: Post, tmp_path: Path) -> None:
    post("s1", "1-0", 0, [event("x")])
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", "from datacat_server.cli.main import main; main()", "ls"],
            env={**os.environ, "DATACAT_URL": address},
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr) == (
        1,
        "error: what there is to say cannot be written: No space left on device\n",
    )


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_output_is_output_that_nobody_wants(closed: str, address: str, post: Post) -> None:
    post("s1", "1-0", 0, [event("x")])
    command = f"{Path(sys.executable).with_name('datacat')} ls --url {address} {closed}"
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert ("s1" in done.stdout) == (closed == "2>&-")


@pytest.mark.parametrize(
    ("by", "code"), [(None, 130), (signal.SIGTERM, -signal.SIGTERM), (signal.SIGHUP, -signal.SIGHUP)]
)
def test_what_ends_an_export_leaves_no_file(
    server: Any,
    address: str,
    terminal: Callable[..., Terminal],
    tmp_path: Path,
    by: signal.Signals | None,
    code: int,
) -> None:
    """Ctrl-C, what asks it to end, and its terminal going away."""
    os.kill(server.process.pid, signal.SIGSTOP)  # it answers nothing from now on
    try:
        shown = terminal("export", "file.ndjson", DATACAT_URL=address)
        wait_for(lambda: list(tmp_path.glob(".file*")))
        if by is None:
            shown.interrupt()
        else:
            shown.process.send_signal(by)
        assert shown.finish() == code
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    assert "Traceback" not in shown.text
    assert list(tmp_path.glob("*file*")) == []


@pytest.mark.parametrize(
    ("words", "complaint"),
    [("import - --data-path new", "the file is cut short"), ("prune --older-than 0s --data-path data", "say --yes")],
)
def test_where_standard_input_is_closed_there_is_nothing_to_read_and_nobody_to_ask(
    store: Any, send: Post, tmp_path: Path, words: str, complaint: str
) -> None:
    send("s1", "1-0", 0, [event("x")])
    command = f"{Path(sys.executable).with_name('datacat')} {words} <&-"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert complaint in done.stderr
    assert store.session("s1").event_count == 1


@pytest.mark.parametrize("said", ["http://" + "a" * 70, "http://a..b", "http://[::1", "nowhere"])
@pytest.mark.parametrize("command", ["ls", "export"])
def test_an_address_that_can_be_none_is_said(start: Start, command: str, said: str) -> None:
    code, _, err = start("datacat", command, "--url", said).finish()
    assert (code, err) == (1, f"error: --url: expected an address such as http://localhost:9090, not {said}\n")


def test_a_signal_that_nohup_has_switched_off_stays_off(server: Any, address: str, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "from datacat_server.cli.main import main; main()", "tail", "--url", address],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    ) as tail:
        ends = Path(f"/proc/{tail.pid}/status")
        if not ends.exists():
            tail.kill()
            pytest.skip("only Linux says what a process makes of a signal")
        wait_for(lambda: caught(ends, "SigCgt", signal.SIGTERM))
        assert caught(ends, "SigIgn", signal.SIGHUP)
        tail.send_signal(signal.SIGTERM)
        assert tail.wait(60) == -signal.SIGTERM


def caught(status: Path, which: str, number: signal.Signals) -> bool:
    """Whether a signal is in one of the sets that the kernel shows of a process."""
    line = next(line for line in status.read_text().splitlines() if line.startswith(which))
    return bool(int(line.split()[1], 16) & 1 << (number - 1))


def test_an_import_from_the_keyboard_says_so_and_ctrl_c_ends_it(
    terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    shown = terminal("import", "-", "--data-path", "data")
    shown.until("Ctrl-D ends it\n")
    shown.interrupt()
    assert shown.finish() == 130
    assert "Traceback" not in shown.text
    assert not (tmp_path / "data").exists()


def test_a_folder_that_was_deleted_under_a_command_is_said(tmp_path: Path) -> None:
    for words in ("up --port 0 --web-port 0", "doctor", "backup copy.sqlite3"):
        script = f"mkdir gone && cd gone && rmdir ../gone && exec {sys.executable} -m datacat_server {words}"
        done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 1
        assert done.stderr == "error: the folder in which this was started has been deleted; go to another one\n"


def test_ctrl_c_ends_a_statement_that_takes_long(tmp_path: Path) -> None:
    code = """
import sqlite3
from datacat_server.store.sqlite.upkeep.interruptible import interruptible
db = sqlite3.connect(":memory:")
try:
    with interruptible(db):
        print("begins", flush=True)
        db.execute("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n")
except KeyboardInterrupt:
    print("ended", db.execute("SELECT 1").fetchone())
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.read() == "ended (1,)\n"


def test_progress_is_shown_in_a_terminal_and_gone_afterwards(
    post: Post, datacat: Run, terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    for number in range(3):
        post(f"s{number}", "1-0", 0, [event("x")] * 20)
    assert datacat("export", "all.ndjson")[2] == ""
    for words, shown_meanwhile in (
        (["import", "all.ndjson", "--data-path", "data"], "Importing"),
        (["backup", "copy", "--data-path", "data"], "Checking the copy"),
        (["restore", "copy", "--data-path", "other"], "Checking the copy"),
        (["doctor", "--recount", "--data-path", "data"], "3 of 3 sessions"),
        (["prune", "--older-than", "0s", "--yes", "--compact", "--data-path", "data"], "Rewriting the file"),
    ):
        shown = terminal(*words)
        shown.finish()
        assert shown_meanwhile in shown.text, words
        # The line is erased: what is left of the screen's last lines was printed after that.
        assert "\x1b[2K" in shown.raw.rpartition(shown_meanwhile)[2], words
    for words in (["import", "all.ndjson", "--data-path", "data"], ["backup", "another", "--data-path", "data"]):
        assert datacat(*words)[2] == "", words


class _Other:
    """A program that is none of ours and answers everything alike. A context manager of its address."""

    def __init__(self, said: bytes, status: int) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
