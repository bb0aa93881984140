"""The Python interpreters that the client is tested with: the fixture `interpreter` is the path of each in turn.

Looked for as `pythonX.Y` on the PATH and under `~/.pyenv/versions`. With DATACAT_INTERPRETERS set, to "2.7,3.6,3.13"
for example, exactly these are used beside the one that runs the tests, and one that is missing is a failure.
"""

import functools
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

VERSIONS = ("2.7", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
DEFAULT = ("2.7", "3.6", "3.8", "3.13")
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"


def wanted() -> list[str]:
    """Versions to test with, oldest first."""
    demanded = os.environ.get("DATACAT_INTERPRETERS")
    versions = demanded.split(",") if demanded else [version for version in DEFAULT if find(version)]
    return sorted({OWN, *versions}, key=VERSIONS.index)


@functools.cache
def find(version: str) -> str | None:
    """Path of the interpreter of a version such as "3.6", or None."""
    if version == OWN:
        return sys.executable
    candidates = [shutil.which(f"python{version}")]
    homes = Path.home().joinpath(".pyenv", "versions").glob(f"{version}.*")
    newest_first = sorted(homes, key=lambda home: [int(part) for part in re.findall(r"\d+", home.name)], reverse=True)
    candidates += [str(home / "bin" / "python") for home in newest_first]
    return next((path for path in candidates if path and _is(path, version)), None)


def _is(path: str, version: str) -> bool:
    """Whether a program really is that Python: what lies on the PATH may be a shim that leads nowhere."""
    ask = [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        answer = subprocess.run(ask, capture_output=True, text=True, timeout=30, check=False)
    except OSError:
        return False
    return answer.stdout.strip() == version


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "interpreter" in metafunc.fixturenames:
        metafunc.parametrize("interpreter", wanted(), indirect=True, scope="session")


@pytest.fixture(scope="session")
def interpreter(request: pytest.FixtureRequest) -> str:
    """Path of a Python interpreter; the test runs once for each version."""
    path = find(request.param)
    if path is None:
        pytest.fail(f"DATACAT_INTERPRETERS asks for Python {request.param}, and there is no python{request.param}.")
    return path
