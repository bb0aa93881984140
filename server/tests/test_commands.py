"""The commands as processes of their own: how they start, stop, fail, and survive being killed."""

import json
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

import pytest

Start = Callable[..., Any]


STARTED_FROM_NOTHING = {
    "test_the_server_says_where_it_is_and_stops_cleanly",
    "test_up_serves_both_and_stops_on_ctrl_c",
    "test_the_web_ui_alone_sees_what_the_server_writes",
    "test_one_port_for_both_is_said_to_be_so",
}


@pytest.fixture
def preloaded(request: pytest.FixtureRequest) -> bool:
    return request.node.name not in STARTED_FROM_NOTHING


def ask(url: str, body: bytes | None = None) -> Any:
    headers = {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, data=body, headers=headers), timeout=30) as answer:
        return json.loads(answer.read())


def test_the_server_says_where_it_is_and_stops_cleanly(start: Start, tmp_path: Path) -> None:
    server = start("datacat-server", "--port", "0")
    [address] = server.addresses()
    assert ask(f"{address}/health")["status"] == "healthy"
    assert ask(f"{address}/api/sessions", b'{"product":"P","version":"1"}')["success"] is True
    assert (tmp_path / "datacat_data" / "datacat.sqlite3").exists()
    code, out, err = server.finish(signal.SIGTERM)
    assert (code, out, err) == (0, "", "")


def test_python_m_is_the_command() -> None:
    words = [sys.executable, "-m", "datacat_server", "--version"]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert said.startswith("datacat 0.")


def test_up_serves_both_and_stops_on_ctrl_c(start: Start) -> None:
    up = start("datacat", "up", "--server-port", "0", "--web-port", "0")
    web, api = up.addresses()
    assert ask(f"{api}/health")["service"] == "datacat-server"
    with urllib.request.urlopen(web, timeout=30) as page:
        assert "text/html" in page.headers["content-type"]
    code, _, err = up.finish(signal.SIGINT)
    assert (code, err) == (0, "")


def test_a_live_page_does_not_hold_up_the_end(start: Start) -> None:
    up = start("datacat", "up", "--server-port", "0", "--web-port", "0")
    web, _ = up.addresses()
    with urllib.request.urlopen(f"{web}/live", timeout=30) as stream:
        assert stream.readline()
        code, _, err = up.finish(signal.SIGTERM)
    assert (code, err) == (0, "")


def test_the_web_ui_alone_sees_what_the_server_writes(start: Start, tmp_path: Path) -> None:
    [api] = start("datacat-server", "--port", "0").addresses()
    [web] = start("datacat-web", "--web-port", "0").addresses()
    ask(f"{api}/api/sessions", b'{"product":"Seen from afar","version":"1"}')
    with urllib.request.urlopen(web, timeout=30) as page:
        assert "Seen from afar" in page.read().decode()


@pytest.mark.parametrize(
    ("command", "option", "others"),
    [
        ("datacat-server", "--server-port", []),
        ("datacat-web", "--web-port", []),
        ("datacat", "--web-port", ["--server-port", "0"]),
    ],
)
def test_a_port_that_is_taken_is_an_error_that_says_what_to_do(
    start: Start, command: str, option: str, others: list[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        arguments = ["up"] if command == "datacat" else []
        code, out, err = start(command, *arguments, option, str(port), *others).finish()
    assert (code, out) == (1, "")
    assert err.startswith(f"error: port {port} on 127.0.0.1 is in use by another program")
    assert err.rstrip().endswith(f"choose another port with {option}")
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--host", "not.an.address.invalid"], "host 'not.an.address.invalid' is not an address of this machine"),
        (["--host", "192.0.2.1"], "port 0 on 192.0.2.1 cannot be used"),
        (["--data-path", "/dev/null/data"], "data_path: /dev/null/data cannot be used as a folder"),
        (["--log-file", "/dev/null/log"], "log_file: /dev/null/log cannot be written"),
        (["--config", "none.json"], "none.json: there is no such file"),
        (["--require-api-key"], "api_key: is missing"),
        (["--tls-cert-file", "none.pem", "--tls-key-file", "none.pem"], "tls_cert_file: none.pem is not a file"),
        (["--tls-cert-file", __file__, "--tls-key-file", __file__], "tls_cert_file: "),
    ],
)
def test_a_setting_that_will_not_do_is_named(start: Start, arguments: list[str], complaint: str) -> None:
    code, out, err = start("datacat-server", "--port", "0", *arguments).finish()
    assert (code, out) == (1, "")
    assert err.startswith(f"error: {complaint}"), err
    assert "Traceback" not in err


def test_help_and_version(start: Start) -> None:
    for command in ("datacat", "datacat-server", "datacat-web"):
        code, out, _ = start(command, "--version").finish()
        assert (code, out.split()[0]) == (0, command)
        code, out, _ = start(command, "--help").finish()
        assert code == 0
        assert "--version" in out
    code, out, _ = start("datacat", "up", "--help").finish()
    assert "9090" in out


