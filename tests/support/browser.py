"""A real browser, without a window; one for the tests of a module."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_FIND = Path(__file__).parents[2] / "scripts" / "browser.py"


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Chromium, as scripts/browser.py finds it."""
    from playwright.sync_api import expect, sync_playwright  # most test processes never need it

    expect.set_options(timeout=30_000)  # as long as for all else: a busy machine is slow, and that is no failure
    path = subprocess.run([sys.executable, str(_FIND)], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium refuses to run as root in its sandbox
    quiet = ["--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=[*sandbox, *quiet])
        yield running
        running.close()
