"""The pictures in the documents: pages and commands over the demo's games, as the tests see them.

Kept in tests/screenshots; in the folder that $DATACAT_PICTURES names where `make docs PICTURES=1` takes them anew.
"""

import base64
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page
from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME, SVG_EXPORT_THEME
from rich.text import Text
from support import demo as swarm
from support.reading import get
from support.terminals import Terminal
from support.walking import walking

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / os.environ.get("DATACAT_PICTURES", "tests/screenshots/docs")
MOST_BYTES = 200_000
COLUMNS = 110
THEMES = {"light": ("#f7f8fa", DEFAULT_TERMINAL_THEME), "dark": ("#0e1116", SVG_EXPORT_THEME)}
# Rich's own frame of an SVG takes its type from another host.
SVG = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>{styles}
.{unique_id}-matrix {{ font: 20px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }}</style>
<defs>{lines}</defs>
<rect width="100%" height="100%" rx="8" fill="BACKGROUND"/>
<g transform="translate({terminal_x}, 12)">{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""

pytestmark = pytest.mark.xdist_group(swarm.GROUP)


def keep(name: str, content: bytes) -> None:
    assert 2_000 < len(content) < MOST_BYTES, (name, len(content))
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / name).write_bytes(content)


def photograph(page: Page) -> bytes:
    """What is to be seen of a page, as WebP: a third of a PNG."""
    asked = {"format": "webp", "quality": 82}
    answer = page.context.new_cdp_session(page).send("Page.captureScreenshot", asked)
    return base64.b64decode(answer["data"])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pages_in_the_documents(browser: Browser, demo: dict[str, Any], theme: str) -> None:
    ids = {game["instance"]: game["session_id"] for game in demo["instances"]}
    crash = next(one for one in get(f"{demo['api']}/api/problems")["problems"] if one["kind"] == "crash")
    places = {
        "session": f"/sessions/{ids[2]}",
        "sessions": "/sessions",
        "overview": "/",
        "metrics": "/metrics?" + urlencode({"name": "fps", "aggregate": "average"}),
        "problem": f"/problems/{crash['id']}",
    }
    with walking(browser, demo["ui"], theme=theme) as walk:
        for name, place in places.items():
            keep(f"{name}{'-dark' * (theme == 'dark')}.webp", photograph(walk.go(place)))


@pytest.mark.parametrize("name", ["ls", "show"])
def test_the_commands_in_the_documents(demo: dict[str, Any], name: str, tmp_path: Path) -> None:
    words = ["ls"] if name == "ls" else ["show", demo["instances"][1]["session_id"][:8], "-n", "8"]
    terminal = Terminal(*words, folder=tmp_path, columns=COLUMNS, rows=50, DATACAT_URL=demo["api"])
    try:
        assert terminal.finish() == 0, terminal.text
    finally:
        terminal.close()
    assert "\x1b[" in terminal.raw
    printed = re.sub(r" --(tally|url) \S+", "", terminal.raw)  # where the demo of the tests has its files
    text = Text.from_ansi("\n".join([f"$ datacat {' '.join(words)}", *printed.splitlines()]))
    assert [line.plain for line in text.split() if line.cell_len > COLUMNS] == []
    for theme, (background, colours) in THEMES.items():
        with open(os.devnull, "w") as nowhere:
            console = Console(record=True, width=COLUMNS, file=nowhere)
            console.print(text)
        drawn = SVG.replace("BACKGROUND", background)
        content = console.export_svg(title="", theme=colours, code_format=drawn, unique_id=name)
        keep(f"terminal-{name}{'-dark' * (theme == 'dark')}.svg", content.encode())
