"""The first page says how everything is: what hangs, what crashed, how releases fare, what is new."""

import re
import time

from datacat_server.config import Config
from datacat_server.store.sqlite import SqliteStore
from datacat_server.web.app import create_web
from litestar.testing import TestClient
from support.recordings import Recording, exception, played, segfault


def words(html: str) -> str:
    """The text of a page, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", html))


def test_without_data_the_first_page_has_the_lines_that_send_the_first_session(store: SqliteStore) -> None:
    with TestClient(create_web(store, Config(server_port=9191))) as client:
        text = client.get("/", headers={"Host": "localhost:8080"}).text
    assert "Nothing has been logged yet" in text
    assert "http://localhost:9191" in text
    example = re.search(r"<pre id=\"example\"><code>(.*?)</code>", text, re.DOTALL)
    assert example is not None
    assert len(example[1].splitlines()) == 7


def test_the_first_sentence_says_what_is_wrong_right_now(pages: TestClient, store: SqliteStore) -> None:
    played(Recording("s-runs"), 20).send(store)
    assert "Nothing hangs, and nothing crashed in the last day; 1 is active." in words(pages.get("/").text)
    Recording("s-hangs").status(30, "hung", "No heartbeat for 30 s").send(store)
    segfault(played(Recording("s-crashed"), 20), 21).send(store)
    old = Recording("s-old", started=time.time() - 3 * 86400)
    segfault(old, 21).send(store)
    text = pages.get("/").text
    assert "1 session hangs, 1 crashed in the last day; 1 is active." in words(text)
    assert "No heartbeat for 30 s" in text
    assert 'data-session="s-crashed"' in text
    assert 'data-session="s-old"' not in text
    assert 'href="/sessions?status=crashed&amp;from=-24h"' in text


def test_a_session_that_hangs_has_the_time_of_its_last_heartbeat(pages: TestClient, store: SqliteStore) -> None:
    """Not of the newest of its records: what is measured of its process goes on."""
    hangs = Recording("s-hangs", started=time.time() - 3600, heartbeat=60)
    hangs.status(70, "hung", "No heartbeat for 10 s").event(3500, "from_another_thread").send(store)
    section = pages.get("/").text.partition('id="hung-now"')[2].partition("</section>")[0]
    assert "59 min ago" in section


def test_title_and_icon_of_the_tab_say_what_is_wrong(pages: TestClient, store: SqliteStore) -> None:
    played(Recording("s-runs"), 20).send(store)
    for address, title in (("/", "Overview · DataCat"), ("/sessions", "Sessions · DataCat")):
        assert f"<title>{title}</title>" in pages.get(address).text
    segfault(played(Recording("s-crashed"), 20), 21).send(store)
    for address in ("/", "/sessions"):
        text = pages.get(address).text
        assert "<title>1 crashed · " in text
        assert 'href="/static/icon-crashed.svg"' in text
    Recording("s-hangs").status(30, "hung", "No heartbeat for 30 s").send(store)
    text = pages.get("/").text
    assert "<title>1 hung · 1 crashed · Overview · DataCat</title>" in text
    assert 'href="/static/icon-hung.svg"' in text
    title = pages.get("/sessions?status=crashed&product=MyGame").text.partition("<title>")[2].partition("</title>")[0]
    assert title == "1 × status:crashed product:MyGame · Sessions · DataCat"
    for icon in ("", "-crashed", "-hung", "-lost"):
        assert pages.get(f"/static/icon{icon}.svg").headers["content-type"] == "image/svg+xml"


def test_releases_are_told_by_product_and_version(pages: TestClient, store: SqliteStore) -> None:
    for number in range(3):
        Recording(f"a-{number}", version="1.0").status(1, "ended", "End").send(store)
    segfault(Recording("a-3", version="1.0"), 1).send(store)
    Recording("b-1", version="2.0").event(1, "x").send(store)
    Recording("b-2", version="2.0").status(1, "hung", "Silent").status(2, "recovered", "Back").send(store)
    Recording("c-1", product="Other").status(1, "ended", "End").send(store)
    text = words(pages.get("/").text)
    assert re.search(r"1\.0 0 active 4 sessions 75 % 100 %", text)
    assert re.search(r"2\.0 2 active 2 sessions 100 % 50 %", text)
    found = pages.get("/", headers={"Accept": "application/json"}).json()
    assert {(one["product"], one["version"]) for one in found["releases"]} == {
        ("MyGame", "1.0"),
        ("MyGame", "2.0"),
        ("Other", "1.4.2"),
    }
    assert found["active"] == 2
    assert pages.get("/overview.json").json()["releases"] == found["releases"]


def test_a_share_that_is_not_whole_is_never_shown_as_whole(pages: TestClient, store: SqliteStore) -> None:
    from datacat_server.wording import percent

    assert percent(99.99) == "99.9 %"
    assert percent(100.0) == "100 %"
    assert percent(0.0) == "0 %"


def test_the_newest_problems_are_told(pages: TestClient, store: SqliteStore) -> None:
    exception(played(Recording("s-1"), 20), 21).send(store)
    text = pages.get("/").text
    assert "Newest problems" in text
    assert "KeyError" in text
    assert "MyGame 1.4.2, 1 session" in words(text)
    store.ignore_problem(store.problems().problems[0].id)
    assert "Newest problems" not in pages.get("/").text


def test_the_number_of_active_sessions_stands_on_every_page(pages: TestClient, store: SqliteStore) -> None:
    Recording("s-1").event(1, "x").send(store)
    for address in ("/", "/sessions", "/sessions/s-1", "/settings"):
        assert re.search(r'id="running" class="running" href="/sessions\?status=active">.*?1<', pages.get(address).text)


def test_the_navigation_marks_the_page_that_is_shown(pages: TestClient) -> None:
    for address, key in (("/", "o"), ("/sessions", "s"), ("/settings", "e")):
        assert re.findall(r'data-key="(.)"[^>]*aria-current="page"', pages.get(address).text) == [key]
