"""What travels between a program and its server: how often, how much, and that folding it loses nothing."""

import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.reading import get, session_with_status, wait_for
from support.servers import Server

UPDATES = """
    import sys, time
    import datacat
    session = datacat.create_session(product="Frugal", version="1", use_daemon=sys.argv[1] == "daemon")
    print(session.session_id, flush=True)
    begin = time.monotonic()
    a_second = 10 if sys.argv[1] == "daemon" else 1000
    for n in range(100):
        session.update_state({
            "level": n // 20,
            "player": {"name": "Robin", "health": 100 - n, "position": {"x": n / 2, "y": 9.5}},
            "window_state": {"open": ["map", "space probe", "inventory"], "focused": "map", "size": [1920, 1080]},
            "settings": {"difficulty": "hard", "language": "en", "sound": True, "vsync": True, "fov": 75},
            "inventory": [{"item": name, "count": 1} for name in ("sword", "lantern", "rope", "map", "apple", "key")],
            "quests": {"main": "find the harbour", "done": ["wake up", "cross the bridge", "meet the smith"]},
            "memory": {"textures_mb": 412, "sounds_mb": 38, "scripts_mb": 21},
        })
        time.sleep(max(0.0, begin + (n + 1) / a_second - time.monotonic()))
    session.end()
"""

COUNTS = """
    import sys, time
    import datacat
    session = datacat.create_session(product="Folding", version="1", batch_interval_seconds=0.2)
    print(session.session_id, flush=True)
    for n in range(4000):
        session.log_counter("hits", n % 3, tags=["a", "b"] if n % 2 else ["b", "a"])
        session.log_histogram("took", n % 8 / 4, unit="s", buckets=[0.5, 1, 1.5])
        session.log_histogram("by default", n % 5 / 1000)
        session.update_state({"same": [1, 2], "tens": n // 10})
        if n % 4 == 0:
            session.log_event("moved", {"n": n})
        time.sleep(0.0005)
    session.end()
"""
SHORT = UPDATES.replace("range(100)", "range(1)")


class Relay:
    """Passes bytes on between clients and a server, and counts them.

    Attributes:
        url: where clients find it.
        bytes: how many passed, both ways.
        requests: how many request lines there were.
    """

    def __init__(self, port: int) -> None:
        self.bytes = 0
        self.requests = 0
        self._target = port
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def close(self) -> None:
        """Stop listening; the connections end when one of their ends does."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            for source, sink in ((client, server), (server, client)):
                thread = threading.Thread(target=self._pass_on, args=(source, sink))
                self._threads.append(thread)
                thread.start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                with self._lock:
                    self.bytes += len(data)
                    self.requests += len(re.findall(rb"^(?:GET|POST) \S+ HTTP/1\.1\r$", data, re.MULTILINE))
                sink.sendall(data)
        except OSError:
            pass
        finally:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue


@contextmanager
def relayed(server: Server) -> Iterator[Relay]:
    relay = Relay(server.port)
    try:
        yield relay
    finally:
        server.stop()
        relay.close()


@pytest.fixture
def relay(server: Server) -> Iterator[Relay]:
    with relayed(server) as relay:
        yield relay


def test_a_hundred_state_updates_in_ten_seconds_are_few_requests_and_a_tenth_of_the_bytes(programs, server, relay):
    program = programs.start(UPDATES, relay.url, "daemon")
    session_id = program.stdout.readline().strip()
    program.communicate()
    session = session_with_status(server.url, session_id, "ended")
    assert wait_for(lambda: not programs.daemons())
    requests, through_daemon = relay.requests, relay.bytes
    relay.requests = relay.bytes = 0
    program = programs.start(UPDATES, relay.url, "direct")
    direct_id = program.stdout.readline().strip()
    program.communicate()
    direct = session_with_status(server.url, direct_id, "ended")
    assert session["state"] == direct["state"]
    history = [[change["state"] for change in one["state_history"]] for one in (session, direct)]
    assert history[0] == history[1]
    print(f"{requests} requests and {through_daemon} bytes; direct {relay.requests} and {relay.bytes}")
    assert relay.requests >= 100
    assert requests <= 12
    assert through_daemon < relay.bytes / 10


def test_folded_on_the_way_through_kills_of_daemon_and_server_the_sums_are_whole(programs, tmp_path):
    server = Server(tmp_path / "data")
    try:
        program = programs.start(COUNTS, server.url)
        session_id = program.stdout.readline().strip()
        address = f"{server.url}/api/sessions/{session_id}?include=vitals"
        for _ in range(2):
            assert wait_for(lambda: get(address))
            for pid in programs.daemons():
                os.kill(pid, signal.SIGKILL)
            server.kill()
            server = Server(tmp_path / "data", server.port)
            programs.start(SHORT, server.url, "daemon").communicate()  # its daemon takes care of what was left alone
        program.communicate()
        programs.start(SHORT, server.url, "daemon").communicate()  # and so does this one's, if it ran for long
        session = session_with_status(server.url, session_id, "ended")
    finally:
        server.stop()
    metrics: dict[str, list] = {}
    for metric in session["metrics"]:
        metrics.setdefault(metric["name"], []).append(metric)
    hits = metrics["hits"]
    assert hits[-1]["value"] == sum(n % 3 for n in range(4000))
    assert len(hits) < 1000
    assert hits[-1]["tags"] == ["a", "b"]
    (took,) = metrics["took"]
    assert took["count"] == 4000
    assert took["sum"] == sum(n % 8 / 4 for n in range(4000))
    assert [bucket["count"] for bucket in took["buckets"]] == [1500, 1000, 1000, 500]
    (by_default,) = metrics["by default"]
    assert by_default["count"] == 4000
    assert [bucket["le"] for bucket in by_default["buckets"]][:3] == [0.001, 0.0025, 0.005]
    assert session["state"]["tens"] == 399
    assert session["state"]["same"] == [1, 2]
    tens = [change["state"].get("tens") for change in session["state_history"]]
    assert tens == [None, *range(400)]
    assert [event["data"]["n"] for event in session["events"] if event["name"] == "moved"] == list(range(0, 4000, 4))
    assert session["refused_count"] == session["lost_count"] == 0
