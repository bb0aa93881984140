"""The Go toolchain: the one on the PATH, or the one that set-up has put into this environment (scripts/set_up.py)."""

import importlib.util
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
MODULE = ROOT / "go"
_COMPILERS = ("gcc", "clang", "cc")


@cache
def find_go() -> str | None:
    """The command `go`, or None where there is none."""
    found = shutil.which("go")
    package = importlib.util.find_spec("go")
    if found is None and package is not None and package.origin is not None:
        bundled = Path(package.origin).parent / "bin" / "go"
        found = str(bundled) if bundled.is_file() else None
    return found


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
