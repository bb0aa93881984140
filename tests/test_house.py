"""The house around the code: links that lead somewhere, and one version for all."""

import functools
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import fields
from graphlib import TopologicalSorter
from pathlib import Path

import datacat
import datacat_daemon
import datacat_server
import pytest
from datacat_daemon.config import Config as DaemonConfig
from datacat_server.config import Config
from support.reading import get, session_with_status, wait_for

ROOT = Path(__file__).parents[1]


def test_both_distributions_have_one_version():
    """Each says it once, in its package; the server asks for a client that is no older than itself."""
    assert datacat_server.__version__ == datacat_daemon.__version__ == datacat.__version__
    server = tomllib.loads((ROOT / "server" / "pyproject.toml").read_text())["project"]
    (client,) = (needed for needed in server["dependencies"] if needed.startswith("datacat-client"))
    assert client.startswith(f"datacat-client>={datacat.__version__},")
    assert not [needed for needed in server["dependencies"] if re.match(r"datacat\b(?!-)", needed)]  # somebody else's


def test_every_distribution_has_the_licence():
    for folder in ("python", "server"):
        assert (ROOT / folder / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_constraints_name_versions_only():
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9.]+|# [^/]+", line), line


@pytest.mark.xdist_group("house")
def test_tests_of_a_group_are_run_by_one_process(request):
    """pytest-xdist does it by the end of their ids, which not every version of pytest lets it change."""
    if "PYTEST_XDIST_WORKER" in os.environ and request.config.getoption("loadgroup"):
        assert request.node.nodeid.endswith("@house")


def test_every_link_in_the_documents_leads_to_a_file():
    made = re.findall(r'"(reference/[\w-]+\.md)"', (ROOT / "scripts/docs/hooks.py").read_text())  # with the site
    pages = {ROOT / "docs" / name for name in made}
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")]:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", document.read_text()):
            path = (document.parent / target).resolve()
            assert path.exists() or path in pages, f"{document.name}: {target}"


def test_the_example_is_the_game_of_the_demo():
    assert (ROOT / "examples" / "game.py").samefile(ROOT / "server/src/datacat_server/demo/game.py")


def test_the_rooms_of_the_server_know_one_another_one_way_only():
    rooms = rooms_known_to(ROOT / "server/src/datacat_server")
    list(TopologicalSorter(rooms).static_order())  # a CycleError names the rooms that know one another
    for room in ("api", "web", "terminal"):
        assert [knows for knows, known in rooms.items() if room in known] == ["cli"], room


def rooms_known_to(package):
    """What each room of a package imports of the others; a room is a folder of its or a module."""
    rooms = {}
    for file in package.rglob("*.py"):
        room = file.relative_to(package).parts[0].removesuffix(".py")
        known = rooms.setdefault(room, set())
        for imported in re.findall(rf"^\s*from {package.name}(?:\.(\w+)[\w.]*)? import (.+)", file.read_text(), re.M):
            names = [imported[0]] if imported[0] else re.findall(r"\w+", imported[1])
            known.update(name for name in names if name != room and not name.startswith("__"))
    return rooms


def test_the_readme_names_options_that_exist():
    """Of `datacat up` and `datacat demo`."""
    commands = re.findall(r"`(?:datacat|make) (up|demo)\b([^`]*)`", (ROOT / "README.md").read_text())
    named = [(command, option) for command, words in commands for option in re.findall(r"--[a-z-]+", words)]
    assert named
    for command, option in named:
        assert re.search(rf"{option}\b", help_of(command)), f"datacat {command} {option}"


def test_the_documents_name_variables_that_exist():
    """Settings, and what the sources read from the environment."""
    folders = [ROOT / "python/src", ROOT / "server/src", ROOT / "tests/support"]
    sources = [
        ROOT / "scripts/test",
        ROOT / "scripts/browser.py",
        *(path for folder in folders for path in folder.rglob("*.py")),
    ]
    read = {name for path in sources for name in VARIABLE.findall(path.read_text())}
    settings = {*(field.name for field in fields(DaemonConfig)), *Config.__struct_fields__}
    read |= {f"DATACAT_{setting.upper()}" for setting in settings} | OF_READERS
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("*/README.md")]
    named = {name for document in documents for name in VARIABLE.findall(document.read_text())}
    assert named >= {"DATACAT_URL", "DATACAT_API_KEY"}
    assert named - read == set()


VARIABLE = re.compile(r"\bDATACAT_[A-Z_]*[A-Z]\b")
OF_READERS = {"DATACAT_GRAFANA_KEY", "DATACAT_RETENTION_DAY"}
"""One of Grafana's own in its settings, and a mistake that a page shows."""


@functools.cache
def help_of(command: str) -> str:
    """What `datacat COMMAND --help` prints."""
    words = [sys.executable, "-c", "from datacat_server.cli.main import main; main()", command, "--help"]
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(words, env=environment, check=True, capture_output=True, text=True).stdout


def test_the_help_of_run_names_its_variables():
    for variable in ("DATACAT_PRODUCT", "DATACAT_VERSION", "DATACAT_URL"):
        assert f"${variable} or " in help_of("run")


def test_the_example_in_the_readme_ends_on_the_server_as_told(programs, server):
    code = re.search(r'```python title="vault.py"\n(.*?)```', (ROOT / "README.md").read_text(), re.DOTALL)[1]
    program = programs.start(code, server.url)
    program.communicate()
    assert program.returncode == 1
    (summary,) = wait_for(lambda: get(f"{server.url}/api/sessions")["sessions"])
    session = session_with_status(server.url, summary["id"], "crashed")
    assert (session["product"], session["version"]) == ("MyGame", "1.4.2")
    door, failure = (event for event in session["events"] if event["name"] in ("door_opened", "exception"))
    assert (door["level"], door["data"]) == ("warning", {"door": "vault"})
    assert (failure["exception_type"], failure["source_line"]) == ("KeyError", code.splitlines().index(FAILS) + 1)
    assert session["state"]["player"] == {"health": 80}


FAILS = '    treasure = {"gold": 7}["jewels"]'
