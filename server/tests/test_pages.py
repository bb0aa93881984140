"""Pages of the REST API: where one ends the next begins, and a cursor is good for the pages that gave it alone."""

from collections.abc import Callable
from typing import Any

import pytest
from litestar.testing import TestClient

Api = TestClient[Any]
Send = Callable[..., Any]

ORDERS = [
    ("/api/sessions", "sort", ("-created", "created", "-updated", "event_count")),
    ("/api/problems", "sort", ("-last_seen", "last_seen", "-count")),
    ("/api/sessions/s1/events", "sort", ("-time", "time")),
    ("/api/sessions/s1/metrics", "raw", ("false", "true")),
    ("/api/metrics?name=fps", "aggregate", ("peak", "all")),
]


@pytest.fixture
def some(send: Send) -> None:
    for session in ("s1", "s2", "s3"):
        events = [{"kind": "event", "name": "e", "exception_type": kind} for kind in ("KeyError", "OSError")]
        metrics = [
            {"kind": "metric", "name": name, "value": 1, "tags": tags}
            for name in ("fps", "frame:time %2C")
            for tags in ([], ["a:b"])
        ]
        send(session, "1-0", 0, [*events, *metrics])


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize(("address", "parameter", "orders"), ORDERS)
def test_a_cursor_of_another_order_is_refused(api: Api, address: str, parameter: str, orders: tuple[str, ...]) -> None:
    path, _, query = address.partition("?")
    asked = dict([query.split("=")] if query else [])
    for order in orders:
        cursor = api.get(path, params=asked | {parameter: order, "limit": 1}).json()["cursor"]
        assert cursor
        for other in orders:
            answer = api.get(path, params=asked | {parameter: other, "limit": 1, "cursor": cursor})
            assert answer.status_code == (200 if other == order else 400), answer.text
            if other != order:
                assert answer.json()["details"].startswith("cursor: is of pages in the order "), answer.text


@pytest.mark.usefixtures("some")
@pytest.mark.parametrize("cursor", ["7", "999999", "name:7", "name:0:a:b:x", "name:0:a:b", "home", ":", "name:"])
def test_a_cursor_that_no_page_gave_is_not_taken_for_the_end(api: Api, cursor: str) -> None:
    answer = api.get("/api/sessions/s1/metrics", params={"cursor": cursor})
    assert answer.status_code == 400
    assert answer.json()["details"] == "cursor: expected one that a page before this one gave"


@pytest.mark.usefixtures("some")
def test_pages_of_series_hold_each_once_whatever_its_name(api: Api) -> None:
    whole = api.get("/api/sessions/s1/metrics").json()["series"]
    assert len(whole) == 4
    found, cursor = [], ""
    while cursor is not None:
        page = api.get("/api/sessions/s1/metrics", params={"limit": 1, "cursor": cursor}).json()
        found += page["series"]
        cursor = page["cursor"]
    assert found == whole
