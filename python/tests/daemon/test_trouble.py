"""Whatever a server does to its connections, its answers and its certificates, records arrive once in the end."""

import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import trustme
from datacat.segment import EVENT, SegmentWriter
from datacat_daemon.config import Config
from datacat_daemon.shipping import compression, endpoint
from datacat_daemon.shipping.endpoint import Endpoint, Unavailable
from datacat_daemon.shipping.shipment import Shipment
from datacat_daemon.spool.log import DaemonLog
from datacat_daemon.spool.manifest import Manifest
from datacat_daemon.sync import Sync

SOURCE = str(Path(__file__).parents[2] / "src")
BODY = b'{"kind":"session","id":"s","product":"P","version":"1","time":1}\n'
ANSWER = b'{"sessions":{"s":{"writers":{}}}}'


class Script:
    """A server that answers connections one after the other by a script: each answer is sent as it is, byte by byte
    where it is a list, and then the connection is closed; None never answers. After the script it answers rightly."""

    def __init__(self, answers):
        self.answers = list(answers)
        self.requests = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.open = []
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(connection)
            self.read(connection)
            self.requests += 1
            answer = self.answers.pop(0) if self.answers else whole(ANSWER)
            if answer is None:
                continue
            try:
                for part in [answer] if isinstance(answer, bytes) else answer:
                    connection.sendall(part)
                    time.sleep(0 if isinstance(answer, bytes) else 0.05)
            except OSError:
                pass
            connection.close()

    def read(self, connection):
        with connection.makefile("rb") as stream:
            length = 0
            while (line := stream.readline()) not in (b"\r\n", b""):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            stream.read(length)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.open:
            connection.close()
        self.thread.join()


def whole(body, *headers, status=b"200 OK"):
    lines = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), b"Connection: close", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.fixture
def script():
    started = []

    def start(*answers):
        started.append(Script(answers))
        return started[-1]

    yield start
    for one in started:
        one.close()


HALF = whole(ANSWER)[:-5]
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BAD = {
    "nothing at all": b"",
    "half an answer": HALF,
    "half a head": HALF[:20],
    "garbage": b"\x00\xff" * 500,
    "garbage without an end": b"x" * 200_000,
    "another protocol": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "headers without an end": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000,
    "a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
    "a negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    "a length beyond all bounds": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
    "half of its chunks": CHUNKED + b'5\r\n{"ses',
    "a chunk size that is none": CHUNKED + b"zz\r\n",
    "a chunk longer than it said": CHUNKED + b"2\r\n{}{}\r\n0\r\n\r\n",
    "no JSON": whole(b"<html>Welcome to the hotel</html>"),
    "JSON of something else": whole(b'{"status": "ok"}'),
    "positions that are none": whole(b'{"sessions":{"s":{"writers":{"1-0":"many"}}}}'),
    "a redirect": whole(b"", b"Location: http://127.0.0.1:1/", status=b"302 Found"),
    "500": whole(b"oh", status=b"500 Internal Server Error"),
    "429": whole(b"slow down", b"Retry-After: 1", status=b"429 Too Many Requests"),
    "503": whole(b"", status=b"503 Service Unavailable"),
    "401": whole(b"who?", status=b"401 Unauthorized"),
}


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD.keys())
def test_an_answer_that_is_none_is_followed_by_a_pause_and_another_try(script, answer):
    server = script(answer)
    own = Endpoint(server.url, None)
    with pytest.raises(Unavailable):
        own.post(BODY)
    assert own.ready_at > time.monotonic()
    assert own.post(BODY).positions == {"s": {}}
    own.close()


GOOD = {
    "a length": whole(ANSWER),
    "chunks": CHUNKED
    + b"5;a=b\r\n"
    + ANSWER[:5]
    + b"\r\n%x\r\n" % (len(ANSWER) - 5)
    + ANSWER[5:]
    + b"\r\n0\r\nT: x\r\n\r\n",
    "an end by closing": b"HTTP/1.0 200 OK\r\n\r\n" + ANSWER,
    "an interim answer first": b"HTTP/1.1 102 Processing\r\nA: b\r\n\r\n" + whole(ANSWER),
    "bytes that come one by one": [bytes([byte]) for byte in whole(ANSWER)[:30]] + [whole(ANSWER)[30:]],
}


