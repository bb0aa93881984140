"""What a machine's return says of the sessions that it came back without, and what takes that back."""

import json
import signal
import time
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from datacat_server.ingest.decode import decode_batches
from datacat_server.model import Session
from datacat_server.store.sqlite import SqliteStore
from litestar.testing import TestClient


class Machine:
    """A machine that programs run on, in direct mode or each with a daemon."""

    def __init__(self, store: SqliteStore, api: TestClient) -> None:
        self._store = store
        self._api = api
        self._ordinals: dict[str, int] = {}

    def direct(self, name: str, **fields: Any) -> None:
        """A session without a daemon begins."""
        body = {"product": "Game", "id": name, "machine_id": "m1", "hostname": "bluebird"} | fields
        assert self._api.post("/api/sessions", json=body).status_code == 200

    def daemon(self, name: str, *records: dict[str, Any], writer: str = "1-0", **fields: Any) -> None:
        """What a session's daemon sends: its line, and records."""
        began = fields.pop("time", now())
        line = {"kind": "session", "id": name, "product": "Game", "time": began, "machine_id": "m1", "boot_id": "boot1"}
        lines = [line | fields]
        if records:
            first = self._ordinals.get(name + writer, 0)
            self._ordinals[name + writer] = following = first + len(records)
            lines.append({"kind": "writer", "writer": writer, "first": first, "next": following})
            for ordinal, record in enumerate(records, first):
                lines.append({"time": now(), "writer": writer, "ordinal": ordinal} | record)
        batches, stray = decode_batches("\n".join(map(json.dumps, lines)).encode())
        assert not stray
        assert not self._store.ingest(batches).refused

    def fall_silent(self) -> None:
        """Longer than the heartbeat timeout, for every session there is."""
        self._store.suspend_silent(datetime.now(UTC) + timedelta(microseconds=1))

    def session(self, name: str) -> Session:
        return self._store.session(name)

    def alerts(self) -> list[tuple[str, str]]:
        return [(alert.session.id, alert.kind) for alert in self._store.alerts.page().alerts]


@pytest.fixture
def machine(store: SqliteStore, api: TestClient) -> Machine:
    return Machine(store, api)


def now() -> int:
    return time.time_ns() // 1000


def events(session: Session) -> list[str]:
    assert isinstance(session.events, list)
    return [event.name for event in session.events]


EVENT = {"kind": "event", "name": "moved"}


def test_a_suspended_session_has_crashed_when_its_machine_comes_back_without_it(machine: Machine) -> None:
    machine.direct("old")
    machine.fall_silent()
    assert machine.session("old").status == "suspended"
    machine.direct("new", product="Another")
    old = machine.session("old")
    assert (old.status, old.crashed, old.suspended) == ("crashed", True, False)
    assert old.ended_at is not None
    assert old.created_at <= old.ended_at <= machine.session("new").created_at
    assert old.reason is not None
    assert old.reason.startswith("its machine came back without it: a new session began there at 20")
    assert events(old) == ["session_crashed_detected"]
    assert old.verdicts[-1].data == {"kind": "missing", "presumed": True, "successor": "new"}
    assert machine.session("new").status == "active"


def test_another_boot_id_says_that_the_machine_was_restarted(machine: Machine) -> None:
    machine.daemon("watched", EVENT)
    machine.direct("direct", boot_id="boot1")
    machine.direct("in its facts", facts={"boot_id": "boot1"}, id="in-its-facts")
    machine.fall_silent()
    machine.direct("new", boot_id="boot2")
    for name in ("watched", "direct", "in-its-facts"):
        session = machine.session(name)
        assert (session.status, session.verdicts[-1].data["kind"]) == ("crashed", "reboot")
        assert (session.reason or "").startswith("its machine was restarted: a new session began there")


def test_only_a_suspended_session_of_that_machine_is_judged(machine: Machine) -> None:
    machine.direct("elsewhere", machine_id="m2")
    machine.direct("nowhere", machine_id=None)
    machine.direct("a clone's", id="clone", hostname="another")
    machine.direct("ended")
    machine._api.post("/api/sessions/ended/end")
    machine.fall_silent()
    machine.direct("heard")
    machine.direct("new")
    found = {name: machine.session(name).status for name in ("elsewhere", "nowhere", "clone", "ended", "heard", "new")}
    assert set(found.values()) == {"suspended", "ended", "active"}
    assert (found["ended"], found["heard"], found["new"]) == ("ended", "active", "active")


def test_a_session_that_began_before_the_other_was_last_heard_says_nothing_of_it(machine: Machine) -> None:
    """One that lay in the spool of its machine since yesterday, and is only now delivered."""
    machine.direct("old")
    machine.fall_silent()
    machine.daemon("leftover", EVENT, time=now() - 86_400_000_000)
    assert machine.session("old").status == "suspended"


