"""The verdict of a session's page: what became of it in one sentence, what came before, and its own frames."""

import re
import time
from datetime import UTC, datetime

from datacat_server.store.sqlite import SqliteStore
from datacat_server.telling.evidence import Frame, folded
from datacat_server.telling.sentence import sentence
from litestar.testing import TestClient
from support.recordings import AUDIO_STACK, Recording, exception, played, segfault


def verdict(pages: TestClient, session: str = "s-1") -> str:
    """What a reader sees of the verdict."""
    html = pages.get(f"/sessions/{session}").text.replace("<wbr>", "")
    found = re.search(r'<section id="verdict".*?</section>', html, re.DOTALL)
    assert found
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", found[0]))


def test_a_crash_is_told_with_the_event_before_it_and_what_changed_last(pages: TestClient, store: SqliteStore) -> None:
    recording = Recording("s-1").state(1, level=6, player={"x": 1}).event(19.96, "texture_evicted", level="warning")
    segfault(recording.state(19.9, level=7, player={"x": 4, "lives": 3}), 20).send(store)
    told = verdict(pages)
    assert "in upload_texture (engine/gpu.py:88), 40 ms after texture_evicted." in told
    assert "0.1 s before, level went from 6 to 7, player.x went from 1 to 4, player.lives became 3." in told


def test_memory_that_had_grown_is_told_and_memory_that_had_not_is_not(pages: TestClient, store: SqliteStore) -> None:
    for session, growth in (("s-1", 2e7), ("s-2", 1e3)):
        recording = Recording(session, writer="daemon-vitals-1-0")
        for second in range(200):
            value = 4e8 + max(0, second - 100) * growth
            recording.metric(second, "process_resident_memory_bytes", "gauge", value=value, unit="bytes")
        segfault(recording, 200).send(store)
    assert "Memory had grown from 480 MB to 2.4 GB in the last 1 min 35 s." in verdict(pages)
    assert "Memory" not in verdict(pages, "s-2")


def test_a_session_that_hangs_says_for_how_long_and_where(pages: TestClient, store: SqliteStore) -> None:
    recording = Recording("s-1", started=time.time() - 100).event(40, "level_loading")
    stacks = [{"thread": "0x1", "name": "MainThread", "frames": AUDIO_STACK, "current": True}]
    recording.status(70, "hung", "no heartbeat for 30 s", silent_seconds=30.0, stacks=stacks).send(store)
    told = verdict(pages)
    assert "Hung for 1 min" in told
    assert " in mix (game/audio.py:40), 30 s after level_loading: no heartbeat for 30 s." in told


def test_a_session_that_runs_says_what_it_did_last_and_whether_it_was_well(
    pages: TestClient, store: SqliteStore
) -> None:
    recording = Recording("s-1", started=time.time() - 90).event(80, "level_loaded")
    recording.send(store)
    told = verdict(pages)
    assert re.search(r"Running for 1 min \d+ s, with no exception so far; last event level_loaded \d+ s ago\.", told)
    exception(recording, 30).send(store)
    assert re.search(r"with one exception so far, (1 min|\d+ s) ago: KeyError: &#39;spawn_point&#39;", verdict(pages))


def test_a_clean_end_tells_what_was_not_well_on_the_way(pages: TestClient, store: SqliteStore) -> None:
    recording = exception(exception(played(Recording("s-1"), 20), 5), 8)
    recording.status(10, "hung", "no heartbeat", silent_seconds=2.0).status(12, "recovered", "back", hung_seconds=4.0)
    recording.status(20, "ended", "the program finished", exit_code=0).send(store)
    assert (
        "Ended after 20 s: the program finished, with exit code 0; 2 exceptions were logged on the way, the last "
        "KeyError: &#39;spawn_point&#39;; it hung on the way, and recovered." in verdict(pages)
    )


def test_the_state_at_the_end_stands_among_the_evidence(pages: TestClient, store: SqliteStore) -> None:
    segfault(Recording("s-1").state(1, level=6).state(2, level=7), 20).send(store)
    assert re.search(r"Last state Changed last at 0:02\.000.*level6 → 7", verdict(pages))


def test_frames_of_libraries_are_folded_beside_ones_own(pages: TestClient, store: SqliteStore) -> None:
    library = {"file": "/usr/lib/python3.11/queue.py", "line": 171, "function": "get"}
    own = {"file": "/srv/game/loader.py", "line": 77, "function": "fetch"}
    stacks = [{"thread": "0x1", "frames": [library, library, own, library], "current": True}]
    Recording("s-1").status(9, "crashed", "killed by SIGSEGV", stacks=stacks).send(store)
    html = pages.get("/sessions/s-1").text
    assert html.count("<summary>2 frames of libraries</summary>") == 1
    assert re.findall(r'class="frame[^"]*told"><span class="function">(\w+)', html) == ["fetch"]
    frames = [Frame("get", "/usr/lib/python3.11/queue.py", 171)] * 3
    assert [part.folded for part in folded(frames)] == [False]
    assert folded([]) == []


def test_the_sentence_is_the_same_without_a_page(pages: TestClient, store: SqliteStore) -> None:
    recording = Recording("s-1", started=time.time() - 100)
    recording.status(70, "hung", "no heartbeat for 30 s", silent_seconds=30.0).send(store)
    session, now = store.session("s-1", ()), datetime.now(UTC)
    assert re.fullmatch(
        r"Hung for 1 min[ \ds]*: no heartbeat for 30 s\.", sentence(session, [], None, None, now).text(now)
    )


def test_times_before_a_crash_count_from_its_exception_not_from_the_end_of_the_process(
    pages: TestClient, store: SqliteStore
) -> None:
    recording = Recording("s-1").state(1, level=6).event(9.98, "door_opened").state(9.9, level=7)
    exception(recording, 10).status(14, "crashed", "uncaught exception KeyError", kind="exception").send(store)
    told = verdict(pages)
    assert "20 ms after door_opened." in told
    assert "0.1 s before, level went from 6 to 7." in told
    assert "−20 ms" in told


def test_a_link_leads_to_a_comparison_with_the_nearest_that_ended_well(pages: TestClient, store: SqliteStore) -> None:
    for session, started, version in (("far", 100, "1"), ("near", 200, "1"), ("other", 250, "2"), ("late", 400, "1")):
        recording = Recording(session, started=1_780_000_000 + started, version=version).event(1, "x")
        recording.status(5, "ended", "the program finished").send(store)
    segfault(Recording("bad", started=1_780_000_300, version="1"), 2).send(store)
    segfault(Recording("alone", started=1_780_000_300, product="Solo"), 2).send(store)
    assert "/sessions/bad/compare" in pages.get("/sessions/bad").text
    for session, there in (("bad", "ids=near&ids=bad"), ("alone", "ids=alone"), ("other", "ids=near&ids=other")):
        answer = pages.get(f"/sessions/{session}/compare", follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/compare?{there}")
    assert pages.get("/sessions/none/compare").status_code == 404
