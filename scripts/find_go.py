"""Prints the path of the command `go`: the one on the PATH, or the one that set-up has put into this environment.

Prints nothing where there is none.
"""

import importlib.util
import shutil
from pathlib import Path


def find_go() -> str | None:
    """The command, or None."""
    found = shutil.which("go")
    package = importlib.util.find_spec("go")
    if found is None and package is not None and package.origin is not None:
        bundled = Path(package.origin).parent / "bin" / "go"
        found = str(bundled) if bundled.is_file() else None
    return found


if __name__ == "__main__":
    print(find_go() or "")
