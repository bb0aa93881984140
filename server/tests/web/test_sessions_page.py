"""The list of sessions."""

import json
import re
import traceback
from collections.abc import Callable

import pytest
from datacat_server.config import Config
from datacat_server.store.sqlite import SqliteStore
from datacat_server.web.app import create_web
from datacat_server.web.sessions import chosen
from datacat_server.web.shell.errors import PageError
from litestar.testing import TestClient
from support.recordings import Recording, exception, played, segfault


def test_an_empty_store_shows_an_example(pages: TestClient) -> None:
    text = pages.get("/sessions").text
    assert "Nothing has been logged yet" in text
    assert "import datacat" in text


@pytest.mark.parametrize(
    ("config", "headers", "shown"),
    [
        (Config(), {"Host": "localhost:8080"}, "http://localhost:9090"),
        (Config(host="0.0.0.0", server_port=9191), {"Host": "bluebird.lan:8080"}, "http://bluebird.lan:9191"),
        (Config(host="::"), {"Host": "[fd00::7]:8080"}, "http://[fd00::7]:9090"),
        (Config(host="bluebird.example", tls_cert_file="c", tls_key_file="k"), {}, "https://bluebird.example:9090"),
        (Config(host="fd00::7"), {}, "http://[fd00::7]:9090"),
        (Config(host="0.0.0.0", tls_cert_file="c", tls_key_file="k"), {"Host": "a.example"}, "https://a.example:9090"),
        (Config(), {"X-Forwarded-Host": "cat.example", "X-Forwarded-Proto": "https"}, "https://cat.example:9090"),
        (Config(), {"X-Forwarded-Host": 'x"); evil("'}, "http://localhost:9090"),
    ],
)
def test_the_example_sends_where_the_browser_found_this_server(
    store: SqliteStore, config: Config, headers: dict[str, str], shown: str
) -> None:
    with TestClient(create_web(store, config)) as client:
        for address in ("/", "/sessions"):
            text = client.get(address, headers=headers).text
            assert f'create_session("{shown}"' in text
            assert ("Something stands between" in text) is ("X-Forwarded-Host" in headers)
        assert client.get("/settings.json", headers=headers).json()["api_address"] == shown


def test_a_row_says_what_a_session_is(pages: TestClient, store: SqliteStore) -> None:
    segfault(exception(played(Recording("s-1"), 20), 20), 21).send(store)
    text = pages.get("/sessions").text.replace("<wbr>", "")
    assert 'data-session="s-1"' in text
    assert 'data-status="crashed"' in text
    assert "Killed by SIGSEGV (segmentation fault) in upload_texture" in text
    for shown in ("MyGame", "1.4.2", "bluebird", "10 min ago", "21 s"):
        assert shown in text


def test_a_row_has_the_beginning_of_the_id_which_a_terminal_takes(pages: TestClient, store: SqliteStore) -> None:
    Recording("5f0c2d7e-1b6a-4f6e-9a51-000000abcdef").status(1, "crashed", "exit code 3").send(store)
    for address in ("/", "/sessions"):
        assert "<bdi>5f0c2d7e</bdi>" in pages.get(address).text


