"""Releases as a page and as JSON: who uses which version, how they fare, and how much that says."""

import re
import time
from datetime import UTC, date, datetime, timedelta
from math import comb

import pytest
from datacat_server.store.releases import ReleaseDay, ReleaseHistory, VersionCourse
from datacat_server.store.sqlite import SqliteStore
from datacat_server.web.releases.courses import MOST_COLUMNS, draw
from datacat_server.web.releases.interval import Share, difference
from litestar.testing import TestClient
from playwright.sync_api import Browser, expect
from support.recordings import Recording, segfault

DAY = 86_400


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def two_versions(store: SqliteStore) -> None:
    for number in range(3):
        Recording(f"a-{number}", version="1.0").status(1, "ended", "End").send(store)
    segfault(Recording("a-3", version="1.0"), 1).send(store)
    Recording("b-1", version="2.0").event(1, "x").send(store)


def many_sessions(store: SqliteStore) -> None:
    """30 of each version; 20 of the older one crash, one of the newer."""
    for number in range(30):
        for version, crashes in (("1.0", 20), ("2.0", 1)):
            recording = Recording(f"{version}-{number}", version=version)
            recording = segfault(recording, 1) if number < crashes else recording.status(1, "ended", "End")
            recording.send(store)


def test_releases_show_courses_and_the_numbers_behind_them(pages: TestClient, store: SqliteStore) -> None:
    two_versions(store)
    html = pages.get("/releases?product=MyGame").text
    assert all(title in html for title in ("Adoption", "Crash-free", "Hang-free"))
    assert "1.0: 80 % (4 of 5 sessions)" in html
    assert "1.0: 75 % (1 of 4 sessions crashed)" in html
    assert re.search(r"4 of 5 80 % 75 % 100 %", words(html))
    assert pages.get("/releases?sort=colour").status_code == 400
    assert "No release of this product" in pages.get("/releases?product=none").text


def test_releases_as_json_hold_the_history_of_a_product(pages: TestClient, store: SqliteStore) -> None:
    two_versions(store)
    found = pages.get("/releases.json?product=MyGame").json()
    assert {one["version"] for one in found["releases"]} == {"1.0", "2.0"}
    assert [one["version"] for one in found["history"]["courses"]] == ["2.0", "1.0"]
    assert sum(one["sessions"] for one in found["history"]["days"]) == 5
    newest = next(one for one in found["releases"] if one["version"] == "2.0")
    assert newest["before"] | {"crash_free": 0} == {
        "version": "1.0", "sessions": 4, "crashed": 1, "hung": 0, "ended": 3, "running": 0, "crash_free": 0,
        "hang_free": 100,
    }  # fmt: skip


def test_few_sessions_are_told_as_so_many_of_so_many_and_not_as_a_share(pages: TestClient, store: SqliteStore) -> None:
    two_versions(store)
    text = words(pages.get("/releases?product=MyGame").text)
    assert "of its 1 session none crashed and none hung, too few to say more" in text
    assert "3 of 4 75 %, 30–95.4 %" in text
    assert "Too few sessions for a line" in text


def test_a_share_has_its_interval_and_a_clear_difference_to_the_version_before_is_told(
    pages: TestClient, store: SqliteStore
) -> None:
    many_sessions(store)
    text = words(pages.get("/releases?product=MyGame").text)
    assert "96.6 % of its 30 sessions are crash-free" in text
    assert "against 1.0 it crashes less" in text
    assert "96.6 % 83.3–99.4 %" in text
    assert "+63.3 better vs 1.0" in text
    assert "no clear difference" in text  # none of either hung


def test_releases_of_all_products_stand_by_product_and_the_worst_newest_one_is_named(
    pages: TestClient, store: SqliteStore
) -> None:
    many_sessions(store)
    for number in range(20):
        for version in ("1.9", "1.10"):
            recording = Recording(f"o-{version}-{number}", product="Other", version=version)
            (segfault(recording, 1) if number < 5 else recording.status(1, "ended", "End")).send(store)
    html = pages.get("/releases").text
    assert "Other 1.10 is the worst of the newest versions: 75 % crash-free, 100 % hang-free." in words(html)
    assert re.findall(r'id="release-(\w+)-([\d.]+)"', html) == [
        ("MyGame", "2.0"), ("MyGame", "1.0"), ("Other", "1.10"), ("Other", "1.9"),
    ]  # fmt: skip
    assert html.count('class="over" href="/releases?product=Other"') == 1
    by_rate = re.findall(r'id="release-(\w+)-([\d.]+)"', pages.get("/releases?sort=crash_free").text)
    assert by_rate[0] == ("MyGame", "1.0")


def test_new_problems_of_a_release_lead_to_those_and_no_others(pages: TestClient, store: SqliteStore) -> None:
    segfault(Recording("a-1", version="1.0"), 1).send(store)
    Recording("b-1", version="2.0").status(1, "crashed", "exit code 3", kind="exit", exit_code=3).send(store)
    segfault(Recording("b-2", version="2.0"), 1).send(store)
    html = pages.get("/releases?product=MyGame").text
    link = re.search(r'href="(/problems\?product=MyGame&amp;new_in=2.0&amp;status=any)">1<', html)
    assert link is not None
    said = re.findall(r'data-label="(sessions?|new problems?)"', html)
    assert said == ["sessions", "new problem", "session", "new problem"]
    text = words(pages.get(link[1].replace("&amp;", "&")).text)
    assert "Exit code 3" in text
    assert "SIGSEGV" not in text


