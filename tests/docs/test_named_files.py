"""The design notes name files that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SERVER = ROOT / "server/src/datacat_server"
PLACES = (
    ROOT,
    ROOT / "python/src/datacat",
    ROOT / "python/src/datacat_daemon",
    ROOT / "server",
    SERVER,
    SERVER / "store",
    SERVER / "store/sqlite",
)
"""What a name may be said from."""
NAME = re.compile(r"`([\w./-]+(?:\.(?:py|ts|css|html|go)|/))`")


PAGES = ("where-a-change-begins", "how-a-record-travels", "adding-a-store", "adding-a-page", "adding-a-client")


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_design_note_names_is_there(page: str) -> None:
    names = NAME.findall((ROOT / f"docs/design/{page}.md").read_text(encoding="utf-8"))
    assert names
    assert [name for name in names if not any((place / name).exists() for place in PLACES)] == []
