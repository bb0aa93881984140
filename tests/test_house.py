"""The house around the code: links that lead somewhere, and one version for all."""

import functools
import json
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


def test_the_readme_names_options_and_variables_that_exist():
    """Options of `datacat up` and `datacat demo`, settings, and what the client reads from the environment."""
    readme = (ROOT / "README.md").read_text()
    sources = "".join(path.read_text() for path in (ROOT / "python/src/datacat").glob("*.py"))
    of_daemon = {f"DATACAT_{setting.name.upper()}" for setting in fields(DaemonConfig)}
    for command, options in re.findall(r"`(?:datacat|make) (up|demo)\b([^`]*)`", readme):
        shown = help_of(command)
        for option in re.findall(r"--[a-z-]+", options):
            assert re.search(rf"{option}\b", shown), f"datacat {command} {option}"
    for variable in re.findall(r"\$(DATACAT_[A-Z_]+)", readme):
        assert f'"{variable}"' in sources or variable in of_daemon, variable
    for settings in re.findall(r"`({.*?})`", readme):
        assert set(json.loads(settings)) <= set(Config.__struct_fields__)


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
