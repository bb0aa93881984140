"""The pictures in the documents: pages and commands over the demo's games, as the tests see them.

Kept in tests/screenshots; in the folder that $DATACAT_PICTURES names where `make docs PICTURES=1` takes them anew.
"""

import base64
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page
from rich.console import Console
from rich.text import Text
from support import demo as swarm
from support.reading import get
from support.walking import walking

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / os.environ.get("DATACAT_PICTURES", "tests/screenshots/docs")
MOST_BYTES = 200_000
# Rich's own frame of an SVG takes its type from another host.
SVG = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>{styles}
.{unique_id}-matrix {{ font: 20px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; }}</style>
<defs>{lines}</defs>
<rect width="100%" height="100%" rx="8" fill="#0e1116"/>
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
def test_the_commands_in_the_documents(demo: dict[str, Any], name: str) -> None:
    words = [name] if name == "ls" else [name, demo["instances"][1]["session_id"][:8]]
    own = {key: value for key, value in os.environ.items() if not key.startswith("DATACAT_") and key != "NO_COLOR"}
    command = [sys.executable, "-c", "from datacat_server.cli.main import main; main()", *words]
    forced = {**own, "DATACAT_URL": demo["api"], "COLUMNS": "110", "FORCE_COLOR": "1"}
    printed = subprocess.run(command, env=forced, check=True, capture_output=True, text=True).stdout
    assert "\x1b[" in printed
    printed = re.sub(r" --(tally|url) \S+", "", printed)  # where the demo of the tests has its files
    with open(os.devnull, "w") as nowhere:
        console = Console(record=True, width=110, file=nowhere)
        console.print(Text.from_ansi("\n".join([f"$ datacat {' '.join(words)}", *printed.splitlines()[:40]])))
    keep(f"terminal-{name}.svg", console.export_svg(title="", code_format=SVG, unique_id=name).encode())
