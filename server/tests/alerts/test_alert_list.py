"""The log of alerts, in pages."""

from collections.abc import Callable
from typing import Any

import pytest
from litestar.testing import TestClient
from support.webhooks import CRASH, HANG

Send = Callable[..., Any]


def test_alerts_are_listed_in_pages(api: TestClient, send: Send) -> None:
    for number in range(3):
        send(f"s{number}", "1-0", 0, [HANG, CRASH])
    assert len(api.get("/api/alerts").json()["alerts"]) == 8  # two of them for the problems
    first = api.get("/api/alerts", params={"kind": "crash", "limit": 2}).json()
    assert [alert["session"]["id"] for alert in first["alerts"]] == ["s2", "s1"]
    rest = api.get("/api/alerts", params={"kind": "crash", "limit": 2, "cursor": first["cursor"]}).json()
    assert ([alert["session"]["id"] for alert in rest["alerts"]], rest["cursor"]) == (["s0"], None)
    assert api.get("/api/alerts", params={"product": "Other"}).json() == {"alerts": [], "cursor": None}
    noticed = [alert["time"] for alert in api.get("/api/alerts", params={"product": "Game"}).json()["alerts"]]
    assert len(noticed) == 8
    for border in set(noticed):
        parts = [api.get("/api/alerts", params={name: border}).json()["alerts"] for name in ("from", "to")]
        assert [len(part) for part in parts] == [sum(t >= border for t in noticed), sum(t < border for t in noticed)]
    for wrong, details in (
        ({"from": "soon"}, "from: expected"),
        ({"kind": "x"}, "kind: expected one of crash, hang, problem"),
        ({"cursor": "x"}, "cursor: "),
        ({"sort": "loudest"}, "sort: expected one of noticed, time"),
    ):
        answer = api.get("/api/alerts", params=wrong)
        assert answer.status_code == 400
        assert answer.json()["details"].startswith(details)


@pytest.mark.parametrize("order", ["noticed", "time"])
def test_alerts_stand_in_the_order_that_is_asked_for_on_all_pages(api: TestClient[Any], send: Send, order: str) -> None:
    for number, first in enumerate((30, 10, 20, 10)):  # of which the times of the records are made
        send(f"s{number}", "1-0", first, [CRASH], lost=True)
    alerts = [one for one in api.get("/api/alerts").json()["alerts"] if one["kind"] == "crash"]
    keys = {"noticed": lambda one: one["number"], "time": lambda one: (one["time"], one["number"])}

    def listed(sort: str) -> list[dict[str, Any]]:
        found, cursor = [], ""
        while cursor is not None:
            page = api.get("/api/alerts", params={"sort": sort, "kind": "crash", "limit": 1, "cursor": cursor}).json()
            found += page["alerts"]
            cursor = page["cursor"]
        return found

    ordered = sorted(alerts, key=keys[order])
    assert listed(order) == ordered
    assert listed(f"-{order}") == ordered[::-1]
    assert [one["session"]["id"] for one in ordered] == {"noticed": ["s0", "s1", "s2", "s3"],
                                                         "time": ["s1", "s3", "s2", "s0"]}[order]  # fmt: skip