def test_a_session_with_a_daemon_has_the_heartbeat_timeout_to_be_heard_of(machine: Machine) -> None:
    """After an outage of the network, the program that starts first must not have all others counted as crashed."""
    machine.daemon("back", EVENT)
    machine.daemon("gone", EVENT)
    machine.fall_silent()
    machine.daemon("new", EVENT)
    assert {machine.session(name).status for name in ("back", "gone")} == {"suspended"}
    machine.daemon("back")
    assert machine.session("back").status == "active"
    machine._store.suspend_silent(datetime.now(UTC) - timedelta(minutes=1))
    assert machine.session("gone").status == "suspended"
    machine._store.suspend_silent(datetime.now(UTC))
    gone = machine.session("gone")
    assert (gone.status, gone.verdicts[-1].data["kind"]) == ("crashed", "missing")
    assert "session_crashed_detected" not in events(machine.session("back"))


def speak_by_event(machine: Machine) -> None:
    machine._api.post("/api/sessions/old/events", json={"name": "moved"})


def speak_by_heartbeat(machine: Machine) -> None:
    machine._api.post("/api/sessions/old/heartbeat")


def speak_by_line(machine: Machine) -> None:
    machine.daemon("old")


def speak_by_records(machine: Machine) -> None:
    machine.daemon("old", EVENT, {"kind": "state", "state": {"a": 1}}, writer="1-1")


@pytest.mark.parametrize("speak", [speak_by_event, speak_by_heartbeat, speak_by_line, speak_by_records])
def test_a_session_that_is_heard_from_again_had_not_crashed(
    machine: Machine, speak: Callable[[Machine], None], tmp_path: Path
) -> None:
    machine.direct("old")
    machine.fall_silent()
    machine.direct("new")
    assert machine.session("old").crashed
    machine._store._writer.run(lambda ledger: ledger.forget())  # as after a restart
    speak(machine)
    old = machine.session("old")
    assert (old.status, old.crashed, old.ended_at) == ("active", False, None)
    assert old.reason == "it was heard from again: it had not crashed"
    assert [verdict.status for verdict in old.verdicts] == ["crashed", "withdrawn"]
    assert [name for name in events(old) if name != "moved"] == ["session_crashed_detected", "session_crash_withdrawn"]
    machine.fall_silent()
    assert machine.session("old").status == "suspended"
    machine.direct("newer")
    machine._store.suspend_silent(datetime.now(UTC))
    assert machine.session("old").crashed


@pytest.mark.parametrize("call", [("heartbeat", {}), ("events", {"name": "moved"}), ("state", {"state": {"a": 1}})])
def test_a_call_of_a_session_without_a_daemon_shows_that_it_lives_though_its_clock_is_behind(
    machine: Machine, call: tuple[str, dict[str, Any]]
) -> None:
    behind = {"timestamp": (datetime.now(UTC) - timedelta(minutes=10)).isoformat()}
    machine.direct("old", **behind)
    machine.fall_silent()
    machine.direct("new")
    assert machine.session("old").crashed
    path, body = call
    assert machine._api.post(f"/api/sessions/old/{path}", json=body | behind).status_code == 200
    old = machine.session("old")
    assert (old.status, old.ended_at) == ("active", None)
    assert old.verdicts[-1].status == "withdrawn"


def test_what_was_recorded_before_the_machine_was_back_is_no_sign_of_life(machine: Machine) -> None:
    """The last records of a process that is gone come from whoever clears up after it."""
    machine.daemon("old", EVENT)
    earlier = now()
    machine.fall_silent()
    machine.direct("new", boot_id="boot2")
    machine.daemon("old", EVENT | {"time": earlier}, last_heartbeat=earlier)
    old = machine.session("old")
    assert (old.status, old.event_count) == ("crashed", 3)
    data = {"kind": "reboot", "last_events": []}
    verdict = {"kind": "status", "status": "crashed", "reason": "the machine was restarted", "data": data}
    machine.daemon("old", verdict | {"time": earlier}, writer="daemon-1")
    old = machine.session("old")
    assert (old.status, old.reason) == ("crashed", "the machine was restarted")
    assert events(old).count("session_crashed_detected") == 1
    assert [verdict.data["kind"] for verdict in old.verdicts] == ["reboot", "reboot"]
    machine.daemon("old", EVENT)
    assert machine.session("old").crashed, "what its own machine has said is final"


@pytest.mark.parametrize(
    ("status", "data", "expected"),
    [("ended", {}, "ended"), ("crashed", {"kind": "signal", "signal": "SIGSEGV"}, "crashed")],
)
def test_what_its_own_machine_knows_better_takes_the_place_of_the_presumption(
    machine: Machine, status: str, data: dict[str, Any], expected: str
) -> None:
    machine.daemon("old", EVENT)
    earlier = now()
    machine.fall_silent()
    machine.direct("new", boot_id="boot2")
    verdict = {"kind": "status", "status": status, "reason": "as it was", "data": data, "time": earlier}
    machine.daemon("old", verdict, writer="daemon-1")
    old = machine.session("old")
    assert (old.status, old.crashed, old.reason) == (expected, expected == "crashed", "as it was")
    assert [verdict.status for verdict in old.verdicts] == ["crashed", "withdrawn", status]
    assert events(old).count("session_crashed_detected") == 1 + (expected == "crashed")


