"""Every page of the web UI, by the path of its route: what a test that goes to every page is measured by."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

PAGES = (
    "/",
    "/sessions",
    "/sessions/{session_id}",
    "/problems",
    "/problems/{problem_id}",
    "/metrics",
    "/releases",
    "/compare",
    "/settings",
    "/delete",
)
PARTS = (
    "/complete",
    "/export",
    "/live",
    "/metrics/complete",
    "/problems/{problem_id}/common",
    "/sessions/{session_id}/compare",
    "/sessions/{session_id}/events",
    "/sessions/{session_id}/events/{name}",
    "/sessions/{session_id}/state",
    "/static/{file_path}",
)
"""What pages ask for, and files; every page has its JSON beside these."""


def left_out(addresses: Iterable[str], but: Iterable[str] = ()) -> set[str]:
    """Which pages none of the addresses is one of, but for some."""
    there = {page for address in addresses for page in PAGES if _is(page, address)}
    return set(PAGES) - set(but) - there


def _is(page: str, address: str) -> bool:
    return re.fullmatch(re.sub(r"{\w+}", "[^/]+", page), urlsplit(address).path) is not None
