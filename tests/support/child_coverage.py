"""With `--cov`, the lines that child processes execute count as well.

On Python 3.12 or newer children write them down themselves (see child_lines.py); on 3.11 coverage starts in each.
"""

import os
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Any

import coverage
import pytest

SOURCES = ("python/src", "server/src")
UNCOVERED = {"CHILD_LINES_FOLDER": "", "COVERAGE_PROCESS_START": ""}
"""The environment of a child in which nothing is to be measured."""

WRITTEN = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    if worker := getattr(config, "workerinput", None):
        os.environ.update(worker.get("for_children", {}))  # not before: the worker itself is measured by coverage
    elif config.getoption("cov_source", None):
        if sys.version_info >= (3, 12):
            config.stash[WRITTEN] = Path(tempfile.mkdtemp(prefix="lines-"))
            config.stash[WRITTEN].chmod(0o777)  # some children run as another user
        if not config.getoption("numprocesses", None):
            os.environ.update(for_children(config))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    if node.config.getoption("cov_source", None):
        node.workerinput["for_children"] = for_children(node.config)


def for_children(config: pytest.Config) -> dict[str, str]:
    """Variables that have child processes measured."""
    root = config.rootpath
    if written := config.stash.get(WRITTEN, None):
        sources = os.pathsep.join(f"{root / source}/" for source in SOURCES)
        return {"CHILD_LINES_FOLDER": str(written), "CHILD_LINES_SOURCES": sources}
    return {"COVERAGE_PROCESS_START": str(root / "pyproject.toml"), "COVERAGE_FILE": str(root / ".coverage")}


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    result = yield  # pytest-cov has its wrapper around this one, and combines there the files of data that it finds
    if written := session.config.stash.get(WRITTEN, None):
        data = coverage.CoverageData(basename=str(session.config.rootpath / ".coverage"), suffix="children")
        data.add_lines(lines_in(written))
        data.write()
    return result


def lines_in(folder: Path) -> dict[str, set[int]]:
    """All that children have written into a folder: numbers of lines by path of file."""
    found: dict[str, set[int]] = defaultdict(set)
    for file in folder.glob("*.lines"):
        for entry in file.read_text().splitlines():
            path, numbers = entry.split("\t")
            found[path].update(map(int, numbers.split()))
    return found


def pytest_unconfigure(config: pytest.Config) -> None:
    if written := config.stash.get(WRITTEN, None):
        shutil.rmtree(written, ignore_errors=True)