@pytest.mark.parametrize("answer", GOOD.values(), ids=GOOD.keys())
def test_every_way_to_frame_an_answer_is_understood(script, answer):
    own = Endpoint(script(answer).url, None)
    assert own.post(BODY).positions == {"s": {}}
    own.close()


@pytest.mark.parametrize("answer", [None, [b"HTTP/1.1 200 OK\r\n"] + [b"X: y\r\n"] * 100], ids=["never", "too slowly"])
def test_a_server_that_hangs_or_drips_is_given_up_in_time(script, monkeypatch, answer):
    monkeypatch.setattr(endpoint, "_ANSWER_SECONDS", 0.5)
    own = Endpoint(script(answer).url, None)
    with pytest.raises(Unavailable, match=r"timeout|TimeoutError"):
        own.post(BODY)
    assert own.post(BODY).positions == {"s": {}}
    own.close()


def test_an_interval_passes_between_batches_though_records_never_cease(tmp_path, server):
    folder = tmp_path / "session"
    folder.mkdir()
    writer = SegmentWriter(str(folder), "1-0")
    manifest = Manifest("s", "P", "1", 1, server.url, 1, batch_interval_seconds=60)
    shipment = Shipment(folder, manifest, Endpoint(server.url, None), DaemonLog(tmp_path / "log"))
    commit = server.commit

    def while_logging(lines):
        writer.append(EVENT, 0, 10, b'{"name":"n"}')
        return commit(lines)

    server.commit = while_logging
    writer.append(EVENT, 0, 5, b'{"name":"n"}')
    shipment.ship()
    assert len(server.statuses) == 1
    assert shipment.due_at() > time.monotonic() + 30
    shipment.close()


def shipped(tmp_path, server, config, count=100):
    """Ship some records to a server that keeps them; the endpoint that did."""
    folder = tmp_path / "session"
    folder.mkdir()
    writer = SegmentWriter(str(folder), "1-0")
    for number in range(count):
        writer.append(EVENT, 0, number, b'{"name":"n"}')
    manifest = Manifest("s", "P", "1", 1, server.url, 1)
    own = Endpoint(server.url, None, config)
    shipment = Shipment(folder, manifest, own, DaemonLog(tmp_path / "log"), config)
    shipment.finished = True
    for _ in range(50):
        shipment.ship()
        if shipment.done:
            break
    assert [record["ordinal"] for record in server.records("event")] == list(range(count))
    shipment.close()
    own.close()
    return own


def test_batches_are_as_large_as_the_settings_say(tmp_path, server):
    shipped(tmp_path, server, Config(max_batch_size=30))
    assert len(server.statuses) == 4


@pytest.mark.parametrize("enabled", [True, False])
def test_bodies_are_compressed_unless_the_settings_say_no(tmp_path, server, enabled):
    shipped(tmp_path, server, Config(enable_compression=enabled))
    assert server.encodings == ["gzip" if enabled else None]


def test_zstd_is_used_once_the_server_has_said_that_it_takes_it(tmp_path, server):
    pytest.importorskip("zstandard")
    server.headers = {"Accept-Encoding": "gzip, zstd"}
    shipped(tmp_path, server, Config(max_batch_size=40))
    assert server.encodings == ["gzip", "zstd", "zstd"]


def test_gzip_is_used_for_good_where_zstd_was_refused_after_all(tmp_path, server):
    pytest.importorskip("zstandard")
    server.headers = {"Accept-Encoding": "gzip, zstd"}
    server.answers = [None, 415]
    shipped(tmp_path, server, Config(max_batch_size=30))
    assert server.encodings == ["gzip", "zstd", "gzip", "gzip", "gzip"]


def test_gzip_is_used_where_there_is_no_zstd_here(tmp_path, server, monkeypatch):
    monkeypatch.setattr(compression, "_zstd_packer", lambda: None)
    server.headers = {"Accept-Encoding": "gzip, zstd"}
    shipped(tmp_path, server, Config(max_batch_size=50))
    assert server.encodings == ["gzip", "gzip"]


