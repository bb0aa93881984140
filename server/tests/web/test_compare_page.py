"""Sessions under one another, as a page and as JSON."""

from datacat_server.store.sqlite import SqliteStore
from litestar.testing import TestClient
from support.recordings import Recording, played, segfault


def test_compared_sessions_show_what_differs_first_and_fold_the_rest(pages: TestClient, store: SqliteStore) -> None:
    segfault(played(Recording("s-1"), 50), 51).send(store)
    played(Recording("s-2", version="1.5"), 30).send(store)
    html = pages.get("/compare?ids=s-1,s-2").text
    assert html == pages.get("/compare?ids=s-1&ids=s-2").text or "2 sessions compared" in html
    state = html[html.index(">State ") : html.index(">Metrics ")]
    assert "&#34;1.5&#34;" in state.partition("<details")[0]
    assert "<details" in state
    found = pages.get("/compare.json?ids=s-1,s-2").json()
    assert [one["id"] for one in found["sessions"]] == ["s-1", "s-2"]
    assert pages.get("/compare?ids=s-1").status_code == 400
    assert pages.get("/compare?ids=s-1,none").status_code == 404
