"""The demo finds out when a verdict is wrong or a record is missing, and shows it."""

import io
import itertools
import time

import msgspec
import pytest
from datacat_server.demo.cast import CAST, says
from datacat_server.demo.outcome import Outcome
from datacat_server.demo.records import Records, compare
from datacat_server.demo.screen import summary, table
from datacat_server.ingest.decode import decode_batches
from datacat_server.model import Session
from rich.console import Console

TALLY = {
    "state": 1,
    "event:moved": 2,
    "gauge:fps": 1,
    "counter:enemies_defeated": 3,
    "histogram:frame_time": 2,
    "timer:find_path": 1,
}
RECORDS = (
    ("state", {"state": {"level": 1}}),
    ("event", {"name": "moved", "data": {"x": 1}}),
    ("event", {"name": "moved", "data": {"x": 2}}),
    ("metric", {"name": "fps", "type": "gauge", "value": 60.0}),
    ("metric", {"name": "enemies_defeated", "type": "counter", "delta": 1, "tags": ["enemy:golem"]}),
    ("metric", {"name": "enemies_defeated", "type": "counter", "delta": 2, "tags": ["enemy:wraith"]}),
    ("metric", {"name": "frame_time", "type": "histogram", "value": 0.016}),
    ("metric", {"name": "frame_time", "type": "histogram", "value": 0.017}),
    ("metric", {"name": "find_path", "type": "timer", "value": 0.001, "count": 60}),
)


@pytest.fixture
def session(store):
    """Makes a new session of a real store out of records, a kind and a payload each."""
    numbers = itertools.count()

    def make(*records) -> Session:
        session_id = f"s{next(numbers)}"
        now = int(time.time() * 1e6)
        lines = [
            {"kind": "session", "id": session_id, "product": "p", "version": "1", "time": now},
            {"kind": "writer", "writer": "1-0", "first": 0, "next": len(records)},
        ]
        for ordinal, (kind, payload) in enumerate(records):
            lines.append({"kind": kind, "writer": "1-0", "ordinal": ordinal, "time": now + ordinal + 1, **payload})
        batches, stray = decode_batches(b"\n".join(msgspec.json.encode(line) for line in lines))
        assert not stray
        store.ingest(batches)
        return store.session(session_id)

    return make


def status(word: str, reason: str, **data):
    return "status", {"status": word, "reason": reason, "data": data}


def stacks(*functions: str):
    return [{"thread": "0x1", "frames": [{"file": "game.py", "line": 1, "function": name}]} for name in functions]


def test_all_records_are_found_in_the_session_that_has_them(session):
    assert compare(TALLY, session(*RECORDS)) == Records(logged=10, arrived=10)


@pytest.mark.parametrize("missing", range(len(RECORDS)))
def test_each_single_record_that_is_missing_is_noticed(session, missing):
    assert not compare(TALLY, session(*RECORDS[:missing], *RECORDS[missing + 1 :])).complete


def test_a_record_that_is_there_twice_is_noticed(session):
    assert not compare(TALLY, session(*RECORDS, RECORDS[1])).complete


KEY_ERROR = ("event", {"name": "exception", "exception_type": "KeyError", "stacktrace": ["in equip"]})
RIGHT = {
    1: [status("ended", "end() was called")],
    2: [KEY_ERROR, status("crashed", "uncaught exception KeyError")],
    3: [status("crashed", "killed by SIGSEGV", stacks=stacks("upload_texture"))],
    4: [status("crashed", "killed by SIGKILL")],
    5: [status("hung", "no heartbeat"), status("recovered", "back"), status("ended", "end() was called")],
    6: [status("hung", "no heartbeat", stacks=stacks("save_game", "mix_audio"))],
    7: [status("ended", "the program finished")],
}


@pytest.mark.parametrize("instance", CAST, ids=lambda instance: instance.fate)
def test_a_verdict_is_right_with_its_evidence_and_only_then(session, instance):
    right = session(*RIGHT[instance.number])
    assert instance.understood(right)
    assert says(right) == instance.expected


@pytest.mark.parametrize("instance", CAST, ids=lambda instance: instance.fate)
@pytest.mark.parametrize("wrong", ["crashed", "hung", "ended"])
def test_a_verdict_without_the_evidence_is_not_right(session, instance, wrong):
    records = [status(wrong, "nobody knows")]
    if wrong == "ended" and instance.expected == "ended":
        records = []
    assert not instance.understood(session(*records))


def shown(outcomes, width: int, *, final: bool) -> list[str]:
    """The table's lines on a terminal of that width."""
    text = io.StringIO()
    Console(file=text, width=width).print(table(outcomes, width, final=final))
    return text.getvalue().splitlines()


@pytest.fixture
def outcomes(session) -> list[Outcome]:
    """What all seven games come to, with one record of the last missing."""
    return [
        Outcome(
            instance,
            f"{instance.number}bcdef01-2345",
            f"http://127.0.0.1:8080/sessions/{instance.number}bcdef01-2345",
            session(*RIGHT[instance.number]),
            Records(123_456, 123_456 - (instance.number == 7)),
        )
        for instance in CAST
    ]


def test_the_table_shows_what_is_missing(session):
    outcomes = [
        Outcome(CAST[0], None, None, None, None),
        Outcome(CAST[3], "s", "http://127.0.0.1:8080/sessions/s", session(*RIGHT[4]), Records(4321, 4320)),
    ]
    text = "\n".join(shown(outcomes, 140, final=False))
    assert "starting" in text
    assert "4,320 of 4,321" in text
    assert "killed by SIGKILL" in text
    assert "right" not in text
    assert "wrong" not in text


@pytest.mark.parametrize("width", [40, 56, 79, 80, 100, 109, 110, 132, 200])
def test_the_table_takes_one_line_a_game_and_cuts_nothing(outcomes, width):
    lines = shown(outcomes, width, final=True)
    assert len(lines) == 2 + len(outcomes)
    assert "…" not in "".join(lines)
    for outcome, line in zip(outcomes, lines[2:], strict=True):
        assert line.startswith(str(outcome.instance.number))
        assert outcome.status in line
        assert ("✓ right" if outcome.right else "✗ wrong") in line
        if width >= 80:
            assert f" {outcome.session_id[:8]} " in line
            assert "123,45" in line


def test_the_end_is_told_in_one_line(outcomes):
    assert summary(outcomes[:6]).plain.strip() == "All 6 right, every record there"
    assert summary(outcomes).plain.strip() == "1 of 7 wrong"
