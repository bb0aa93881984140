"""What the pages of problems tell beside the problem: messages, threads, what came before, what stands out, marks."""

import re
import time
from collections.abc import Iterator
from itertools import combinations

import pytest
from datacat_server.store.problems import Commonality, ProblemFilter, ProblemKind, ProblemStatus, Trait
from datacat_server.store.sqlite import SqliteStore
from datacat_server.store.sqlite.reading import commonalities
from datacat_server.store.sqlite.reading.commonalities import by_chance
from litestar.testing import TestClient
from playwright.sync_api import Browser, Page, expect
from support.recordings import AUDIO_STACK, CRASH_STACK, TRACEBACK, Recording, segfault

DAY = 86_400


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html.replace("<wbr>", ""))).strip()


def failed(recording: Recording, message: str = "'spawn_point'", kind: str = "KeyError") -> Recording:
    return recording.event(30, "exception", exception_type=kind, exception_msg=message, stacktrace=TRACEBACK)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    yield page
    page.close()


def test_the_list_shows_what_nobody_has_settled_and_the_rest_when_asked(pages: TestClient, store: SqliteStore) -> None:
    for number, kind in enumerate(("KeyError", "ValueError", "OSError")):
        failed(Recording(f"s-{number}"), kind=kind).send(store)
    ids = {one.type: one.id for one in store.problems().problems}
    store.ignore_problem(ids["ValueError"])
    store.resolve_problem(ids["OSError"], "1.4.2")

    def shown(address: str) -> set[str]:
        return {one["type"] for one in pages.get(address).json()["problems"]}

    assert shown("/problems.json") == {"KeyError"}
    assert shown("/problems.json?status=any") == {"KeyError", "ValueError", "OSError"}
    assert shown("/problems.json?status=ignored") == {"ValueError"}
    assert "1 exception to look into." in words(pages.get("/problems").text)
    # Seen in a later version it is back, and to be looked into.
    failed(Recording("s-later", version="1.5"), kind="OSError").send(store)
    assert shown("/problems.json") == {"KeyError", "OSError"}
    text = words(pages.get("/problems").text)
    assert "2 exceptions to look into; 1 came back after it was resolved." in text
    assert "back in 1.5" in text
    store.ignore_problem(ids["KeyError"])
    store.ignore_problem(ids["OSError"])
    assert "Nothing to look into: 0 resolved, 3 ignored." in words(pages.get("/problems").text)


def test_problems_are_counted_by_kind_and_status_within_a_filter(store: SqliteStore) -> None:
    failed(Recording("s-1")).send(store)
    failed(Recording("s-2", version="2.0"), kind="OSError").send(store)
    segfault(Recording("s-3", version="2.0"), 1).send(store)
    store.ignore_problem(next(one.id for one in store.problems().problems if one.type == "OSError"))
    census = store.problem_census()
    assert census.count() == 3
    assert census.count([ProblemKind.EXCEPTION]) == 2
    assert census.count([ProblemKind.EXCEPTION], [ProblemStatus.IGNORED]) == 1
    assert store.problem_census(ProblemFilter(new_in="2.0")).count() == 2
    assert store.problem_census(ProblemFilter(unsettled=True)).count() == 2
    assert not census.is_capped


def test_the_trend_of_a_problem_is_of_its_days(pages: TestClient, store: SqliteStore) -> None:
    for number, days in enumerate((1, 1, 1, 5, 45)):
        failed(Recording(f"s-{number}", started=time.time() - days * DAY - 60)).send(store)
    html = pages.get("/problems").text
    path = re.search(r'<path d="([^"]+)"/></svg></td>', html)
    assert path is not None
    assert path[1].count("M") == 2  # two of the last 30 days
    assert "4 times in the last 30 days, most on" in html
    problem = store.problems().problems[0].id
    assert "1 time before" in words(pages.get(f"/problems/{problem}").text)
    assert "1 time before" not in words(pages.get(f"/problems/{problem}?days=90").text)


