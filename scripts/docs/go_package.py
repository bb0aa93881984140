"""The page of the Go client, from the comments in its sources, which `go doc` shows, too."""

import os
import subprocess
import sys
from pathlib import Path

from tables import paragraphs

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "scripts"))
from go_toolchain import PAGE, find_go, settings  # noqa: E402

WITHOUT = """\
# Go

This site was built on a machine without Go. The package describes itself, by
`go doc -all github.com/OriginalDaemon/datacat/go`, and in its [sources](../../go/README.md).
"""


def page() -> str:
    """Markdown: the package, its types and calls, its examples."""
    go = find_go()
    if go is None:
        return WITHOUT
    own = {**os.environ, **settings(cgo=False)}
    words = [go, "run", str(PAGE), str(ROOT / "go")]
    return paragraphs([subprocess.run(words, env=own, check=True, stdout=subprocess.PIPE, text=True).stdout])
