"""What was built, installed where nothing else is, and used as the README tells a reader to."""

import json
import re
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from support import interpreters
from support.environments import ROOT
from support.page_blocks import read_page
from support.reading import get, session_with_status, wait_for

pytestmark = pytest.mark.xdist_group("packages")


@pytest.fixture(scope="module")
def vault():
    """The program that the README has its reader save."""
    (block,) = (block for block in read_page(ROOT / "README.md").blocks if block.title == "vault.py")
    return block.text


def test_the_readmes_program_crashes_and_the_server_shows_it(
    interpreter, installed_client, installed_server, up, vault, tmp_path
):
    """On an old Python, too: the first `datacat-daemon` on its PATH is its own, which needs a newer one."""
    client = installed_client(interpreter)
    program = vault.replace("1.4.2", tmp_path.name)  # the server is the same for all of them
    (tmp_path / "vault.py").write_text(program)
    variables = client.variables(tmp_path, installed_server.programs, DATACAT_URL=up.api)
    done = subprocess.run([client.python, "vault.py"], cwd=tmp_path, env=variables, capture_output=True, text=True)
    assert done.returncode == 1
    assert "KeyError: 'jewels'" in done.stderr
    (summary,) = wait_for(lambda: get(f"{up.api}/api/sessions?version={tmp_path.name}")["sessions"])
    session = session_with_status(up.api, summary["id"], "crashed")
    door, failure = (event for event in session["events"] if event["name"] in ("door_opened", "exception"))
    assert (door["level"], door["data"]) == ("warning", {"door": "vault"})
    assert (failure["exception_type"], failure["source_line"]) == ("KeyError", len(program.splitlines()))
    assert session["state"]["player"] == {"health": 80}


def test_the_clients_wheel_is_used_and_brings_nothing_else(interpreter, installed_client, tmp_path):
    client = installed_client(interpreter)
    code = "import datacat, os; print(os.path.dirname(os.path.dirname(datacat.__file__)))"
    where = subprocess.run(
        [client.python, "-c", code], env=client.variables(tmp_path), cwd=tmp_path, capture_output=True, text=True
    )
    packages = Path(where.stdout.strip())
    assert client.programs.parent in packages.parents, where
    assert {path.name.partition("-")[0] for path in packages.iterdir()} == {
        "datacat",
        "datacat_daemon",
        "datacat_client",
    }


def test_what_the_server_needs_is_there_and_fits(installed_server):
    assert "No broken requirements" in installed_server.pip_of_the_tests("check")


def test_every_module_of_the_server_loads_with_nothing_but_what_it_needs(installed_server, tmp_path):
    load = """
import importlib, pkgutil, datacat_server
for found in pkgutil.walk_packages(datacat_server.__path__, "datacat_server."):
    if found.name != "datacat_server.export.parquet":  # asks for more than is installed
        importlib.import_module(found.name)
"""
    done = subprocess.run(
        [installed_server.python, "-c", load],
        cwd=tmp_path,
        env=installed_server.variables(tmp_path),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_the_demo_has_every_verdict_right_on_the_oldest_python(installed_server, tmp_path):
    asked = [installed_server.python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    if subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip() == interpreters.OWN:
        pytest.skip("on the Python of the tests it is a test of its own: tests/test_demo.py")
    command = [installed_server.programs / "datacat", "demo", "--once", "--json", "--port", "0", "--web-port", "0"]
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=installed_server.variables(tmp_path),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(json.loads(done.stdout)["instances"]) == 7


def test_the_web_ui_has_its_script_and_style(up):
    with urllib.request.urlopen(up.web, timeout=30) as answer:
        page = answer.read().decode()
    for name in ("main.js", "style.css"):
        (address,) = set(re.findall(rf'(?:src|href)="([^"]*/{re.escape(name)}[^"]*)"', page))
        with urllib.request.urlopen(urllib.parse.urljoin(up.web, address), timeout=30) as answer:
            assert len(answer.read()) > 10_000
