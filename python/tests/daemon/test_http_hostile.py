"""Whatever is sent to the daemon's port: pages cannot forge requests, and nobody can hang it."""

import json
import os
import socket
import time

import pytest
from support.http_daemon import HttpDaemon

AWAY = "http://127.0.0.1:9"


@pytest.fixture
def daemon(bench):
    """A standalone daemon whose server is away."""
    return HttpDaemon(bench, AWAY)


@pytest.fixture
def session(daemon):
    """A session of this very process."""
    return daemon.register(os.getpid())


def raw(port, data, half_closed=False):
    """What comes back, until the daemon closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(data)
        if half_closed:
            connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


def request(port, path="/event", body=b"{}", method="POST", more=b"", host=None):
    """The bytes of a request."""
    host = f"127.0.0.1:{port}" if host is None else host
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n".encode()
    return head + f"Content-Length: {len(body)}\r\n".encode() + more + b"\r\n" + body


def event(session, name="x", **more):
    """The body of an event."""
    return json.dumps({"session_id": session, "name": name, **more}).encode()


def names(daemon, session):
    """Names of the session's events."""
    return [event["name"] for event in daemon.session(session)["events"]]


def test_what_a_web_page_could_send_is_refused(daemon, session):
    body = {"session_id": session, "name": "forged"}
    own = f"127.0.0.1:{daemon.port}"
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://localhost.evil.example"},
        {"Host": "evil.example"},
        {"Host": f"evil.example:{daemon.port}"},
        {"Host": "127.0.0.1"},
        {"Host": f"127.0.0.1.evil.example:{daemon.port}"},
        {"Host": ""},
        {"Sec_Fetch_Site": "cross-site"},
    ):
        for method, path in (("POST", "/event"), ("GET", "/sessions"), ("GET", "/health")):
            status, content = daemon.ask(method, path, body if method == "POST" else None, **headers)
            assert status == 403 and content["error"] == "forbidden", (headers, content)
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", None):
        assert daemon.ask("POST", "/event", body, Content_Type=kind)[0] == 415, kind
    assert daemon.ask("OPTIONS", "/event", Origin="http://evil.example", Access_Control_Request_Method="POST")[0] == 403
    assert names(daemon, session) == []
    for headers in (
        {"Host": f"localhost:{daemon.port}"},
        {"Origin": f"http://{own}"},
        {"Host": f"[::1]:{daemon.port}"},
    ):
        assert daemon.ask("POST", "/event", body, **headers)[0] == 200
    assert daemon.ask("POST", "/event", body, Content_Type="application/json; charset=utf-8")[0] == 200


def test_no_answer_gives_leave_to_a_web_page(daemon):
    for data in (request(daemon.port, "/health", b"", "GET", b"Connection: close\r\n"), b"nonsense\r\n\r\n"):
        answer = raw(daemon.port, data).lower()
        assert answer.startswith(b"http/1.1 ") and b"access-control" not in answer
        assert b"nosniff" in answer and b"no-store" in answer


def test_it_listens_on_the_loopback_address_only(daemon):
    with socket.socket() as other, pytest.raises(OSError):
        other.settimeout(5)
        other.connect(("127.0.0.2", daemon.port))


def test_what_is_no_json_is_refused(daemon, session):
    for body in (b"", b"{", b"[]", b'"x"', b"\xff\xfe", b'{"session_id": NaN}', b"[" * 100_000, b'{"a":' * 100_000):
        status, content = daemon.ask("POST", "/event", body)
        assert (status, content["error"]) == (400, "bad_request"), (body[:20], content)
        assert content["details"].startswith("the body"), content
    daemon.post("/event", session_id=session, name="still there")


def test_methods_paths_and_sizes_are_answered_as_what_they_are(daemon, session):
    assert daemon.ask("GET", "/event")[0] == 405
    assert daemon.ask("POST", "/health", {})[0] == 405
    assert daemon.ask("DELETE", "/session")[0] == 405
    status, content = daemon.ask("GET", "/nix")
    assert status == 404 and "/register" in content["details"]
    status, content = daemon.ask("POST", "/event", event(session, data={"x": "y" * (1 << 20)}))
    assert (status, content["error"]) == (413, "too_large")
    fits = event(session, "large", data={"x": "y" * 900_000})
    assert daemon.ask("POST", "/event", fits)[0] == 200
    (large,) = daemon.session(session)["events"]
    assert large["name"] == "large" and len(json.dumps(large)) < 1 << 18  # cut, as the client does


def test_odd_values_are_kept_as_the_client_keeps_them(daemon, session):
    daemon.ask("POST", "/event", b'{"session_id": "%s", "name": "half \\ud800", "data": [1e999, 1]}' % session.encode())
    daemon.post("/event", session_id=session, name="deep", data=_nested(60))
    daemon.post("/event", session_id=session, name="nothing\0" + "🜁")
    found = daemon.session(session)["events"]
    assert [event["name"] for event in found] == ["half \\ud800", "deep", "nothing\0🜁"]
    assert found[0]["data"]["value"][1] == 1 and "<cut" in json.dumps(found[1]["data"])


def _nested(depth):
    return {"x": _nested(depth - 1)} if depth else {}


