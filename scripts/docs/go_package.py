"""The page of the Go client, from the comments in its sources, which `go doc` shows, too."""

import os
import subprocess
import sys
from pathlib import Path

from tables import paragraphs

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "scripts"))
from find_go import find_go  # noqa: E402

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
    program = Path(__file__).with_name("package_page.go")
    cache = os.environ.get("GOCACHE", str(ROOT / ".venv" / "go-cache"))
    own = {**os.environ, "GOCACHE": cache, "GOTOOLCHAIN": "local", "GOPROXY": "off", "GOFLAGS": "", "CGO_ENABLED": "0"}
    words = [go, "run", str(program), str(ROOT / "go")]
    return paragraphs([subprocess.run(words, env=own, check=True, stdout=subprocess.PIPE, text=True).stdout])
