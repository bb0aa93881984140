"""Reading what a server has, over its REST API."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

GIVE_UP_SECONDS = 60  # far more than anything takes; only a failing test waits so long


def get(url: str) -> Any:
    """The JSON that a URL answers with, or None for a 404."""
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise


def wait_for(what: Callable[[], Any]) -> Any:
    """Ask again and again until the answer is true; that answer. After a minute the last answer, whatever it is."""
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while not (answer := what()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return answer


def session_with_status(url: str, session_id: str, status: str) -> dict[str, Any]:
    """A whole session as soon as it has a status. Fails when it does not come to have it."""
    address = f"{url}/api/sessions/{session_id}"
    wait_for(lambda: (get(f"{address}?include=vitals") or {}).get("status") == status)
    session: dict[str, Any] = get(address)
    assert session is not None, "the server does not know the session"
    assert session["status"] == status, (session["status"], session["reason"])
    return session


def numbers(session: dict[str, Any], name: str = "moved") -> list[int]:
    """`n` out of the data of every event with a name, in the order in which the server has them."""
    return [event["data"]["n"] for event in session["events"] if event["name"] == name]
