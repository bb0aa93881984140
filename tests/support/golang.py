"""The Go toolchain that scripts/find_go.py finds."""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
MODULE = ROOT / "go"
_COMPILERS = ("gcc", "clang", "cc")


@cache
def find_go() -> str | None:
    """The command `go`, or None where there is none."""
    words = [sys.executable, str(ROOT / "scripts" / "find_go.py")]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.strip() or None


def race_detector() -> list[str]:
    """The flags that turn it on; none where there is no C compiler, which it needs."""
    return ["-race"] if any(shutil.which(name) for name in _COMPILERS) else []


def settings() -> dict[str, str]:
    """Variables for the Go command: without any network, and with a cache of the environment's."""
    return {
        "GOFLAGS": "-mod=mod",
        "GOPROXY": "off",
        "GOTOOLCHAIN": "local",
        "GOCACHE": os.environ.get("GOCACHE", str(ROOT / ".venv" / "go-cache")),
        "CGO_ENABLED": "1" if race_detector() else "0",
    }


def go(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the Go command in the client's module, without any network. Skips the test where there is no Go."""
    command = find_go()
    if command is None:
        pytest.skip("there is no Go: neither on the PATH nor from `make test`, which fetches one where it can")
    return subprocess.run(
        [command, *words],
        cwd=MODULE,
        env={**os.environ, **settings(), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
