"""Prints the path of a Chromium or Chrome for the browser tests, and gets one first if there is none.

In this order: $DATACAT_BROWSER; the one that is installed; Playwright's own, if it was downloaded before; as root,
Debian's package; Playwright's download. When nothing works it says what to install, and exits with 1.

The headless shell goes first: the whole Chromium draws its own windows too, even where nobody sees them, and takes
twice the processor's time for the same pages.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC_APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)


def installed() -> str | None:
    """The browser that the machine has."""
    for name in NAMES:
        if path := shutil.which(name):
            return path
    return next((path for path in MAC_APPLICATIONS if Path(path).exists()), None)


def playwrights_own() -> str | None:
    """The browser that Playwright has downloaded, if it has."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


def run(*command: str) -> bool:
    """Whether a command worked; what it says goes to standard error."""
    print("$", " ".join(command), file=sys.stderr, flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, env=environment).returncode == 0


def debians() -> str | None:
    """Debian's Chromium, through apt, where that is allowed."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return None
    run("apt-get", "-qq", "update")
    for package in ("chromium-headless-shell", "chromium"):  # the first one is not in every release
        if run("apt-get", "-qq", "install", "-y", "--no-install-recommends", package):
            return installed()
    return None


def downloaded() -> str | None:
    """Playwright's browser, downloaded now."""
    return playwrights_own() if run(sys.executable, "-m", "playwright", "install", "chromium") else None


def find() -> str:
    """Path of a browser. Raises SystemExit with what to do when there is none to be had."""
    if path := os.environ.get("DATACAT_BROWSER"):
        return path
    path = installed() or playwrights_own() or debians() or downloaded()
    if path is None:
        raise SystemExit(
            "The browser tests need Chromium or Chrome, and none was found or could be installed.\n"
            "Install one (Debian: apt install chromium-headless-shell; macOS: brew install --cask google-chrome),\n"
            "or set DATACAT_BROWSER to the path of its program."
        )
    return path


if __name__ == "__main__":
    print(find())
