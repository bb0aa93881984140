"""The rooms of the web UI: what the navigation shows, of those that have a page."""

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True)
class Room:
    """A link of the navigation; `letter`, after a `g`, leads there by the keyboard."""

    key: str
    name: str
    address: str
    letter: str


ROOMS = (
    Room("overview", "Overview", "/", "o"),
    Room("sessions", "Sessions", "/sessions", "s"),
    Room("problems", "Problems", "/problems", "p"),
    Room("metrics", "Metrics", "/metrics", "m"),
    Room("releases", "Releases", "/releases", "r"),
)
SETTINGS = Room("settings", "Settings", "/settings", "e")


def rooms_with_a_page(paths: Collection[str]) -> list[Room]:
    """Those of `ROOMS` and `SETTINGS` whose address is among the paths of routes."""
    return [room for room in (*ROOMS, SETTINGS) if room.address in paths]
