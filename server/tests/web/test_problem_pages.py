"""Problems on pages: what is shown of them, what their sessions have in common, and forms that only this site sends."""

import re
import time
from collections.abc import Callable
from typing import Any

from datacat_server.store.sqlite import SqliteStore
from litestar.testing import TestClient
from playwright.sync_api import Page, expect
from support.recordings import Recording, exception, played, segfault


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


def crashed_ones(store: SqliteStore, count: int = 3) -> str:
    for number in range(count):
        segfault(played(Recording(f"s-{number}"), 20), 21).send(store)
    return store.problems().problems[0].id


def test_a_list_of_problems_says_kind_count_and_version_and_filters(pages: TestClient, store: SqliteStore) -> None:
    crashed_ones(store)
    exception(Recording("s-x", product="Other"), 1).send(store)
    text = words(pages.get("/problems").text)
    assert "Crash" in text
    assert "1 crash and 1 exception to look into." in text
    assert "3 times 3 sessions" in text
    assert "new in 1.4.2" in text
    assert "Other" not in words(pages.get("/problems?product=MyGame&kind=crash").text)
    assert pages.get("/problems.json?kind=crash").json()["problems"][0]["count"] == 3
    assert pages.get("/problems?kind=mishap").status_code == 400
    assert "No problem like that" in pages.get("/problems?q=nowhere").text


def test_a_problem_of_an_unknown_version_is_only_new(pages: TestClient, store: SqliteStore) -> None:
    segfault(Recording("s-1", version="unknown"), 1).send(store)
    newest = pages.get("/").text.partition("Newest problems")[2].partition("</section>")[0]
    assert "MyGame, 1 session" in words(newest)
    assert "unknown" not in words(pages.get("/problems").text)
    assert "SIGSEGV in upload_texture new " in words(pages.get("/problems").text)


def test_one_problem_shows_stack_days_and_sessions_as_a_page_and_as_json(pages: TestClient, store: SqliteStore) -> None:
    problem = crashed_ones(store)
    assert 'class="hit"' not in pages.get(f"/problems/{problem}").text  # one day is no course
    segfault(Recording("s-before", started=time.time() - 86_400), 1).send(store)
    response = pages.get(f"/problems/{problem}")
    text = words(response.text)
    assert "Seen 4 times in 4 sessions" in text
    assert re.search(r'href="/sessions/s-1\?at=21\.000"', response.text)
    assert len(re.findall(r'class="hit"', response.text)) == 30
    assert len(re.findall(r'class="hit"', pages.get(f"/problems/{problem}?days=90").text)) == 90
    assert pages.get(f"/problems/{problem}?days=31").status_code == 400
    found = pages.get(f"/problems/{problem}", headers={"Accept": "application/json"}).json()
    assert found["problem"]["id"] == problem
    assert found["common"]["sessions"] == 4
    assert pages.get("/problems/none").status_code == 404


def test_a_problem_that_showed_once_says_so_and_what_it_was_first(pages: TestClient, store: SqliteStore) -> None:
    text = words(pages.get(f"/problems/{crashed_ones(store, 1)}").text)
    [problem] = store.problems().problems
    assert problem.message
    assert text.index(problem.message) < text.index("Once, in 1.4.2 on bluebird")
    assert "in common" not in text


def test_the_sessions_of_a_problem_can_be_those_of_one_version_or_machine(
    pages: TestClient, store: SqliteStore, send: Callable[..., Any]
) -> None:
    for number, (version, machine) in enumerate((("1.0", "m-1"), ("1.0", "m-2"), ("2.0", "m-1"))):
        crash = {"kind": "status", "status": "crashed", "data": {"reason": "exit code 3", "exit_code": 3}}
        send(f"s-{number}", records=[crash], version=version, machine_id=machine, hostname=f"host of {machine}")
    problem = store.problems().problems[0].id

    def shown(query: str = "") -> set[str]:
        return set(re.findall(r'<tr id="in-(s-\d)"', pages.get(f"/problems/{problem}{query}").text))

    assert shown() == {"s-0", "s-1", "s-2"}
    html = pages.get(f"/problems/{problem}").text
    assert f'/problems/{problem}?version=1.0#in-sessions"' in html
    assert f'/problems/{problem}?machine=m-1#in-sessions"' in html
    assert shown("?version=1.0") == {"s-0", "s-1"}
    assert shown("?machine=m-1") == {"s-0", "s-2"}
    assert shown("?version=1.0&machine=m-1") == {"s-0"}
    assert shown("?version=9") == set()
    assert "machine host of m-1, show those of every machine" in words(
        pages.get(f"/problems/{problem}?machine=m-1").text
    )