# --- TLS -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def secure(server):
    """The server behind TLS, with a certificate of an authority that nobody knows; and the authority."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    server.http.socket = context.wrap_socket(server.http.socket, server_side=True)
    server.url = server.url.replace("http://", "https://")
    return server, authority


def test_a_certificate_that_does_not_verify_is_refused_with_a_reason_that_helps(secure, tmp_path):
    server, _ = secure
    folder = tmp_path / "session"
    folder.mkdir()
    log = tmp_path / "daemon.log"
    manifest = Manifest("s", "P", "1", 1, server.url, 1)
    shipment = Shipment(folder, manifest, Endpoint(server.url, None), DaemonLog(log))
    shipment.ship()
    assert shipment.failing
    assert "its certificate does not verify" in log.read_text()
    assert "$SSL_CERT_FILE" in log.read_text()
    assert server.sessions == {}
    shipment.close()


@pytest.mark.parametrize("setting", ["tls_verify", "tls_insecure_skip_verify"])
def test_a_certificate_is_not_checked_where_the_settings_say_so(secure, tmp_path, setting):
    server, _ = secure
    shipped(tmp_path, server, Config(**{setting: setting != "tls_verify"}))


def test_an_authority_of_one_s_own_is_named_in_ssl_cert_file(secure, bench, wait_for, tmp_path):
    server, authority = secure
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    process = bench.program(server.url, "session.log_event('n', {'i': 1})\nsession.end()")
    folder = bench.folder_of(process)
    process.wait()
    doubting = bench.daemon(folder)
    log = folder / "daemon.log"
    wait_for(lambda: log.exists() and "does not verify" in log.read_text(), "the refusal")
    doubting.kill()
    doubting.wait()
    bench.finish(bench.daemon(folder, SSL_CERT_FILE=str(tmp_path / "authority.pem")))
    assert [record["data"]["i"] for record in server.records("event")] == [1]
    assert server.verdicts() == ["ended"]


def test_sync_names_a_certificate_that_does_not_verify_and_heeds_the_settings(secure, bench):
    server, _ = secure
    bench.program(server.url, "session.log_event('n', {'i': 1})\nsession.end()").wait()
    work = Sync(Config(), spools=[bench.spool])
    assert not work.run(lambda: None)
    assert work.sessions[0].why.startswith(f"{server.url}: its certificate does not verify: ")
    assert "$SSL_CERT_FILE" in work.sessions[0].why
    assert Sync(Config(tls_verify=False), spools=[bench.spool]).run(lambda: None)
    assert len(server.records("event")) == 1


def test_sync_ships_what_a_daemon_cannot_for_want_of_an_authority_or_a_key(secure, bench, wait_for, tmp_path):
    server, authority = secure
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    process = bench.program(server.url, "session.log_event('n', {'i': 1})\nsession.end()")
    folder = bench.folder_of(process)
    process.wait()
    doubting = bench.daemon(folder)
    log = folder / "daemon.log"
    wait_for(lambda: log.exists() and "does not verify" in log.read_text(), "the refusal")
    code = "import sys\nfrom pathlib import Path\nfrom datacat_daemon.config import Config\n"
    code += "from datacat_daemon.sync import Sync\n"
    code += "sys.exit(0 if Sync(Config(), spools=[Path(sys.argv[1])]).run(lambda: None) else 1)"
    own = bench.environment(server.url, SSL_CERT_FILE=str(tmp_path / "authority.pem"), DATACAT_API_KEY="opens")
    done = subprocess.run([sys.executable, "-c", code, str(bench.spool)], env=own, check=False)
    assert done.returncode == 0
    bench.finish(doubting)
    assert [record["data"]["i"] for record in server.records("event")] == [1]
    assert set(server.keys) == {"Bearer opens"}


def test_a_daemon_that_needs_no_tls_does_not_load_it():
    code = f"import sys, types\nhome = {SOURCE!r}\nsys.path.insert(0, home)\n"
    code += "client = sys.modules['datacat'] = types.ModuleType('datacat')\nclient.__path__ = [home + '/datacat']\n"
    code += "import datacat_daemon.daemon\n"
    code += "print([name for name in ('ssl', 'http.client', 'email', 'zstandard') if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"
