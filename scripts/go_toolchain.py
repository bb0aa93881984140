"""The command `go`, and how this project has it compile.

scripts/go_toolchain.py            prints its path: on the PATH, or what set-up has put into this environment;
                                   nothing where there is none
scripts/go_toolchain.py compile    compiles what the client's tests and its page take from Go's own library, which
                                   is most of what they compile
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLIENT = ROOT / "go"
PAGE = ROOT / "scripts" / "docs" / "package_page.go"
_COMPILERS = ("gcc", "clang", "cc")


def find_go() -> str | None:
    """The command, or None."""
    found = shutil.which("go")
    package = importlib.util.find_spec("go")
    if found is None and package is not None and package.origin is not None:
        bundled = Path(package.origin).parent / "bin" / "go"
        found = str(bundled) if bundled.is_file() else None
    return found


def race_detector() -> list[str]:
    """The flags that turn it on; none where there is no C compiler, which it needs."""
    return ["-race"] if any(shutil.which(name) for name in _COMPILERS) else []


def settings(cgo: bool = True) -> dict[str, str]:
    """Variables for the Go command: without any network, and with a cache of the environment's."""
    return {
        "GOFLAGS": "-mod=mod",
        "GOPROXY": "off",
        "GOTOOLCHAIN": "local",
        "GOCACHE": os.environ.get("GOCACHE", str(ROOT / ".venv" / "go-cache")),
        "CGO_ENABLED": "1" if cgo and race_detector() else "0",
    }


def compile_library() -> None:
    """Fill the cache. What fails here is not told of: it fails again, and is, where it is needed."""
    go = find_go()
    if go is not None:
        race = race_detector()
        for words, own in (
            (["build", *race, "./..."], settings()),
            (["test", "-c", *race, "-o", os.devnull, "."], settings()),
            (["build", "-o", os.devnull, str(PAGE)], settings(cgo=False)),
        ):
            subprocess.run([go, *words], cwd=CLIENT, env={**os.environ, **own}, capture_output=True, check=False)


if __name__ == "__main__":
    if sys.argv[1:] == ["compile"]:
        compile_library()
    else:
        print(find_go() or "")