def test_parts_of_the_sessions_of_one_version_are_all_of_that_version(pages: TestClient, store: SqliteStore) -> None:
    for number in range(50):
        segfault(Recording(f"s-{number}", version=f"{number % 2}.0"), 1).send(store)
    problem = store.problems().problems[0].id
    address, shown = f"/problems/{problem}?version=1.0", list[str]()
    for _ in range(2):
        html = pages.get(address).text
        shown += re.findall(r'<tr id="in-s-(\d+)"', html)
        following = re.search(r'rel="next" href="([^"#]+)', html)
        address = f"/problems/{problem}{following[1].replace('&amp;', '&')}" if following else ""
    assert sorted(map(int, shown)) == list(range(1, 50, 2))
    assert not address


def test_what_is_asked_of_the_list_is_folded_on_a_narrow_screen_only(
    address: str, page: Page, store: SqliteStore
) -> None:
    crashed_ones(store, 1)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(f"{address}/problems")
    find = page.get_by_role("button", name="Find")
    unfold = page.get_by_text("Product, version, text, order")
    expect(find).to_be_visible()
    expect(unfold).to_be_hidden()
    page.set_viewport_size({"width": 360, "height": 800})
    expect(find).to_be_hidden()
    unfold.click()
    expect(find).to_be_visible()


def test_a_problem_is_resolved_reopened_and_ignored_by_forms(pages: TestClient, store: SqliteStore) -> None:
    problem = crashed_ones(store)
    for status, said in (("resolved", "resolved in 9.9"), ("open", "Resolve"), ("ignored", "Reopen")):
        token = re.search(r'name="token" value="([^"]+)"', pages.get(f"/problems/{problem}").text)
        assert token is not None
        form = {"token": token[1], "as": status, "version": "9.9"}
        answer = pages.post(f"/problems/{problem}/mark", data=form, follow_redirects=False)
        assert answer.status_code == 303
        assert store.problem(problem).status == status
        assert said in words(pages.get(f"/problems/{problem}").text)


def test_a_form_of_another_site_changes_nothing_also_where_no_key_is_asked_for(
    pages: TestClient, store: SqliteStore
) -> None:
    problem = crashed_ones(store)
    token = re.search(r'name="token" value="([^"]+)"', pages.get(f"/problems/{problem}").text)
    assert token is not None
    assert pages.post(f"/problems/{problem}/mark", data={"as": "resolved"}).status_code == 400
    pages.cookies.clear()
    assert pages.post(f"/problems/{problem}/mark", data={"as": "resolved", "token": token[1]}).status_code == 400
    assert store.problem(problem).status == "open"


def test_a_key_for_reading_marks_no_problem(
    locked_pages: TestClient, store: SqliteStore, make_key: Callable[..., str]
) -> None:
    problem = crashed_ones(store)
    bearer = {"Authorization": f"Bearer {make_key('reader', 'read')}"}
    assert 'method="post"' not in locked_pages.get(f"/problems/{problem}", headers=bearer).text
    page = locked_pages.get(f"/problems/{problem}", headers={"Authorization": "Bearer the-right-key"})
    token = re.search(r'name="token" value="([^"]+)"', page.text)
    assert token is not None
    form = {"token": token[1], "as": "resolved"}
    assert locked_pages.post(f"/problems/{problem}/mark", data=form, headers=bearer).status_code == 403
    assert store.problem(problem).status == "open"


def test_what_sessions_of_a_problem_have_in_common_is_what_a_plain_count_says(
    store: SqliteStore, api: TestClient, pages: TestClient, send: Callable[..., Any]
) -> None:
    levels = {"a": (7, True), "b": (7, True), "c": (3, True), "d": (7, False), "e": (3, False), "f": (1, False)}
    for name, (level, fails) in levels.items():
        records: list[dict[str, Any]] = [
            {"kind": "state", "state": {"level": level, "sound": "on", "open": ["map", "probe"] if fails else ["map"]}}
        ]
        if fails:
            records.append({"kind": "status", "status": "crashed", "data": {"reason": "exit code 3", "exit_code": 3}})
        send(name, records=records)
    [problem] = store.problems().problems
    found = api.get(f"/api/problems/{problem.id}/common").json()
    assert (found["sessions"], found["others"]) == (3, 3)
    told = {(one["path"], one["value"]): (one["share"], one["share_without"]) for one in found["found"]}
    assert told["level", "7"] == (2 / 3, 1 / 3)
    assert told["open", '"probe"'] == (1, 0)
    assert ("sound", '"on"') not in told  # all have it
    assert ("level", "3") not in told  # one of them has it
    differences = [one["share"] - one["share_without"] for one in found["found"]]
    assert differences == sorted(differences, reverse=True)
    text = pages.get(f"/problems/{problem.id}/common").text
    assert "/sessions?product=Game&amp;ever_contains=open%3A%22probe%22" in text
    assert api.get("/api/problems/none/common").status_code == 404