def test_the_reason_of_a_clean_end_is_told_quietly(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1", version="unknown").status(1, "ended", "end() was called").send(store)
    text = pages.get("/sessions").text
    assert re.search(r'<td class="why calm"><span class="told"[^>]*>end\(\) was called</span>', text)
    assert "unknown" not in text
    assert re.search(r'class="n events">0<span class="unit"> events<', text)


def test_a_session_that_hung_and_went_on_says_so(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1").status(1, "hung", "Silent").status(2, "recovered", "Back").status(3, "ended", "End").send(store)
    text = pages.get("/sessions").text
    assert 'data-status="ended"' in text
    assert "hung before" in text


def test_filters_are_in_the_address(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1", product="One").status(1, "ended", "End").send(store)
    Recording("s-2", product="Two").status(1, "crashed", "Bang").send(store)
    assert 'data-session="s-2"' not in pages.get("/sessions?product=One").text
    crashed = pages.get("/sessions?status=crashed").text
    assert 'data-session="s-2"' in crashed
    assert 'data-session="s-1"' not in crashed
    assert "No session like that" in pages.get("/sessions?status=hung").text


def test_every_session_is_on_exactly_one_page(pages: TestClient, store: SqliteStore) -> None:
    for number in range(130):
        Recording(f"s-{number}", started=1_700_000_000 + number).event(1, "job").send(store)
    address, seen = "/sessions.json", []
    while address:
        page = pages.get(address).json()
        seen += [session["id"] for session in page["sessions"]]
        assert page["total"] == 130
        address = f"/sessions.json?cursor={page['cursor']}" if page["cursor"] else ""
    assert sorted(seen) == sorted(f"s-{number}" for number in range(130))
    assert 'rel="next"' in pages.get("/sessions").text


def test_a_filter_or_cursor_that_is_none_is_explained(pages: TestClient) -> None:
    for query in ("status=asleep", "cursor=nonsense", "state=nonsense", "sort=mood"):
        answer = pages.get(f"/sessions?{query}")
        assert answer.status_code == 400
        assert "This list cannot be shown." in answer.text


def test_the_list_is_also_json(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1").event(1, "started").send(store)
    for answer in (pages.get("/sessions.json"), pages.get("/sessions", headers={"Accept": "application/json"})):
        assert answer.headers["content-type"].startswith("application/json")
        assert answer.json()["sessions"][0]["id"] == "s-1"


def test_a_product_that_is_not_there_is_said_in_plain_words_with_those_alike(
    pages: TestClient, store: SqliteStore
) -> None:
    Recording("s-1", product="SpaceGame").event(1, "started").send(store)
    text = pages.get("/sessions?product=space&status=hung").text
    assert "No session like that" in text
    assert 'href="/sessions?product=SpaceGame&amp;status=hung"' in text
    assert "No session is hung." in pages.get("/sessions?status=hung").text


def test_the_whole_filter_is_in_the_address_and_stays_there(pages: TestClient, store: SqliteStore) -> None:
    for number in range(51):
        Recording(f"s-{number}", product="One").status(1, "hung", "Silent").event(2, "x").send(store)
    Recording("s-out", product="Two").send(store)
    answer = pages.get("/sessions?status=ever_hung&machine=bluebird&state=product:One&q=S-&sort=-event_count")
    assert 'data-session="s-out"' not in answer.text
    older = re.search(r'rel="next" href="([^"]*)"', answer.text)
    assert older is not None
    address = older[1].replace("&amp;", "&")
    assert address.startswith(
        "/sessions?status=ever_hung&machine=bluebird&state=product%3AOne&q=S-&sort=-event_count&c"
    )
    assert len(pages.get(address, headers={"Accept": "application/json"}).json()["sessions"]) == 1
    assert "No session like that" in pages.get("/sessions?q=nobody").text


def test_a_search_leads_to_an_address_of_plain_parameters(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1", product="My Game").state(1, level=7).event(2, "x").send(store)
    answer = pages.get('/sessions?search=product:"My Game" state.level=7 bird&sort=-updated', follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sessions?product=My+Game&state=level%3A7&q=bird&sort=-updated"
    text = pages.get(answer.headers["location"]).text
    assert 'data-session="s-1"' in text
    assert 'value="product:&#34;My Game&#34; state.level=7 bird"' in text, "the line says what the list shows"


def test_a_line_that_cannot_be_read_is_shown_to_be_mended(pages: TestClient) -> None:
    answer = pages.get("/sessions?search=ever:level product:x")
    assert answer.status_code == 400
    assert "expected path=value" in answer.text
    assert 'value="ever:level product:x"' in answer.text


def test_every_filter_is_a_chip_that_takes_it_away(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1").state(1, level=7).send(store)
    text = pages.get("/sessions?product=MyGame&from=-7d&state=level:7&status=active").text
    assert chip(text, "product:") == "/sessions?from=-7d&state=level%3A7&status=active"
    assert chip(text, "since:") == "/sessions?product=MyGame&state=level%3A7&status=active"
    assert chip(text, "level =") == "/sessions?product=MyGame&from=-7d&status=active"


def chip(text: str, words: str) -> str:
    found = re.search(rf'<a class="chip" href="([^"]*)"[^>]*>{words} ', text)
    assert found is not None, words
    return found[1].replace("&amp;", "&")


def test_headings_sort_and_sort_the_other_way(pages: TestClient, store: SqliteStore) -> None:
    for number in range(3):
        recording = Recording(f"s-{number}")
        for event in range(number + 1):
            recording.event(event, "x")
        recording.send(store)
    text = pages.get("/sessions?sort=-event_count").text
    assert re.findall(r'data-session="([^"]*)"', text) == ["s-2", "s-1", "s-0"]
    assert re.search(r'aria-sort="descending"><a href="/sessions\?sort=event_count">events', text)
    other = pages.get("/sessions?sort=event_count").text
    assert re.findall(r'data-session="([^"]*)"', other) == ["s-0", "s-1", "s-2"]
    assert re.search(r'aria-sort="ascending"><a href="/sessions\?sort=-event_count">events', other)


def test_chosen_columns_stay_in_the_address_and_in_the_browser(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1").event(1, "x").send(store)
    assert "bluebird" in pages.get("/sessions").text
    answer = pages.get("/sessions?column=id&column=events&column=none&product=MyGame", follow_redirects=False)
    assert answer.headers["location"] == "/sessions?product=MyGame&columns=events%2Cid"
    text = pages.get("/sessions").text
    assert "bluebird" not in text
    assert '<td class="id mono">s-1</td>' in text
    assert "bluebird" in pages.get("/sessions?columns=machine").text, "an address says its own"


def test_a_row_shows_when_a_session_was_busy(pages: TestClient, store: SqliteStore) -> None:
    recording = Recording("s-1").event(0, "x")
    for _ in range(3):
        recording.event(240, "broken", level="error")
    recording.status(240, "ended", "End").send(store)
    Recording("s-empty").send(store)
    activity = store.activity(["s-1", "s-empty", "none"], 4)
    assert activity["s-1"].events == [1, 0, 0, 3]
    assert activity["s-1"].errors == [0, 0, 0, 3]
    assert set(activity) == {"s-1", "s-empty"}
    text = pages.get("/sessions").text
    assert len(re.findall(r'<svg class="spark"', text)) == 1
    assert 'class="errors" d="M92 20v' in text


def test_the_activity_of_a_long_session_is_that_of_its_events(store: SqliteStore) -> None:
    recording = Recording("s-long")
    for number in range(12_000):
        recording.event(number / 100, "x", level="error" if number >= 11_900 else "info")
    recording.send(store)
    activity = store.activity(["s-long"], 4)["s-long"]
    assert sum(activity.events) == 12_000
    assert sum(activity.errors) == 100
    assert all(abs(count - 3_000) < 100 for count in activity.events)
    assert activity.errors[:3] == [0, 0, 0]


def test_what_is_shown_can_be_exported(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1", product="One").event(1, "a").send(store)
    Recording("s-2", product="Two").event(1, "b").send(store)
    text = pages.get("/sessions?product=One").text
    assert 'href="/export?product=One" download' in text
    answer = pages.get("/export?product=One")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert "attachment" in answer.headers["content-disposition"]
    assert [line["session"] for line in lines if line["kind"] == "session"] == ["s-1"]
    assert lines[-1]["kind"] == "end"
    chosen = pages.get("/export?ids=s-2&ids=none&ids=s-1").json()
    assert [session["id"] for session in chosen] == ["s-2", "s-1"]
    assert pages.get("/export?ids=none").json() == []
    assert pages.get("/export?status=asleep").status_code == 400


def test_sessions_are_deleted_only_after_a_question(pages: TestClient, store: SqliteStore) -> None:
    for name in ("s-1", "s-2", "s-3"):
        Recording(name, product=f"Product of {name}").event(1, "x").send(store)
    asked = pages.get("/delete?ids=s-1&ids=s-2&ids=none")
    assert "Delete 2 sessions?" in asked.text
    assert "Product of s-1" in asked.text
    assert store.sessions().total == 3
    token = re.search(r'name="token" value="([^"]+)"', asked.text)
    assert token is not None
    wrong = pages.post("/delete", data={"ids": ["s-1"], "token": "1.x"}, follow_redirects=False)
    assert wrong.status_code == 400
    assert store.sessions().total == 3
    done = pages.post("/delete", data={"ids": ["s-1", "s-2"], "token": token[1]}, follow_redirects=False)
    assert done.status_code == 303
    assert [session.id for session in store.sessions().sessions] == ["s-3"]
    assert "2 sessions deleted for good." in pages.get(done.headers["location"]).text
    assert pages.get("/delete?ids=s-1").status_code == 400


def test_the_question_says_what_goes(pages: TestClient, store: SqliteStore) -> None:
    exception(Recording("s-1").event(1, "x"), 2).metric(3, "fps", "gauge", value=1).send(store)
    Recording("s-2").event(1, "x").status(2, "ended", "End").send(store)
    text = pages.get("/delete?ids=s-1&ids=s-2").text
    assert "3 events, 1 exception, 1 reading of metrics, their states and vitals" in text
    assert "1 of them still runs: what it logs from now on is not kept." in text
    assert "still run" not in pages.get("/delete?ids=s-2").text


def test_after_deleting_one_is_back_at_the_same_filter(pages: TestClient, store: SqliteStore) -> None:
    for name in ("s-1", "s-2"):
        Recording(name, product="A B").send(store)
    shown = "/sessions?product=A+B&sort=-updated"
    assert f'name="back" value="{shown.replace("&", "&amp;")}"' in pages.get(shown).text
    asked = pages.get("/delete", params={"ids": "s-1", "back": shown})
    assert asked.text.count(f'="{shown.replace("&", "&amp;")}"') == 2, "to keep it leads there, too"
    token = re.search(r'name="token" value="([^"]+)"', asked.text)
    assert token is not None
    for back, there in ((shown, f"{shown}&deleted=1"), ("//evil.example", "/sessions?deleted=1")):
        form = {"ids": "s-1" if back == shown else "s-2", "back": back, "token": token[1]}
        assert pages.post("/delete", data=form, follow_redirects=False).headers["location"] == there


def test_a_form_needs_the_cookie_that_its_token_was_made_for(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1").send(store)
    token = re.search(r'name="token" value="([^"]+)"', pages.get("/delete?ids=s-1").text)
    assert token is not None
    pages.cookies.clear()
    assert pages.post("/delete", data={"ids": "s-1", "token": token[1]}).status_code == 400
    assert store.sessions().total == 1


def test_deleting_needs_a_key_that_may(
    locked_pages: TestClient, store: SqliteStore, make_key: Callable[..., str]
) -> None:
    Recording("s-1").send(store)
    reading = {"Authorization": f"Bearer {make_key('reader', 'read')}"}
    admin = {"Authorization": f"Bearer {make_key('boss', 'admin', 'read')}"}
    assert locked_pages.get("/delete?ids=s-1", headers=reading).status_code == 403
    token = re.search(r'name="token" value="([^"]+)"', locked_pages.get("/delete?ids=s-1", headers=admin).text)
    assert token is not None
    form = {"ids": "s-1", "token": token[1]}
    assert locked_pages.post("/delete", data=form, headers=reading).status_code == 403
    assert store.sessions().total == 1
    assert locked_pages.post("/delete", data=form, headers=admin, follow_redirects=False).status_code == 303
    assert store.sessions().total == 0


def test_a_filter_that_is_misspelt_is_not_taken_for_none(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1").send(store)
    for address in ("/sessions?prodct=MyGame", "/sessions.json?prodct=MyGame", "/export?prodct=MyGame"):
        answer = pages.get(address)
        assert (answer.status_code, "did you mean product?" in answer.text) == (400, True), address
    assert pages.get("/sessions?columns=zzz").status_code == 400


def test_a_word_that_is_no_field_is_told_on_the_list(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1", product="error:KeyError").send(store)
    for product in ("", "&product=nothing"):
        text = pages.get(f"/sessions?q=error:KeyError{product}").text
        assert "is no field, so" in text
    assert "No session matches all of these filters." in text


def test_nothing_chosen_is_refused_again_and_again_without_growing(pages: TestClient) -> None:
    def depth() -> int:
        try:
            raise chosen._none_chosen()
        except PageError as error:
            return len(traceback.extract_tb(error.__traceback__))

    for _ in range(3):
        assert pages.get("/delete").status_code == 400
    assert depth() == 1


def test_a_list_to_come_back_to_has_no_fragment() -> None:
    assert chosen._list("/sessions?a=1#//evil") == "/sessions?a=1"


def test_deleting_nothing_is_refused(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1").send(store)
    token = re.search(r'name="token" value="([^"]+)"', pages.get("/delete?ids=s-1").text)
    assert token is not None
    answer = pages.post("/delete", data={"token": token[1], "ids": ""}, follow_redirects=False)
    assert (answer.status_code, "No session is chosen" in answer.text) == (400, True)