def test_the_days_are_chosen_by_the_address_and_all_time_is_one_of_them(pages: TestClient, store: SqliteStore) -> None:
    for number, days in enumerate((0, 20, 100, 1000)):
        Recording(f"s-{number}", started=time.time() - days * DAY - 10).event(1, "x").send(store)
    today = datetime.now(UTC).date()
    for days, sessions, columns in (("7", 1, 7), ("30", 2, 30), ("90", 2, 90)):
        found = pages.get(f"/releases.json?product=MyGame&days={days}").json()["history"]
        assert sum(one["sessions"] for one in found["days"]) == sessions
        assert date.fromisoformat(found["first"]) == today - timedelta(days=columns - 1)
        assert pages.get(f"/releases?product=MyGame&days={days}").text.count('class="hit"') == 3 * columns
    found = pages.get("/releases.json?product=MyGame&days=all").json()["history"]
    assert sum(one["sessions"] for one in found["days"]) == 4
    html = pages.get("/releases?product=MyGame&days=all").text
    assert 3 < html.count('class="hit"') <= 3 * MOST_COLUMNS
    assert "by four weeks" in words(html)
    assert pages.get("/releases?product=MyGame&days=31").status_code == 400


def test_of_a_long_time_every_session_is_in_one_column() -> None:
    first, last = date(2020, 1, 1), date(2026, 11, 22)
    days = [
        ReleaseDay(day=first + timedelta(days=at), sessions=1, crashed=0, hung=0, ended=1, running=0, crash_free=100,
                   hang_free=100)
        for at in range((last - first).days + 1)
    ]  # fmt: skip
    of_all = {"sessions": len(days), "crashed": 0, "hung": 0, "ended": len(days), "running": 0}
    course = VersionCourse(version="1", days=days, crash_free=100, hang_free=100, **of_all)
    drawn = draw(ReleaseHistory(product="p", first=first, last=last, days=days, courses=[course], versions=1))
    assert len(drawn.columns) <= MOST_COLUMNS
    [figures] = drawn.figures
    assert sum(counts.sessions for _, counts, _ in figures.rows) == len(days)
    assert all(counts.sessions == 28 for _, counts, _ in figures.rows[:-1])
    assert figures.rows[0][0] == "2026-10-26 to 2026-11-22"
    assert figures.rows[-1][0].startswith("2020-01-01")


def test_versions_beyond_those_drawn_are_counted_as_others(pages: TestClient, store: SqliteStore) -> None:
    for number in range(8):
        for session in range(8 - number):
            Recording(f"s-{number}-{session}", version=f"1.{number}").event(1, "x").send(store)
    found = pages.get("/releases.json?product=MyGame").json()["history"]
    # The five that most use, and the newest one, newest first.
    assert [one["version"] for one in found["courses"]] == ["1.7", "1.4", "1.3", "1.2", "1.1", "1.0"]
    html = pages.get("/releases?product=MyGame").text
    assert "2 other versions" in html
    assert "others: 13.8 % (5 of 36 sessions)" in html


@pytest.mark.parametrize(("good", "of"), [(0, 1), (1, 1), (5, 10), (19, 20), (299, 300)])
def test_an_interval_holds_its_share_and_is_what_the_binomial_distribution_says(good: int, of: int) -> None:
    share = Share(good, of)
    assert 0 <= share.low <= share.percent <= share.high <= 100

    def at_least(p: float) -> float:
        return sum(comb(of, k) * p**k * (1 - p) ** (of - k) for k in range(good, of + 1))

    # At the ends of the interval what was seen is as rare as a normal distribution says, roughly.
    if 0 < good < of and of >= 10:
        assert at_least(share.low / 100) == pytest.approx(0.025, abs=0.05)
        assert 1 - at_least(share.high / 100) == pytest.approx(0.025, abs=0.05)


def test_a_difference_is_clear_only_with_enough_sessions() -> None:
    assert difference(Share(30, 30), Share(10, 30)).word == "better"
    assert difference(Share(10, 30), Share(30, 30)).word == "worse"
    assert difference(Share(3, 3), Share(2, 3)).word == "no clear difference"
    assert difference(Share(950, 1000), Share(950, 1000)).word == "no clear difference"


def test_a_column_is_read_off_under_the_pointer(address: str, browser: Browser, store: SqliteStore) -> None:
    two_versions(store)
    page = browser.new_page()
    try:
        page.goto(f"{address}/releases?product=MyGame&days=7")
        page.locator("svg.columns .column").nth(6).hover()
        expect(page.locator("output")).to_contain_text("1.0: 80 % (4 of 5 sessions)")
        page.get_by_role("heading", name="Versions").hover()
        expect(page.locator("main output")).to_have_count(0)
    finally:
        page.close()