@pytest.mark.parametrize("arguments", [["datacat", "up"], ["datacat-server"], ["datacat-web"]])
def test_help_shows_every_option_whole_at_80_columns(start: Start, arguments: list[str]) -> None:
    command, *rest = arguments
    code, out, _ = start(command, *rest, "-h", COLUMNS="80").finish()
    assert code == 0
    assert "…" not in out
    for option in ("--data-path", "--require-api-key", "--tls-cert-file", "--config", "--version"):
        assert option in out
    assert ("--retention-days" in out) == (command != "datacat-web")


def test_one_port_for_both_is_said_to_be_so(start: Start) -> None:
    code, _, err = start("datacat", "up", "--server-port", "9321", "--web-port", "9321").finish()
    assert (code, err) == (1, "error: server_port and web_port are both 9321; choose two different ports\n")


def test_the_pages_name_the_port_that_the_api_was_given(start: Start) -> None:
    web, api = start("datacat", "up", "--server-port", "0", "--web-port", "0").addresses()
    with urllib.request.urlopen(f"{web}/sessions", timeout=30) as page:
        assert f":{api.rpartition(':')[2]}" in page.read().decode()


def test_a_second_server_on_a_folder_is_refused_until_the_first_is_dead(start: Start, tmp_path: Path) -> None:
    hooks = json.dumps([{"url": "http://127.0.0.1:9/hook"}])
    first = start("datacat-server", "--port", "0", DATACAT_WEBHOOKS=hooks)
    assert first.addresses()
    for command, *ports in (
        ("datacat", "up", "--web-port", "0", "--server-port", "0"),
        ("datacat-server", "--port", "0"),
    ):
        second = start(command, *ports)
        code, out, err = second.finish()
        assert (code, out) == (1, "")
        assert err == (
            f"error: data_path: {tmp_path / 'datacat_data'} is served by process {first.process.pid} already; stop that"
            " one first, or give this one a folder of its own (--data-path)\n"
        )
    web = start("datacat-web", "--port", "0")
    assert web.addresses()
    first.finish(signal.SIGKILL)
    assert start("datacat-server", "--port", "0").addresses()


def test_the_web_ui_alone_removes_and_suspends_nothing(start: Start, tmp_path: Path) -> None:
    server = start("datacat-server", "--port", "0")
    [address] = server.addresses()
    ask(f"{address}/api/sessions", b'{"product":"P","id":"old"}')
    server.finish(signal.SIGTERM)
    settings = {"DATACAT_RETENTION_DAYS": "0.000001", "DATACAT_HEARTBEAT_TIMEOUT_SECONDS": "0.01"}
    web = start("datacat-web", "--port", "0", **settings)
    [address] = web.addresses()
    # By the time that a server has, it would have too.
    shutil.copytree(tmp_path / "datacat_data", tmp_path / "copy")
    [other] = start("datacat-server", "--port", "0", "--data-path", "copy", **settings).addresses()
    while ask(f"{other}/api/sessions")["total"]:
        time.sleep(0.02)
    with urllib.request.urlopen(f"{address}/sessions/old", timeout=30) as page:
        assert page.status == 200
    web.finish(signal.SIGTERM)
    with closing(sqlite3.connect(tmp_path / "datacat_data" / "datacat.sqlite3")) as db:
        assert db.execute("SELECT status FROM sessions").fetchall() == [("active",)]


def test_a_session_that_falls_silent_is_suspended_until_it_is_heard_again(start: Start) -> None:
    [address] = start("datacat-server", "--port", "0", "--heartbeat-timeout-seconds", "0.3").addresses()
    ask(f"{address}/api/sessions", b'{"product":"P","id":"s1"}')
    while not ask(f"{address}/api/sessions/s1")["suspended"]:
        time.sleep(0.02)
    silent = ask(f"{address}/api/sessions/s1")
    assert (silent["status"], silent["crashed"], silent["events"]) == ("suspended", False, [])
    ask(f"{address}/api/sessions/s1/end", b"{}")
    assert ask(f"{address}/api/sessions/s1")["status"] == "ended"


def test_foreign_pages_are_refused_by_the_running_server(start: Start) -> None:
    web, api = start("datacat", "up", "--server-port", "0", "--web-port", "0").addresses()
    for address in (web, api):
        for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "same-site"}):
            request = urllib.request.Request(f"{address}/api/sessions", data=b"{}", headers=headers)
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(request, timeout=30)
            assert caught.value.code == 400
            assert json.loads(caught.value.read())["details"].startswith(("host: ", "origin: "))
            caught.value.close()


