"""What a logging call returned from arrives, once, whatever is killed, and whatever comes late."""

import os
import signal
import socket
import time

from support.reading import get, numbers, session_with_status, wait_for
from support.servers import Server

PLAYS_TO_THE_END = """
    import sys, time
    import datacat
    session = datacat.create_session(product="Unlucky", version="1")
    print(session.session_id, flush=True)
    events, pause = int(sys.argv[1]), float(sys.argv[2])
    for n in range(events):
        session.log_event("moved", {"n": n})
        time.sleep(pause)
    session.end()
"""

LOGS_UNTIL_KILLED = """
    import itertools
    import datacat
    session = datacat.create_session(product="Unlucky", version="1")
    print(session.session_id, flush=True)
    for n in itertools.count():
        session.log_event("moved", {"n": n})
        print(n, flush=True)
"""

LOGS_AND_KILLS_ITSELF = """
    import os, signal
    import datacat
    session = datacat.create_session(product="Unlucky", version="1")
    print(session.session_id, flush=True)
    for n in range(20000):
        session.log_event("moved", {"n": n})
    os.kill(os.getpid(), signal.SIGKILL)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def emptied(programs) -> bool:
    """Whether the daemons have taken away the folders of all processes."""
    return not list(programs.spool.glob("*-*/"))


def read_numbers(program, count: int) -> int:
    """Read so many of the numbers that a program prints; the last of them."""
    return [int(program.stdout.readline()) for _ in range(count)][-1]


def last_number(program, read: int) -> int:
    """The last number that a program printed before it was killed; its very last line may be cut short."""
    whole = program.stdout.read().split("\n")[:-1]
    return int(whole[-1]) if whole else read


def test_a_program_that_ran_without_a_server_is_whole_once_there_is_one(programs, tmp_path):
    port = free_port()
    program = programs.start(PLAYS_TO_THE_END, f"http://127.0.0.1:{port}", "500", "0")
    session_id = program.communicate()[0].strip()
    assert program.returncode == 0
    server = Server(tmp_path / "data", port)
    try:
        session = session_with_status(server.url, session_id, "ended")
        assert numbers(session) == list(range(500))
        assert wait_for(lambda: emptied(programs))
    finally:
        server.stop()


def test_twenty_thousand_events_and_sigkill_at_once(programs, server):
    program = programs.start(LOGS_AND_KILLS_ITSELF, server.url)
    session_id = program.communicate()[0].strip()
    assert program.returncode == -signal.SIGKILL
    session = session_with_status(server.url, session_id, "crashed")
    assert numbers(session) == list(range(20000))  # the verdict comes last, when all records are there


def test_killed_at_any_moment_every_event_is_there_that_was_logged(programs, server):
    program = programs.start(LOGS_UNTIL_KILLED, server.url)
    session_id = program.stdout.readline().strip()
    read = read_numbers(program, 1000)
    program.kill()
    last_logged = last_number(program, read)
    arrived = numbers(session_with_status(server.url, session_id, "crashed"))
    assert arrived == list(range(len(arrived)))
    assert len(arrived) > last_logged


def test_a_killed_daemon_loses_nothing(programs, server):
    program = programs.start(PLAYS_TO_THE_END, server.url, "300", "0.005")
    session_id = program.stdout.readline().strip()
    assert wait_for(lambda: get(f"{server.url}/api/sessions/{session_id}"))
    for pid in programs.daemons():
        os.kill(pid, signal.SIGKILL)
    program.communicate()
    # The next program's daemon finds what was left behind.
    programs.start(PLAYS_TO_THE_END, server.url, "1", "0").communicate()
    session = session_with_status(server.url, session_id, "ended")
    assert numbers(session) == list(range(300))


def test_a_killed_server_loses_nothing_and_doubles_nothing(programs, tmp_path):
    server = Server(tmp_path / "data")
    try:
        program = programs.start(PLAYS_TO_THE_END, server.url, "1500", "0.002")
        address = f"{server.url}/api/sessions/{program.stdout.readline().strip()}"
        for _ in range(3):
            assert wait_for(lambda: get(address))
            time.sleep(0.3)
            server.kill()
            server = Server(tmp_path / "data", server.port)
        program.communicate()
        assert wait_for(lambda: get(address)["status"] == "ended")
        assert numbers(get(address)) == list(range(1500))
    finally:
        server.stop()


def test_everything_killed_at_once_loses_nothing(programs, tmp_path):
    server = Server(tmp_path / "data")
    try:
        program = programs.start(LOGS_UNTIL_KILLED, server.url)
        session_id = program.stdout.readline().strip()
        read = read_numbers(program, 2000)
        for pid in [program.pid, *programs.daemons()]:
            os.kill(pid, signal.SIGKILL)
        server.kill()
        last_logged = last_number(program, read)
        server = Server(tmp_path / "data", server.port)
        programs.start(PLAYS_TO_THE_END, server.url, "1", "0").communicate()
        arrived = numbers(session_with_status(server.url, session_id, "crashed"))
        assert arrived == list(range(len(arrived)))
        assert len(arrived) > last_logged
    finally:
        server.stop()
