"""The page of one session."""

import re

import pytest
from datacat_server.store.sqlite import SqliteStore
from litestar.testing import TestClient
from support.recordings import AUDIO_STACK, CRASH_STACK, Recording, exception, played, segfault


def words(html: str) -> str:
    """What a reader sees of a page, tags left out."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", re.sub(r"<wbr>|</?bdi>", "", html)))


def section(html: str, name: str) -> str:
    """One section of a page, without the places where names may break."""
    found = re.search(rf'<section id="{name}".*?</section>', html, re.DOTALL)
    assert found, f"no section {name}"
    return found[0].replace("<wbr>", "")


def test_the_verdict_comes_first_and_in_a_sentence(pages: TestClient, store: SqliteStore) -> None:
    segfault(played(Recording("s-1"), 20), 20.5).send(store)
    html = pages.get("/sessions/s-1").text
    verdict = section(html, "verdict")
    assert 'data-session="s-1" data-status="crashed"' in verdict
    assert "Killed by SIGSEGV (segmentation fault) in upload_texture (engine/gpu.py:88)" in words(verdict)
    assert html.index('id="verdict"') < html.index('id="timeline"') < html.index('id="events"')


def test_a_crash_shows_the_stack_of_every_thread_the_current_one_first(pages: TestClient, store: SqliteStore) -> None:
    segfault(Recording("s-1"), 20).send(store)
    verdict = section(pages.get("/sessions/s-1").text, "verdict")
    assert verdict.count('class="tab stack ') == 2
    assert verdict.index("MainThread") < verdict.index("audio")
    assert verdict.index("upload_texture</span>") < verdict.index("render_frame</span>") < verdict.index("run</span>")
    assert "engine/gpu.py:88" in verdict


def test_an_uncaught_exception_shows_its_traceback_innermost_first(pages: TestClient, store: SqliteStore) -> None:
    recording = exception(Recording("s-1"), 5)
    recording.status(5.1, "crashed", "Uncaught KeyError", kind="exception", exception_type="KeyError").send(store)
    verdict = section(pages.get("/sessions/s-1").text, "verdict")
    assert 'class="traceback"' in verdict
    assert "KeyError: &#39;spawn_point&#39;" in verdict
    assert verdict.index("load</span>") < verdict.index("run</span>")
    assert "spawn = self.data[" in verdict
    assert "Traceback (most recent call last):" in verdict


def test_what_was_logged_just_before_the_end_is_beside_the_verdict(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1").event(1, "early").event(1.96, "the_last_one").status(2, "crashed", "Bang").send(store)
    verdict = words(section(pages.get("/sessions/s-1").text, "verdict"))
    assert "40 ms info the_last_one" in verdict
    assert "session_crashed_detected" not in verdict


def test_a_hang_and_its_recovery_are_told_in_order(pages: TestClient, store: SqliteStore) -> None:
    recording = played(Recording("s-1"), 10)
    recording.status(
        12,
        "hung",
        "No heartbeat for 2 s",
        silent_seconds=2.0,
        stacks=[{"thread": "0x1", "frames": AUDIO_STACK, "current": True}],
    )
    recording.status(20, "recovered", "Answered again after 8 s").status(30, "ended", "Ended cleanly").send(store)
    html = pages.get("/sessions/s-1").text
    verdict = section(html, "verdict")
    assert words(verdict).index("No heartbeat for 2 s") < words(verdict).index("Answered again after 8 s")
    assert "Thread 1" in verdict
    assert "hung 10 s, from 0:10.000 to 0:20.000" in section(html, "timeline")


def test_the_bar_of_a_hang_is_as_long_as_its_words_say(pages: TestClient, store: SqliteStore) -> None:
    recording = Recording("s-1").status(12, "hung", "no heartbeat for 1.7 s", silent_seconds=1.7)
    recording.status(14.1, "recovered", "answered again after 4.1 s", hung_seconds=4.1)
    recording.status(20, "ended", "ended").send(store)
    assert "hung 4.1 s, from 0:10.000 to 0:14.100" in section(pages.get("/sessions/s-1").text, "timeline")


def test_a_session_that_is_hung_shows_every_stack(pages: TestClient, store: SqliteStore) -> None:
    stacks = [{"thread": str(n), "name": f"worker-{n}", "frames": CRASH_STACK} for n in range(5)]
    Recording("s-1").status(3, "hung", "No heartbeat", stacks=stacks).send(store)
    verdict = section(pages.get("/sessions/s-1").text, "verdict")
    assert 'data-status="hung"' in verdict
    assert verdict.count('class="tab stack ') == 5


def test_evidence_of_an_unexpected_shape_is_left_out(pages: TestClient, store: SqliteStore) -> None:
    for number, stacks in enumerate([7, "x", [None, 3, {"frames": 3}, {"frames": [1, {"line": "a"}]}], {"a": 1}]):
        Recording(f"s-{number}").status(1, "crashed", "Bang", stacks=stacks).send(store)
        assert pages.get(f"/sessions/s-{number}").status_code == 200


def test_the_timeline_is_folded_however_much_there_is(pages: TestClient, store: SqliteStore) -> None:
    recording = Recording("s-1")
    for number in range(20_000):
        recording.event(number / 1000, "moved", data={"x": number}, level="error" if number == 9_000 else "info")
    recording.status(20.1, "crashed", "Killed by SIGKILL").send(store)
    html = pages.get("/sessions/s-1").text
    assert html.count('class="event-row"') == 50
    assert html.count('class="bar') < 500
    lanes = section(html, "timeline").partition('id="lanes"')[2]
    assert lanes.count('class="bar error"') == 2
    assert len(html) < 300_000


def test_the_state_marks_what_its_last_change_changed(pages: TestClient, store: SqliteStore) -> None:
    recording = Recording("s-1").state(1, level=1, player={"health": 100, "name": "Ada"}, gone=True)
    recording.state(2, level=2, player={"health": 60}, gone=None, fresh="yes").send(store)
    state = section(pages.get("/sessions/s-1").text, "state")
    assert "level <s>1</s> → 2".replace(" ", "") in re.sub(r"</?(dt|dd|div)[^>]*>|\s", "", state)
    assert re.search(r'class="i1 changed"><dt>health', state)
    assert re.search(r'class="i0 added"><dt>fresh', state)
    assert re.search(r'class="i0 removed"><dt>gone', state)
    assert re.search(r'class="i1"><dt>name', state)


def test_the_state_can_be_seen_as_it_was(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1").state(1, level=1).state(5, level=2).state(9, level=3).status(10, "ended", "End").send(store)
    state = words(section(pages.get("/sessions/s-1?at=6").text, "state"))
    assert "State at 0:06.000" in state
    assert "level 1 → 2" in state
    assert "level 2 → 3" in words(section(pages.get("/sessions/s-1").text, "state"))


def test_events_are_paged_and_picked_by_level(pages: TestClient, store: SqliteStore) -> None:
    recording = Recording("s-1")
    for number in range(120):
        recording.event(number, f"event-{number:03}", level="warning" if number % 10 == 0 else "info")
    recording.send(store)
    html = pages.get("/sessions/s-1").text.replace("<wbr>", "")
    assert html.index("event-119</b>") < html.index("event-070</b>")
    assert "event-069</b>" not in html
    older = re.search(r'rel="next" href="([^"#]+)', html)
    assert older
    second = pages.get(older[1].replace("&amp;", "&")).text.replace("<wbr>", "")
    assert "event-069</b>" in second
    assert "event-070</b>" not in second
    warnings = pages.get("/sessions/s-1?level=warning").text
    assert section(warnings, "events").count('class="event-row"') == 12
    assert "warning <b>12</b>" in warnings


def test_exceptions_can_be_picked_among_the_events(pages: TestClient, store: SqliteStore) -> None:
    exception(Recording("s-1").event(1, "other", level="error"), 2).send(store)
    events = section(pages.get("/sessions/s-1?level=exception").text, "events")
    assert events.count('class="event-row"') == 1
    assert 'class="traceback"' in events


def test_a_row_opens_on_the_whole_event(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1").event(
        1,
        "saved",
        level="info",
        category="disk",
        group="io",
        labels=["slow", "big"],
        message="hello",
        data={"a": {"b": 1}},
    ).event(2, "big", data={"text": "x" * 9000}).send(store)
    html = pages.get("/sessions/s-1").text
    events = words(section(html, "events"))
    for shown in ("category disk", "group io", "labels slow , big", "hello", "&#34;b&#34;: 1"):
        assert shown in events
    assert "Its data is 9,01" in events
    address = re.search(r'href="(/sessions/s-1/events/\d+\.json)"', html)
    assert address
    assert pages.get(address[1]).json()["data"] == {"text": "x" * 9000}


def test_a_row_names_its_group_and_category(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1").event(1, "slow_query", category="log", group="app.db").event(2, "plain").send(store)
    events = section(pages.get("/sessions/s-1").text, "events")
    assert "<b>slow_query</b> <small>app.db · log</small>" in events
    assert "<b>plain</b></span>" in events


def test_the_vitals_of_the_process_come_before_what_datacat_costs(pages: TestClient, store: SqliteStore) -> None:
    recording = Recording("s-1", writer="daemon-vitals-1-0")
    for name, unit, value in (
        ("daemon_cpu_percent", "percent", 0.4),
        ("process_threads", None, 7),
        ("process_cpu_percent", "percent", 12.5),
        ("process_resident_memory_bytes", "bytes", 3.5e7),
    ):
        recording.metric(1, name, "gauge", value=value, unit=unit)
    recording.send(store)
    metrics = words(section(pages.get("/sessions/s-1").text, "metrics"))
    said = ("Process CPU 12.5 %", "memory 35 MB", "threads 7", "DataCat’s daemon CPU 0.4 %")
    assert sorted(said, key=metrics.index) == list(said)


def test_metrics_have_statistics_and_charts(pages: TestClient, store: SqliteStore) -> None:
    played(Recording("s-1"), 100).send(store)
    metrics = section(pages.get("/sessions/s-1").text, "metrics")
    for name in ("fps", "memory", "enemies_defeated", "frame_time", "load_level"):
        assert f'data-metric="{name}"' in metrics
    assert metrics.count("data-points=") >= 3
    assert 'class="histogram"' in metrics
    assert "kind:wraith" in metrics
    assert re.search(r"p50 ≈ 1[0-9.]+ ms", words(metrics))
    assert "GB" in metrics


def test_a_histogram_shows_the_mean_of_all_its_samples(pages: TestClient, store: SqliteStore) -> None:
    recording = Recording("s-1")
    for sample in (0.001, 0.003, 0.5, 99.496):
        recording.metric(1, "wait", "histogram", value=sample, unit="seconds")
    recording.send(store)
    metrics = words(section(pages.get("/sessions/s-1").text, "metrics"))
    assert "25 s mean" in metrics
    assert "count 4" in metrics


@pytest.mark.parametrize("runs", [1, 2500])
def test_a_timer_shows_its_iterations_and_how_long_each_took(pages: TestClient, store: SqliteStore, runs: int) -> None:
    recording = Recording("s-1")
    for run in range(runs):
        recording.metric(1 + run / 100, "frame", "timer", value=0.016, unit="seconds", count=3)
    recording.metric(2, "load", "timer", value=3.0, unit="seconds").send(store)
    metrics = words(section(pages.get("/sessions/s-1").text, "metrics"))
    said = {1: "1 run · 3 iterations · 5.33 ms each", 2500: "2,500 runs · 7,500 iterations · 5.33 ms each"}
    assert said[runs] in metrics
    assert "load timer 3 s one reading, at 0:02" in metrics


def test_refused_and_dropped_records_are_shown(pages: TestClient, store: SqliteStore) -> None:
    recording = Recording("s-1", dropped=7).event(1, "good")
    recording.add("event", 2, name="bad", data=[1]).send(store)
    html = pages.get("/sessions/s-1").text
    assert "7 records were dropped" in words(section(html, "verdict"))
    assert "data" in words(section(html, "refused"))
    assert "4711-ab12cd-0 #1" in words(section(html, "refused"))


def test_the_facts_of_process_and_machine_are_shown(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1").event(1, "started").send(store)
    process = words(section(pages.get("/sessions/s-1").text, "process"))
    for shown in ("host bluebird", "pid 4711", "python 3.11.7", "command line game.py"):
        assert shown in process


def test_a_session_without_any_record_has_a_page(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1", hostname=None, facts={}).send(store)
    answer = pages.get("/sessions/s-1")
    assert answer.status_code == 200
    assert "No events." in answer.text


def test_a_session_is_also_json(pages: TestClient, store: SqliteStore) -> None:
    played(Recording("s-1"), 5).send(store)
    for answer in (pages.get("/sessions/s-1.json"), pages.get("/sessions/s-1", headers={"Accept": "application/json"})):
        whole = answer.json()
        assert whole["id"] == "s-1"
        assert whole["events"]
        assert whole["metrics"]


def test_a_crash_while_it_hung_shows_where_it_hung(pages: TestClient, store: SqliteStore) -> None:
    stacks = [{"thread": "0x00007f12", "frames": CRASH_STACK, "current": True}]
    recording = Recording("s-1").status(3, "hung", "no heartbeat for 2 s", stacks=stacks)
    recording.status(9, "crashed", "killed by SIGKILL", kind="signal", signal="SIGKILL").send(store)
    html = section(pages.get("/sessions/s-1").text, "verdict")
    verdict = words(html)
    assert "no heartbeat for 2 s" in verdict
    assert "killed by SIGKILL" in verdict
    assert "The current thread when it hung, at 0:03.000" in verdict
    assert "Thread 1" in verdict
    assert 'title="0x7f12"' in html


def test_the_main_thread_is_known_by_what_it_began_with(pages: TestClient, store: SqliteStore) -> None:
    main = [*CRASH_STACK, {"file": "/srv/game/game.py", "line": 320, "function": "<module>"}]
    stacks = [{"thread": "0x7f12", "frames": AUDIO_STACK}, {"thread": "0x7f01", "frames": main, "current": True}]
    Recording("s-1").status(3, "hung", "no heartbeat for 2 s", stacks=stacks).send(store)
    verdict = words(section(pages.get("/sessions/s-1").text, "verdict"))
    assert verdict.index("Main thread") < verdict.index("Thread 2")
    assert "0x7f" not in verdict


def test_a_crash_after_a_recovery_is_not_blamed_on_the_hang(pages: TestClient, store: SqliteStore) -> None:
    stacks = [{"thread": "0x1", "frames": CRASH_STACK, "current": True}]
    recording = Recording("s-1").status(3, "hung", "no heartbeat", stacks=stacks).status(4, "recovered", "back")
    recording.status(9, "crashed", "killed by SIGKILL.").send(store)
    verdict = words(section(pages.get("/sessions/s-1").text, "verdict"))
    assert "Killed by SIGKILL." in verdict
    assert "while it hung" not in verdict


def test_a_sentence_says_where_in_the_code(pages: TestClient, store: SqliteStore) -> None:
    stacks = [{"thread": "0x1", "frames": AUDIO_STACK, "current": True}]
    Recording("s-1").status(3, "crashed", "killed by SIGSEGV (segmentation fault)", stacks=stacks).send(store)
    verdict = words(section(pages.get("/sessions/s-1").text, "verdict"))
    assert "Killed by SIGSEGV (segmentation fault) in mix (game/audio.py:40)" in verdict


def test_a_session_that_sleeps_or_ends_says_so(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1").status(3, "suspended", "the machine sleeps").send(store)
    assert "Suspended: the machine sleeps." in words(pages.get("/sessions/s-1").text)
    Recording("s-2").status(65, "ended", "end() was called").send(store)
    assert "Ended after 1 min 5 s: end() was called." in words(pages.get("/sessions/s-2").text)


def test_a_session_whose_id_looks_like_a_file_has_a_page(pages: TestClient, store: SqliteStore) -> None:
    Recording("run.json").event(1, "started").send(store)
    answer = pages.get("/sessions/run.json")
    assert answer.headers["content-type"].startswith("text/html")
    assert 'href="/sessions/run.json.json"' in answer.text
    assert pages.get("/sessions/run.json.json").json()["id"] == "run.json"
    assert pages.get("/sessions/run.json", headers={"Accept": "application/json"}).json()["id"] == "run.json"
    assert pages.get("/sessions/gone.json").json()["error"] == "not_found"


def test_the_frame_that_the_sentence_names_is_the_one_that_stands_out(pages: TestClient, store: SqliteStore) -> None:
    stacks = [{"thread": "0x1", "frames": AUDIO_STACK, "current": True}]
    Recording("s-1").status(3, "crashed", "killed by SIGSEGV", stacks=stacks).send(store)
    verdict = section(pages.get("/sessions/s-1").text, "verdict")
    assert re.findall(r'class="frame[^"]*told"><span class="function">(\w+)', verdict) == ["mix"]


def test_the_exception_that_ended_a_session_is_not_what_was_before_it(pages: TestClient, store: SqliteStore) -> None:
    recording = exception(Recording("s-1").event(4, "level_loaded"), 5)
    recording.status(5.1, "crashed", "Uncaught KeyError", kind="exception", exception_type="KeyError").send(store)
    before = re.search(r'<ol class="before">.*?</ol>', pages.get("/sessions/s-1").text, re.DOTALL)
    assert before
    assert "level_<wbr>loaded" in before[0]
    assert "KeyError" not in before[0]


def test_what_was_detected_is_told_without_what_is_shown_elsewhere(pages: TestClient, store: SqliteStore) -> None:
    recording = segfault(Recording("s-1"), 20)
    recording.lines[-1]["data"] |= {"last_events": [{"name": "moved", "time": 1}], "time": 1_795_298_400_000_000}
    recording.send(store)
    events = words(section(pages.get("/sessions/s-1").text, "events"))
    assert "2026-11-21T22:00:00.000000Z" in events
    assert "SIGSEGV" in events
    for left_out in ("last_events", "stacks", "1795298400000000"):
        assert left_out not in events


def test_an_end_says_its_exit_code_and_a_command_can_be_typed(pages: TestClient, store: SqliteStore) -> None:
    recording = Recording("s-1", version="unknown", facts={"argv": ["my game.py", "--level", "2"]})
    recording.status(5, "ended", "the program finished", exit_code=0).send(store)
    html = pages.get("/sessions/s-1").text
    assert "Ended after 5 s: the program finished, with exit code 0." in words(html)
    assert "&#39;my game.py&#39; --level 2" in html
    assert "lived 5 s" in words(html)
    assert "<h1><bdi>MyGame</bdi> <span" in html


def test_a_session_that_runs_is_running(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1").event(1, "started").send(store)
    html = words(pages.get("/sessions/s-1").text)
    assert "running 10 min" in html
    assert "lived" not in html


def test_other_processes_of_the_session_are_shown_with_their_pids(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1").event(1, "alone").send(store)
    assert "other processes" not in pages.get("/sessions/s-1").text
    Recording("s-1", writer="4712-ab12cd-0").event(2, "from a child").send(store)
    assert "other processes pid 4712 (1 record)" in words(section(pages.get("/sessions/s-1").text, "process"))
