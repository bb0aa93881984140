"""The distributions, built once, and an environment that holds what was built: one process makes them for all tests.

Each module of this folder is of the xdist group "packages", so that there is only one such process.
"""

import functools
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from support import interpreters
from support.environments import ROOT, Environment

_NO_SOURCES = ("*.egg-info", "__pycache__", "*.pyc", ".*_cache", ".hypothesis", "node_modules")
_OF_THE_SERVER = ("3.11", "3.12", "3.13", "3.14")


class Distributions:
    """What `python -m build` makes of both packages: an sdist of each, and of the sdist the wheel.

    Attributes:
        sdists: their paths, by folder of the checkout: "python", "server".
        wheels: their paths, the same way.
    """

    def __init__(self, folder: Path) -> None:
        self.sdists: dict[str, Path] = {}
        self.wheels: dict[str, Path] = {}
        for name in ("python", "server"):
            source = folder / "sources" / name  # setuptools leaves files beside what it builds
            shutil.copytree(ROOT / name, source, ignore=shutil.ignore_patterns(*_NO_SOURCES))
            self.sdists[name] = _build("--sdist", source, folder / name)
            with tarfile.open(self.sdists[name]) as archive:
                archive.extractall(folder / name, filter="data")
            (unpacked,) = (path for path in (folder / name).iterdir() if path.is_dir())
            self.wheels[name] = _build("--wheel", unpacked, folder / "wheels", PATH=without_node(folder))


def _build(kind: str, source: Path, out: Path, **variables: str) -> Path:
    """Build one distribution; its path. What builds it is that of the tests' environment."""
    command = [sys.executable, "-m", "build", kind, "--no-isolation", "--outdir", out, source]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return out / re.findall(r"datacat[\w.-]+(?:\.whl|\.tar\.gz)", done.stdout)[-1]


def without_node(folder: Path) -> str:
    """A PATH on which Node is broken: what needs it fails."""
    broken = folder / "broken"
    broken.mkdir(exist_ok=True)
    for name in ("node", "npm"):
        (broken / name).write_text("#!/bin/sh\nexit 1\n")
        (broken / name).chmod(0o755)
    return os.pathsep.join([str(broken), os.environ["PATH"]])


class Up(NamedTuple):
    """The addresses of a `datacat up`."""

    web: str
    api: str


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    return Distributions(tmp_path_factory.mktemp("distributions"))


@pytest.fixture(scope="session")
def installed_server(distributions: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment of the oldest Python that the server runs on, of those that are there, with both wheels."""
    python = next(path for path in map(interpreters.find, _OF_THE_SERVER) if path)
    made = Environment(python, tmp_path_factory.mktemp("server") / "venv")
    pinned = ("--constraint", ROOT / "constraints.txt")
    made.pip_of_the_tests("install", "--no-compile", "--only-binary", ":all:", *pinned, *distributions.wheels.values())
    return made


@pytest.fixture(scope="session")
def installed_client(
    distributions: Distributions, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Environment]:
    """What gives an environment of an interpreter with the client's wheel; the same one for the same interpreter."""

    @functools.cache
    def install(interpreter: str) -> Environment:
        made = Environment(interpreter, tmp_path_factory.mktemp("client") / "venv")
        made.install(distributions.wheels["python"])
        return made

    return install


@pytest.fixture(scope="session")
def up(installed_server: Environment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """`datacat up` of the installed wheels, in an empty folder."""
    home = tmp_path_factory.mktemp("home")
    ports = {"DATACAT_SERVER_PORT": "0", "DATACAT_WEB_PORT": "0"}
    process = subprocess.Popen(
        [installed_server.programs / "datacat", "up"],
        env=installed_server.variables(home, **ports),
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    found = re.search(r"web UI (http://[\d.]+:\d+), API (http://[\d.]+:\d+)", said)
    try:
        assert found, said
        yield Up(web=found[1], api=found[2])
    finally:
        process.terminate()
        process.communicate()
