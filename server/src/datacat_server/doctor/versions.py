"""What is installed, and whether its parts belong together."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
from collections.abc import Iterator

from datacat_server import __version__
from datacat_server.doctor.findings import Finding, bad, ok, warn
from datacat_server.store.sqlite.upkeep.check import SQLITE_VERSION, has_trigrams

ABOUT = "versions"
_SECONDS = 10
_OPTIONAL = {
    "orjson": "orjson",
    "zstandard": "zstandard",
    "psutil": "psutil",
    "py_spy": "py-spy",
    "pyarrow": "pyarrow",
}


def look_at_versions() -> Iterator[Finding]:
    """Versions of Python, SQLite and DataCat's parts."""
    yield ok(ABOUT, f"Python {platform.python_version()}, SQLite {SQLITE_VERSION}, {platform.platform()}")
    if not has_trigrams():
        yield bad(
            ABOUT,
            "SQLite comes without FTS5 or its trigrams",
            "take a Python whose SQLite is 3.34 or newer and has FTS5",
        )
    try:
        client = importlib.metadata.version("datacat-client")
    except importlib.metadata.PackageNotFoundError:
        yield ok(ABOUT, f"datacat-server {__version__}; the client library is not installed here")
    else:
        text = f"datacat-server {__version__}, datacat-client {client}"
        if client == __version__:
            yield ok(ABOUT, text)
        else:
            yield warn(ABOUT, text, "install both of one version")
    chosen = os.environ.get("DATACAT_DAEMON")
    daemon = shutil.which(chosen or "datacat-daemon")
    if daemon:
        yield _of_daemon(daemon)
    elif chosen:
        yield warn(ABOUT, f"$DATACAT_DAEMON is {chosen}, which is no command", "correct or unset it")
    elif importlib.util.find_spec("datacat_daemon"):
        yield ok(ABOUT, "the daemon is that of this Python")
    there = [name for module, name in _OPTIONAL.items() if importlib.util.find_spec(module) or shutil.which(name)]
    missing = [name for name in _OPTIONAL.values() if name not in there]
    yield ok(ABOUT, f"optional packages: {', '.join(there) or 'none'}; not there: {', '.join(missing) or 'none'}")


def _of_daemon(command: str) -> Finding:
    try:
        asked = subprocess.run([command, "--version"], capture_output=True, text=True, timeout=_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return warn(ABOUT, f"the daemon {command} does not tell its version", "install datacat-client anew")
    version = asked.stdout.strip().rpartition(" ")[2]
    if version != __version__:
        return warn(ABOUT, f"the daemon {command} is version {version or 'unknown'}", "install both of one version")
    return ok(ABOUT, f"the daemon is {command}, version {version}")
