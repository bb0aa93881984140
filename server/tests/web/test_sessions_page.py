"""The list of sessions."""

import re

import pytest
from datacat_server.config import Config
from datacat_server.store.sqlite import SqliteStore
from datacat_server.web.app import create_web
from litestar.testing import TestClient
from support.recordings import Recording, exception, played, segfault


def test_the_first_page_is_the_list(pages: TestClient) -> None:
    answer = pages.get("/", follow_redirects=False)
    assert answer.status_code in (302, 307)
    assert answer.headers["location"] == "/sessions"


def test_an_empty_store_shows_an_example_that_names_the_api_address(pages: TestClient) -> None:
    text = pages.get("/sessions").text
    assert "Nothing has been logged yet" in text
    assert "http://localhost:9090" in text
    assert "import datacat" in text


@pytest.mark.parametrize(
    ("config", "shown"),
    [
        (Config(host="0.0.0.0", server_port=9191), "http://localhost:9191"),
        (Config(host="bluebird.example", tls_cert_file="c", tls_key_file="k"), "https://bluebird.example:9090"),
        (Config(host="fd00::7"), "http://[fd00::7]:9090"),
    ],
)
def test_the_example_sends_to_the_configured_server(store: SqliteStore, config: Config, shown: str) -> None:
    with TestClient(create_web(store, config)) as client:
        assert shown in client.get("/sessions").text


def test_a_row_says_what_a_session_is(pages: TestClient, store: SqliteStore) -> None:
    segfault(exception(played(Recording("s-1"), 20), 20), 21).send(store)
    text = pages.get("/sessions").text.replace("<wbr>", "")
    assert 'data-session="s-1"' in text
    assert 'data-status="crashed"' in text
    assert "Killed by SIGSEGV (segmentation fault) in upload_texture" in text
    for shown in ("MyGame", "1.4.2", "bluebird", "10 min ago", "21 s"):
        assert shown in text


def test_the_reason_of_a_clean_end_is_told_quietly(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1", version="unknown").status(1, "ended", "end() was called").send(store)
    text = pages.get("/sessions").text
    assert '<td class="why calm">end() was called</td>' in text
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
    for query in ("status=asleep", "cursor=nonsense"):
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
    assert "There is no hung session of the product <q><bdi>space</bdi></q>." in text
    assert 'href="/sessions?status=hung&amp;product=SpaceGame"' in text
    assert "No session is hung." in pages.get("/sessions?status=hung").text
    assert '<option value="SpaceGame">' in pages.get("/sessions").text


def test_the_whole_filter_is_in_the_address_and_stays_there(pages: TestClient, store: SqliteStore) -> None:
    for number in range(101):
        Recording(f"s-{number}", product="One").status(1, "hung", "Silent").event(2, "x").send(store)
    Recording("s-out", product="Two").send(store)
    answer = pages.get("/sessions?status=ever_hung&machine=bluebird&state=product:One&q=S-&sort=-event_count")
    assert 'data-session="s-out"' not in answer.text
    older = re.search(r'rel="next" href="([^"]*)"', answer.text)
    assert older is not None
    address = older[1].replace("&amp;", "&")
    assert re.fullmatch(
        r"/sessions\?status=ever_hung&cursor=[^&]*&machine=bluebird&q=S-&state=product%3AOne&sort=-event_count", address
    )
    assert len(pages.get(address, headers={"Accept": "application/json"}).json()["sessions"]) == 1
    assert pages.get("/sessions?state=nonsense").status_code == 400
    assert "No session like that" in pages.get("/sessions?q=nobody").text
