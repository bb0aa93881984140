"""Sessions are shipped side by side: none holds up another, and none is held on to when it is over."""

import contextlib
import dataclasses
import os
import socket
import threading
from pathlib import Path

import pytest
from datacat.segment import EVENT, SegmentWriter
from datacat_daemon.config import Config
from datacat_daemon.shipping.shipper import Shipper


def test_a_session_that_is_never_acknowledged_does_not_hold_up_the_others(session, tmp_path, wait_for):
    muted, heard = (dataclasses.replace(session.manifest, session_id=name) for name in ("muted", "heard"))
    session.server.muted = {"muted"}
    other = tmp_path / "other"
    other.mkdir()
    session.write(5)
    SegmentWriter(str(other), "1-0", 4096).append(EVENT, 0, 1, b'{"name":"n"}')
    shipper = Shipper(Config())
    held = shipper.add(session.folder, muted, session.log)
    wait_for(lambda: held.failing)
    shipper.add(other, heard, session.log)
    wait_for(lambda: session.server.records("event", "heard"))
    session.server.muted = set()
    wait_for(lambda: not held.failing)
    shipper.stop(10)
    assert len(session.server.records("event", "muted")) == 5


def test_a_server_that_never_answers_does_not_delay_the_sessions_of_another(session, tmp_path, wait_for):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        lost = dataclasses.replace(session.manifest, session_id="lost", server_url=address)
        other = tmp_path / "other"
        other.mkdir()
        session.write(5)
        shipper = Shipper(Config())
        held = shipper.add(other, lost, session.log)
        wait_for(lambda: held.tried_at, "the try that gets no answer")
        shipper.add(session.folder, session.manifest, session.log)
        wait_for(lambda: len(session.server.records("event")) == 5, "the other server's records")
        assert not held.failing
        silent.close()
        shipper.stop(10)


def test_whoever_waits_for_a_session_is_told_that_all_of_it_is_shipped(session):
    session.write(5)
    told = threading.Event()
    shipper = Shipper(Config(), told.set)
    shipment = shipper.add(session.folder, session.manifest, session.log)
    shipment.finished = True
    shipment.ask()
    assert told.wait(30) and shipment.done
    assert len(session.server.records("event")) == 5
    shipper.stop(10)


def open_files_in(folder):
    names = []
    for link in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the shipper's thread has closed it meanwhile
            names.append(os.readlink(link))
    return sum(str(folder) in name for name in names)


@pytest.mark.parametrize("end", ["refused", "released"])
def test_a_session_that_nobody_ships_any_more_leaves_its_lane(session, wait_for, end):
    session.write(5)
    before = open_files_in(session.folder)
    shipper = Shipper(Config())
    shipment = shipper.add(session.folder, session.manifest, session.log)
    wait_for(lambda: session.server.records("event"), "the records")
    assert open_files_in(session.folder) > before
    if end == "released":
        shipment.released = True
    else:
        session.server.rejects = lambda lines: True
        session.write(1)
    shipment.ask()
    shipper.wake()
    wait_for(lambda: shipment.over)
    shipper.wake()
    wait_for(lambda: open_files_in(session.folder) == before, "its files are let go of")
    shipper.stop(10)


def test_a_shipper_that_stops_lets_go_of_every_file(session, wait_for):
    session.write(5)
    before = open_files_in(session.folder)
    shipper = Shipper(Config())
    shipper.add(session.folder, session.manifest, session.log)
    wait_for(lambda: session.server.records("event"), "the records")
    assert open_files_in(session.folder) > before
    shipper.stop(10)
    assert open_files_in(session.folder) == before