def test_messages_are_told_apart_with_how_many_sessions_said_each(pages: TestClient, store: SqliteStore) -> None:
    for number, message in enumerate(("'a'", "'a'", "'a'", "'b'", "'<b>c</b>'")):
        failed(Recording(f"s-{number}"), message).send(store)
    problem = store.problems().problems[0].id
    said = store.problem_sayings(problem)
    assert (said.found[0].message, said.found[0].sessions) == ("'a'", 3)
    assert (said.sessions, said.different) == (5, 3)
    html = pages.get(f"/problems/{problem}").text
    assert "3 different in the newest 5 sessions" in words(html)
    assert "<b>c</b>" not in html
    assert len(pages.get(f"/problems/{problem}.json").json()["messages"]["found"]) == 3


def test_a_hang_shows_the_stack_of_every_thread_the_current_first(pages: TestClient, store: SqliteStore) -> None:
    stacks = [
        {"thread": "0x7f02", "name": "audio", "current": False, "frames": AUDIO_STACK},
        {"thread": "0x7f01", "name": "MainThread", "current": True, "frames": CRASH_STACK},
    ]
    recording = Recording("s-1").status(9, "hung", "No heartbeat", timeout_seconds=5, silent_seconds=6, stacks=stacks)
    recording.send(store)
    text = words(pages.get(f"/problems/{store.problems().problems[0].id}").text)
    assert text.index("MainThread current") < text.index("upload_texture engine/") < text.index("audio")
    assert "mix" in text
    assert "File &#34;/srv/game/audio.py&#34;, line 40, in mix" in text  # to be copied, as text


def test_what_came_just_before_is_told_against_sessions_in_which_it_never_comes(
    pages: TestClient, store: SqliteStore
) -> None:
    for number in range(6):
        recording = Recording(f"s-{number}").event(1, "tick")
        if number < 3:
            failed(recording.event(29, "level_loaded"))
        recording.event(31, "after").send(store)
    problem = store.problems().problems[0].id
    found = store.problem_lead_up(problem)
    assert (found.sessions, found.others) == (3, 3)
    assert {(one.name, one.count, one.count_without) for one in found.found} == {("tick", 3, 3), ("level_loaded", 3, 0)}
    text = words(pages.get(f"/problems/{problem}/common").text)
    assert "level_loaded 3 of 3 0 of 3" in text
    assert "tick" not in text  # as often without it


def test_what_stands_out_of_few_sessions_is_told_as_what_may_be_chance(pages: TestClient, store: SqliteStore) -> None:
    def with_levels(prefix: str, failing: int, others: int) -> None:
        for number in range(failing + others):
            recording = Recording(f"{prefix}-{number}", product=prefix).state(1, level=7 if number < failing else 1)
            (failed(recording) if number < failing else recording).send(store)

    def level(product: str) -> tuple[Commonality, str]:
        [problem] = store.problems(ProblemFilter(product=product)).problems
        found = store.problem_commonalities(problem.id).found
        text = words(pages.get(f"/problems/{problem.id}/common").text)
        return next(one for one in found if one.path == "level"), text

    with_levels("few", 2, 2)
    one, text = level("few")
    assert (one.count, one.count_without, one.sure) == (2, 0, False)
    assert "too few to tell" in text
    assert "may be chance" in text
    with_levels("many", 12, 20)
    one, text = level("many")
    assert (one.count, one.count_without, one.sure) == (12, 0, True)
    assert "100 % of these: level was 7 . Of the sessions without it: 0 %" in text
    assert "12 of 12" in text


