"""Environments such as a reader makes: a Python with nothing but what pip puts there, and nothing of the checkout."""

import os
import subprocess
import sys
from pathlib import Path

from support.leftovers import MARK

ROOT = Path(__file__).parents[2]

# The pip that comes with a Python, started from its archive: to install it first takes longer than what it is for.
_ITS_PIP = """
import glob, os, sys, ensurepip
print(sorted(glob.glob(os.path.join(os.path.dirname(ensurepip.__file__), "_bundled", "pip-*.whl")))[-1])
"""


class Environment:
    """A virtual environment; of Python 2.7, which cannot make one, a user's own folder for packages.

    Args:
        interpreter: path of the Python that it is of.
        folder: where it is made; is created.

    Attributes:
        python: path of its Python.
        programs: the folder of its commands.
    """

    def __init__(self, interpreter: str, folder: Path) -> None:
        self._folder = folder
        self._has_venv = self._said(interpreter, "import sys; print(sys.version_info >= (3, 3))") == "True"
        if self._has_venv:
            subprocess.run([interpreter, "-m", "venv", "--without-pip", folder], check=True)
        self.programs = folder / "bin"
        self.python = str(self.programs / "python") if self._has_venv else interpreter

    def pip(self, *words: str | Path) -> str:
        """What pip prints. Raises subprocess.CalledProcessError, with its words, where it fails."""
        its_own = subprocess.run([self.python, "-c", _ITS_PIP], capture_output=True, text=True, check=False)
        if its_own.returncode == 0:
            command = [self.python, str(Path(its_own.stdout.strip(), "pip"))]
        else:  # Debian's Python comes without one
            command = [sys.executable, "-m", "pip", "--python", self.python]
        return self._run([*command, *words])

    def pip_of_the_tests(self, *words: str | Path) -> str:
        """What the pip of the tests' own Python prints, told to work here; it knows Pythons that are not too old."""
        return self._run([sys.executable, "-m", "pip", "--python", self.python, *words])

    def install(self, *words: str | Path) -> None:
        """Install by the pip that comes with this Python, from what is named and from nowhere else."""
        self.pip("install", "--no-index", *([] if self._has_venv else ["--user"]), *words)

    def variables(self, home: Path, *path: Path, **more: str) -> dict[str, str]:
        """The variables of a program run by a reader who has activated this environment, and nothing else.

        Args:
            home: the reader's own folder.
            path: folders on the PATH behind this environment's.
            more: variables of DataCat's.
        """
        folders = [self.programs, *path, *filter(None, os.defpath.split(os.pathsep))]
        user = {} if self._has_venv else {"PYTHONUSERBASE": str(self._folder)}
        mark = {MARK: os.environ[MARK]} if MARK in os.environ else {}
        return {
            "PATH": os.pathsep.join(map(str, folders)),
            "HOME": str(home),
            "LANG": "C.UTF-8",
            **user,
            **mark,
            **more,
        }

    def _run(self, command: list[str | Path]) -> str:
        ours = {"PYTHONUSERBASE": str(self._folder), "PIP_NO_INPUT": "1", "PIP_NO_WARN_SCRIPT_LOCATION": "1"}
        own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "DATACAT_"))}
        done = subprocess.run(command, env={**own, **ours}, cwd=self._folder.parent, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{command} failed:\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def _said(self, python: str, code: str) -> str:
        return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