def test_requests_one_after_the_other_on_one_connection(daemon, session):
    several = b"".join(request(daemon.port, body=event(session, str(number))) for number in range(20))
    last = request(daemon.port, "/health", b"", "GET", b"Connection: close\r\n")
    answers = raw(daemon.port, several + last)
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 21
    assert names(daemon, session) == [str(number) for number in range(20)]


def test_garbage_behind_a_good_request_ends_the_connection(daemon, session):
    good = request(daemon.port, body=event(session, "good"))
    for garbage in (b"\0\1\2\3", b"GET\r\n\r\n", b"POST /event HTTP/9.9\r\n\r\n", b"x" * 20_000, b"A b: c\r\n\r\n"):
        answers = raw(daemon.port, good + garbage, half_closed=len(garbage) == 20_000)
        assert answers.startswith(b"HTTP/1.1 200 OK\r\n") and b"HTTP/1.1 400 " in answers, garbage[:20]
    assert names(daemon, session) == ["good"] * 5


def test_heads_that_can_be_read_in_two_ways_are_refused(daemon, session):
    body = event(session)
    for more in (
        b"Content-Length: 3\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Host: 127.0.0.1\r\n",
        b"Origin: http://a\r\nOrigin: http://b\r\n",
        b" folded: line\r\n",
        b"no colon\r\n",
        b"Name : x\r\n",
    ):
        assert raw(daemon.port, request(daemon.port, body=body, more=more)).startswith(b"HTTP/1.1 400 "), more
    without_host = b"GET /health HTTP/1.1\r\nConnection: close\r\n\r\n"
    assert raw(daemon.port, without_host).startswith(b"HTTP/1.1 400 ")
    for length in (b"-1", b"1e3", b"0x10", b"+5", b"99999999999999999999"):
        head = b"POST /event HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: %b\r\n\r\n" % (daemon.port, length)
        assert raw(daemon.port, head).startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 413 ")), length
    assert names(daemon, session) == []


def test_a_body_in_chunks_is_taken_and_a_wrong_one_is_not(daemon, session):
    head = (
        f"POST /event HTTP/1.1\r\nHost: 127.0.0.1:{daemon.port}\r\nContent-Type: application/json\r\n"
        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    ).encode()
    body = event(session, "in chunks")
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(body[at : at + 7]), body[at : at + 7]) for at in range(0, len(body), 7))
    assert raw(daemon.port, head + pieces + b"0\r\nTrailer: x\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    assert names(daemon, session) == ["in chunks"]
    for wrong in (b"zz\r\n", b"3\r\nabcdef\r\n", b"-1\r\n", b"9" * 2000):
        assert raw(daemon.port, head + wrong).startswith(b"HTTP/1.1 400 "), wrong[:10]
    assert raw(daemon.port, head + b"7fffffff\r\n").startswith(b"HTTP/1.1 413 ")


def test_who_asks_before_it_sends_is_told_to_go_on(daemon, session):
    body = event(session, "announced")
    data = request(daemon.port, body=body, more=b"Expect: 100-continue\r\nConnection: close\r\n")
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=30) as connection:
        connection.sendall(data[: -len(body)])
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_slow_senders_hold_up_nobody(daemon, session):
    slow = [socket.create_connection(("127.0.0.1", daemon.port), timeout=60) for _ in range(50)]
    body = event(session, "slow", data={"x": "y" * 1000})
    for number, connection in enumerate(slow):
        connection.sendall(request(daemon.port, body=body)[: -1 - 20 * number])
    daemon.post("/event", session_id=session, name="quick")
    # some of a body every now and then does not make a request last
    started = time.monotonic()
    answer = None
    slow[-1].settimeout(0.5)
    while answer is None and time.monotonic() - started < 60:
        try:
            slow[-1].sendall(b" ")
            answer = slow[-1].recv(1000)
        except TimeoutError:
            continue
    assert answer is not None and answer.startswith(b"HTTP/1.1 408 ")
    for connection in slow:
        connection.close()
    assert names(daemon, session) == ["quick"]


def test_many_connections_keep_nobody_out(daemon, session):
    idle = [socket.create_connection(("127.0.0.1", daemon.port), timeout=30) for _ in range(300)]
    daemon.post("/event", session_id=session, name="heard")
    half = [socket.create_connection(("127.0.0.1", daemon.port), timeout=30) for _ in range(300)]
    for connection in half:
        connection.sendall(b"POST /event HTTP/1.1\r\n")
    daemon.post("/event", session_id=session, name="heard, too")
    for connection in idle + half:
        connection.close()
    assert names(daemon, session) == ["heard", "heard, too"]


def test_who_reads_no_answers_holds_up_nobody(daemon, session):
    for number in range(50):
        daemon.post("/event", session_id=session, name=str(number), data={"x": "y" * 10_000})
    deaf = socket.create_connection(("127.0.0.1", daemon.port), timeout=30)
    deaf.setblocking(False)
    asked = request(daemon.port, f"/session?session_id={session}", b"", "GET")
    sent = 0
    try:
        while sent < 10_000:
            deaf.send(asked)
            sent += 1
    except BlockingIOError:
        pass
    daemon.post("/event", session_id=session, name="heard")
    deaf.close()
    assert names(daemon, session)[-1] == "heard"