def test_a_version_stands_out_where_it_matters_and_not_for_the_time_it_was_used(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One version after the other; every third session fails. In another product one of two at a time does."""
    monkeypatch.setattr(commonalities, "MOST_WITH", 12)
    monkeypatch.setattr(commonalities, "MOST_OTHERS", 12)
    began = time.time() - DAY
    for number in range(60):
        recording = Recording(f"s-{number}", product="Turns", version=f"1.{number // 20}", started=began + 60 * number)
        (failed(recording) if number % 3 == 0 else recording).send(store)
        recording = Recording(f"t-{number}", product="Pair", version=f"1.{number % 2}", started=began + 60 * number)
        (failed(recording) if number % 2 and number % 3 else recording).send(store)
    for product, expected in (("Turns", set()), ("Pair", {"1.1"})):
        [problem] = store.problems(ProblemFilter(product=product)).problems
        found = store.problem_commonalities(problem.id)
        assert (found.sessions, found.others) == (12, 12)
        assert {one.value for one in found.found if one.trait == Trait.VERSION} == expected, product


def test_where_nearly_all_sessions_have_the_problem_it_is_compared_with_the_few_others(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commonalities, "_MOST_PASSED", 3)
    for number in range(12):
        recording = Recording(f"s-{number}", started=time.time() - 600 + number)
        (failed(recording) if number else recording).send(store)
    found = store.problem_commonalities(store.problems().problems[0].id)
    assert (found.sessions, found.others) == (11, 1)


@pytest.mark.parametrize(
    ("count", "having", "without", "others"), [(2, 3, 1, 3), (3, 3, 0, 4), (1, 4, 1, 2), (4, 5, 2, 4)]
)
def test_chance_is_what_trying_every_draw_says(count: int, having: int, without: int, others: int) -> None:
    marked = set(range(count + without))
    draws = [len(marked.intersection(drawn)) >= count for drawn in combinations(range(having + others), having)]
    assert by_chance(count, having, without, others) == pytest.approx(sum(draws) / len(draws))


def test_sessions_that_there_is_no_time_for_count_on_neither_side(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        recording = Recording(f"s-{number}", started=time.time() - 600 + number).state(1, sound="on", level=number % 2)
        (failed(recording) if number % 2 else recording).send(store)
    problem = store.problems().problems[0].id
    whole = store.problem_commonalities(problem)
    assert (whole.sessions, whole.others) == (10, 10)
    monkeypatch.setattr(commonalities, "_MOST_POSTINGS", 20)
    some = store.problem_commonalities(problem)
    assert 1 < some.sessions < 10
    assert 0 < some.others < 10
    found = {(one.path, one.value): (one.share, one.share_without) for one in some.found}
    assert found["level", "1"] == (1, 0)
    assert ("sound", '"on"') not in found  # all have it, also those that were looked at


def test_a_mark_can_be_taken_back_to_what_was_before(pages: TestClient, store: SqliteStore) -> None:
    failed(Recording("s-1")).send(store)
    problem = store.problems().problems[0].id
    store.resolve_problem(problem, "7.7")

    def form(html: str, **fields: str) -> dict[str, str]:
        token = re.search(r'name="token" value="([^"]+)"', html)
        assert token is not None
        return {"token": token[1]} | fields

    asked = form(pages.get(f"/problems/{problem}").text, **{"as": "open"})
    answer = pages.post(f"/problems/{problem}/mark", data=asked)
    assert store.problem(problem).status == "open"
    assert "Open again." in answer.text
    undo = re.search(r'name="undo".*?name="version" value="7.7".*?value="resolved">Undo<', answer.text)
    assert undo is not None
    back = form(answer.text, **{"as": "resolved", "version": "7.7", "undo": "1"})
    answer = pages.post(f"/problems/{problem}/mark", data=back)
    assert (store.problem(problem).status, store.problem(problem).resolved_in) == ("resolved", "7.7")
    assert "Undo" not in answer.text


def test_what_they_have_in_common_comes_by_itself_and_by_a_link_without_script(
    address: str, page: Page, browser: Browser, store: SqliteStore
) -> None:
    for number in range(30):
        recording = Recording(f"s-{number}").state(1, level=7 if number < 10 else 1)
        (failed(recording) if number < 10 else recording).send(store)
    problem = store.problems().problems[0].id
    page.goto(f"{address}/problems/{problem}")
    finding = page.get_by_text("of these: level was 7")
    finding.wait_for()
    # It stays through an update of the page.
    failed(Recording("s-more"), "'other'").send(store)
    expect(page.get_by_role("heading", name="Messages")).to_be_visible()
    expect(finding).to_be_visible()
    context = browser.new_context(java_script_enabled=False)
    try:
        plain = context.new_page()
        plain.goto(f"{address}/problems/{problem}")
        plain.get_by_role("link", name="Compare with the sessions without it").click()
        expect(plain.get_by_text("of these: level was 7")).to_be_visible()
    finally:
        context.close()


def test_a_new_problem_comes_into_the_open_list(address: str, page: Page, store: SqliteStore) -> None:
    failed(Recording("s-1")).send(store)
    page.goto(f"{address}/problems")
    expect(page.locator("#connection")).to_have_text("live")
    segfault(Recording("s-2"), 1).send(store)
    expect(page.get_by_role("heading", level=1)).to_have_text("1 crash and 1 exception to look into.")
    expect(page.get_by_role("link", name="SIGSEGV in upload_texture")).to_be_visible()
