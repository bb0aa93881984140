"""Releases as a page and as JSON."""

import re

from datacat_server.store.sqlite import SqliteStore
from litestar.testing import TestClient
from support.recordings import Recording, segfault


def test_releases_show_lines_and_the_numbers_behind_them(pages: TestClient, store: SqliteStore) -> None:
    for number in range(3):
        Recording(f"a-{number}", version="1.0").status(1, "ended", "End").send(store)
    segfault(Recording("a-3", version="1.0"), 1).send(store)
    Recording("b-1", version="2.0").event(1, "x").send(store)
    html = pages.get("/releases?product=MyGame").text
    assert all(title in html for title in ("Adoption", "Crash-free", "Hang-free"))
    assert re.search(r"1\.0 4 0 75 % 100 % 1", re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)))
    assert re.search(r"4 80 % 75 % 100 %", re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)))
    assert pages.get("/releases.json?product=MyGame").json()["releases"][0]["product"] == "MyGame"
    assert pages.get("/releases?sort=colour").status_code == 400
    assert "No release of this product" in pages.get("/releases?product=none").text