@pytest.mark.parametrize("command", ["datacat-server", "datacat-web"])
def test_what_is_no_http_is_told_in_json_and_logged_once(start: Start, command: str) -> None:
    server = start(command, "--port", "0")
    [address] = server.addresses()
    place = urllib.parse.urlsplit(address)
    for request in (
        b"rubbish\r\n\r\n",
        b"POST /api/ingest HTTP/1.1\r\nHost: localhost\r\nContent-Length: many\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ):
        with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
            connection.sendall(request)
            response = HTTPResponse(connection)
            response.begin()
            assert (response.status, response.headers["content-type"]) == (400, "application/json")
            assert json.loads(response.read()).keys() == {"error", "details"}
    _, _, log = server.finish(signal.SIGTERM)
    assert log.count("Invalid HTTP request received.") == 1
    assert len(log.splitlines()) == 1


def test_the_log_goes_to_its_file(start: Start, tmp_path: Path, make_body: Callable[..., bytes]) -> None:
    server = start("datacat-server", "--port", "0")
    [address] = server.addresses()
    ask(f"{address}/api/ingest", make_body("s1", "1-0", 0, [{"kind": "event", "name": "x"}]))
    server.finish(signal.SIGTERM)
    again = start("datacat-server", "--port", "0", "--log-file", "server.log", "--retention-days", "0.000001")
    [address] = again.addresses()
    while "removed 1 sessions" not in (tmp_path / "server.log").read_text():
        assert again.process.poll() is None
        time.sleep(0.02)
    assert ask(f"{address}/api/sessions")["total"] == 0
    assert again.finish(signal.SIGTERM) == (0, "", "")


def test_what_was_acknowledged_outlives_sigkill_and_is_there_once(
    start: Start, make_body: Callable[..., bytes]
) -> None:
    """Several writers send until all is acknowledged, while the server is killed three times."""
    writers, batches, size = 3, 30, 40
    acknowledged = [0] * writers
    address = ""
    ready = threading.Event()

    def deliver(writer: int) -> None:
        while acknowledged[writer] < batches * size:
            first = acknowledged[writer]
            records = [{"kind": "event", "name": f"{writer}.{first + n}"} for n in range(size)]
            ready.wait(60)
            try:
                answer = ask(f"{address}/api/ingest", make_body("s1", f"1-{writer}", first, records))
            except (OSError, HTTPException):
                continue
            acknowledged[writer] = answer["sessions"]["s1"]["writers"][f"1-{writer}"]

    threads = [threading.Thread(target=deliver, args=(writer,), daemon=True) for writer in range(writers)]
    server = start("datacat-server", "--port", "0")
    [address] = server.addresses()
    ready.set()
    for thread in threads:
        thread.start()
    for kill in range(1, 4):
        while sum(acknowledged) < kill * writers * batches * size // 4:
            assert server.process.poll() is None
            assert any(thread.is_alive() for thread in threads)
            time.sleep(0.01)
        ready.clear()
        server.finish(signal.SIGKILL)
        before = list(acknowledged)
        server = start("datacat-server", "--port", "0")
        [address] = server.addresses()
        names = [event["name"] for event in ask(f"{address}/api/sessions/s1")["events"]]
        assert {f"{writer}.{n}" for writer in range(writers) for n in range(before[writer])} <= set(names)
        assert len(names) == len(set(names))
        ready.set()
    for thread in threads:
        thread.join()
    names = [event["name"] for event in ask(f"{address}/api/sessions/s1")["events"]]
    assert sorted(names) == sorted(f"{writer}.{n}" for writer in range(writers) for n in range(batches * size))


def test_a_disk_that_takes_no_more_is_503_and_the_server_lives_on(
    start: Start, make_body: Callable[..., bytes]
) -> None:
    prelude = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (900_000, 900_000))"
    server = start("datacat-server", "--port", "0", prelude=prelude)
    [address] = server.addresses()
    large = [{"kind": "event", "name": "x", "message": "y" * 1000}] * 1000
    for number in range(3):
        with pytest.raises(urllib.error.HTTPError) as caught:
            ask(f"{address}/api/ingest", make_body(f"n{number}", "1-0", 0, large))
        assert caught.value.code == 503
        assert json.loads(caught.value.read())["error"] == "unavailable"
        caught.value.close()
    assert ask(f"{address}/api/sessions")["total"] == 0
    ask(f"{address}/api/ingest", make_body("s1", "1-0", 0, large[:10]))
    assert ask(f"{address}/api/sessions/s1")["event_count"] == 10
    _, _, log = server.finish(signal.SIGTERM)
    assert log.count("ERROR") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("export", "--server-url", "no address"),
        ("sync", "--url", "no address"),
        ("run", "--url", "no address", "true"),
        ("demo", "--data-path", "x", "--server-port", "70000"),
        ("doctor", "--server-port", "none"),
    ],
)
def test_each_command_takes_the_names_that_others_have_for_an_option(start: Start, words: tuple[str, ...]) -> None:
    code, _, err = start("datacat", *words).finish()
    assert code != 0
    assert "expected an address" in err or ("invalid value for" in err and "--server-port" in err)