def test_a_session_that_hung_when_its_machine_went_stays_hung(machine: Machine) -> None:
    machine.daemon("old", {"kind": "status", "status": "hung"})
    machine.fall_silent()
    machine.direct("new", boot_id="boot2")
    old = machine.session("old")
    assert (old.status, old.hung, old.ever_hung) == ("crashed", True, True)


def test_nobody_is_told_of_a_presumed_crash_before_the_session_had_its_time_to_be_heard(machine: Machine) -> None:
    machine.direct("alive")
    machine.direct("gone")
    machine.daemon("confirmed", EVENT)
    earlier = now()
    machine.fall_silent()
    machine.direct("new", boot_id="boot2")
    assert machine.session("alive").crashed
    assert machine.session("gone").crashed
    assert machine.alerts() == []
    machine._api.post("/api/sessions/alive/heartbeat")
    verdict = {"kind": "status", "status": "crashed", "data": {"kind": "reboot"}, "time": earlier}
    machine.daemon("confirmed", verdict, writer="daemon-1")
    assert machine.alerts() == [("confirmed", "crash")]
    machine._store.suspend_silent(datetime.now(UTC))
    machine._store.suspend_silent(datetime.now(UTC))
    assert sorted(machine.alerts()) == [("confirmed", "crash"), ("gone", "crash")]


def test_a_crash_that_was_told_of_and_was_none_is_taken_back_everywhere(machine: Machine, store: SqliteStore) -> None:
    """Alerts say so once; problems and releases are as if it had never been."""
    machine.direct("alive")
    machine.fall_silent()
    machine.direct("new")
    machine._store.suspend_silent(datetime.now(UTC))
    assert machine.alerts() == [("alive", "crash")]
    assert [one.title for one in store.problems().problems] == ["Its machine came back without it"]
    assert [one.crashed for one in store.releases().releases] == [1]
    for _ in range(2):
        machine._api.post("/api/sessions/alive/heartbeat")
    assert machine.alerts() == [("alive", "withdrawn"), ("alive", "crash")]
    assert store.problems().problems == []
    assert [one.crashed for one in store.releases().releases] == [0]
    waiting = store.alerts.waiting("of a webhook that is not there yet", ("crash",), None)
    assert waiting is None
    store.alerts.settle_webhooks(["hook"])
    machine.fall_silent()
    machine.direct("newer")
    machine._store.suspend_silent(datetime.now(UTC))
    machine._api.post("/api/sessions/alive/heartbeat")
    told = store.alerts.waiting("hook", ("crash",), None)
    assert told is not None
    assert told.kinds["withdrawn"] == 1
    assert store.alerts.waiting("hook", ("problem",), None) is None


def test_silence_suspends_a_new_session_decides_and_a_beat_takes_it_back_on_a_running_server(start: Any) -> None:
    server = start("datacat-server", "--port", "0", "--heartbeat-timeout-seconds", "0.5")
    sessions = f"{server.addresses()[0]}/api/sessions"

    def post(path: str, **content: Any) -> None:
        body, headers = json.dumps(content).encode(), {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(sessions + path, body, headers), timeout=60).close()

    def wait_for(status: str) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while True:
            with urllib.request.urlopen(f"{sessions}/old", timeout=60) as answer:
                session: dict[str, Any] = json.load(answer)
            if session["status"] == status:
                return session
            assert time.monotonic() < deadline
            time.sleep(0.05)

    post("", product="Game", id="old", machine_id="m1")
    assert wait_for("suspended")["suspended"]
    post("/old/heartbeat")
    assert wait_for("active")["active"]
    wait_for("suspended")
    post("", product="Game", id="new", machine_id="m1")
    crashed = wait_for("crashed")
    assert [event["name"] for event in crashed["events"]] == ["session_crashed_detected"]
    post("/old/heartbeat")
    assert wait_for("active")["ended_at"] is None
    assert server.finish(signal.SIGTERM)[0] == 0


def test_a_removed_session_leaves_nothing_of_its_machines_return(machine: Machine, store: SqliteStore) -> None:
    machine.direct("old")
    machine.fall_silent()
    machine.direct("new")
    store.delete("old")
    store.clear()
    rows = store._writer.run(lambda ledger: ledger.db.execute("SELECT count(*) FROM returns").fetchone())
    assert rows == (0,)
    machine._store.suspend_silent(datetime.now(UTC))
    assert machine.alerts() == []


def test_a_clients_line_says_which_start_of_the_machine_it_was(machine: Machine) -> None:
    machine.daemon("s1", boot_id="b" * 300)
    kept = machine._store._writer.run(lambda ledger: ledger.db.execute("SELECT boot_id FROM sessions").fetchone())
    assert kept == ("b" * 199 + "…",)
