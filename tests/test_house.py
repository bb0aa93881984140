"""The house around the code: links that lead somewhere, and one version for all."""

import configparser
import re
import sys
import tomllib
from pathlib import Path

from support.spools import run_program, sessions_in

ROOT = Path(__file__).parents[1]


def test_both_distributions_have_one_version():
    client = configparser.ConfigParser()
    client.read(ROOT / "python" / "setup.cfg")
    server = tomllib.loads((ROOT / "server" / "pyproject.toml").read_text())
    assert client["metadata"]["version"] == server["project"]["version"]


def test_constraints_name_versions_only():
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9.]+", line), line


def test_every_link_in_the_documents_leads_to_a_file():
    for document in ROOT.glob("*.md"):
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#]+)", document.read_text()):
            assert (ROOT / target).exists(), f"{document.name}: {target}"


def test_the_example_is_the_game_of_the_demo():
    assert (ROOT / "examples" / "game.py").samefile(ROOT / "server/src/datacat_server/demo/game.py")


def test_the_example_in_the_readme_does_what_it_shows(tmp_path):
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]
    done = run_program(tmp_path / "spool", [sys.executable, "-c", code])
    assert (done.returncode, done.stderr) == (0, "")
    (session,) = sessions_in(tmp_path / "spool")
    assert session.manifest["product"] == "MyGame"
    assert [body["name"] for body in session.of("event")] == ["door_opened"]
    assert session.of("state")[0]["state"]["player"] == {"health": 80}
    assert session.control["ended_us"]
