"""Workflows, PowerShell scripts, the container file and the systemd units call what exists."""

import configparser
import fnmatch
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib

import pytest
import yaml
from datacat_server.config import Config
from datacat_server.store.sqlite.file.connection import FILE_NAME
from support.environments import ROOT

pytestmark = pytest.mark.xdist_group("packages")

UNITS = sorted((ROOT / "deploy").glob("datacat*.service"))
POWERSHELL = sorted((ROOT / "scripts").glob("*.ps1"))
SETTINGS = {f"DATACAT_{name.upper()}" for name in Config.__struct_fields__}


def commands_of_the_packages():
    """The names of the console scripts of both distributions."""
    client = configparser.ConfigParser()
    client.read(ROOT / "python" / "setup.cfg")
    of_client = [line.split("=")[0].strip() for line in client["options.entry_points"]["console_scripts"].split("\n")]
    server = tomllib.loads((ROOT / "server" / "pyproject.toml").read_text())
    return {*filter(None, of_client), *server["project"]["scripts"]}


def steps_of(workflow):
    return [step for job in yaml.safe_load(workflow.read_text())["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("workflow", sorted((ROOT / ".github" / "workflows").glob("*.yml")), ids=lambda path: path.name)
def test_a_workflow_makes_only_targets_that_exist_and_knows_no_secret(workflow):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    made = {target for step in steps_of(workflow) for target in re.findall(r"\bmake ([a-z]+)", step.get("run", ""))}
    assert made and made <= targets
    assert "secrets." not in workflow.read_text()
    assert yaml.safe_load(workflow.read_text())["permissions"] == {"contents": "read"}


def test_the_workflows_run_the_tests_and_everything_that_is_told_to_newcomers():
    text = (ROOT / ".github" / "workflows" / "test.yml").read_text()
    for target in ("test", "demo ONCE=1", "docs"):
        assert re.search(rf"make {target}\b", text)
    (test,) = (job for name, job in yaml.safe_load(text)["jobs"].items() if name == "test")
    supported = tomllib.loads((ROOT / "server" / "pyproject.toml").read_text())["project"]["classifiers"]
    versions = [name.rpartition(" ")[2] for name in supported if re.search(r":: 3\.\d+$", name)]
    assert test["strategy"]["matrix"] == {"os": ["ubuntu-latest", "macos-latest"], "python": versions}


@pytest.mark.parametrize(
    ("tag", "heading", "released"),
    [
        ("v0.1.0", "0.1.0, 2026-12-01", True),
        ("v0.1.0", "0.1.0", True),
        ("v0.1.0", "0.1.0, not released yet", False),
        ("v0.1.0", "0.1.01", False),
        ("v0.2.0", "0.1.0, 2026-12-01", False),
    ],
)
def test_a_release_is_tested_before_it_is_built_and_refused_where_the_changelog_does_not_have_it(
    tmp_path, tag, heading, released
):
    steps = steps_of(ROOT / ".github" / "workflows" / "release.yml")
    (check,) = (number for number, step in enumerate(steps) if "CHANGELOG.md" in step.get("name", ""))
    (test,) = (number for number, step in enumerate(steps) if step.get("run", "").startswith("make test"))
    (build,) = (number for number, step in enumerate(steps) if step.get("run") == "make packages")
    assert check < test < build
    (tmp_path / "CHANGELOG.md").write_text(f"# Changes\n\n## {heading}\n\n## 0.0.1\n")
    environment = {**os.environ, "GITHUB_REF_NAME": tag}
    done = subprocess.run(["bash", "-e", "-c", steps[check]["run"]], cwd=tmp_path, env=environment, capture_output=True)
    assert (done.returncode == 0) is released


@pytest.mark.parametrize("script", POWERSHELL, ids=lambda path: path.name)
def test_a_powershell_script_calls_what_exists(script):
    text = script.read_text()
    for name in re.findall(r'Join-Path \$PSScriptRoot "([^"]+)"', text):
        assert (ROOT / "scripts" / name).is_file(), name
    for name in re.findall(r'Join-Path \$commands "([^"]+)"', text):
        assert name in {"python", *commands_of_the_packages()}, name
    for name in re.findall(r"-Example (\w+)", text):
        assert (ROOT / "examples" / f"{name}.py").is_file(), name


@pytest.mark.skipif(shutil.which("pwsh") is None, reason="there is no PowerShell here")
def test_powershell_runs_an_example(up, tmp_path):
    environment = {**os.environ, "DATACAT_URL": up.api, "DATACAT_SPOOL": str(tmp_path / "spool")}
    script = ROOT / "scripts" / "run-example.ps1"
    command = ["pwsh", "-NoProfile", "-File", script, "-Example", "basic"]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_scripts_for_windows_are_there():
    assert {path.stem for path in POWERSHELL} == {"setup", "run-server", "run-web", "run-both", "run-example"}


@pytest.fixture(scope="module")
def instructions():
    """(instruction, words) of the container file, from top to bottom."""
    text = (ROOT / "deploy" / "Containerfile").read_text().replace("\\\n", " ")
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(name, words.strip()) for name, words in lines]


def test_the_container_is_built_from_files_that_are_there_and_not_ignored(instructions):
    patterns = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line[1:] for line in patterns if line.startswith("!")}
    assert "*" in patterns
    for words in (words for name, words in instructions if name == "COPY" and "--from" not in words):
        *sources, _ = words.split()
        for source in sources:
            assert (ROOT / source).exists() and source in let_in, source
    for built in ROOT.glob("server/src/datacat_server/**/bundle"):  # its bundle is its own
        name = built.relative_to(ROOT).as_posix()
        assert any(fnmatch.fnmatch(name, pattern) for pattern in patterns), name


def test_the_container_runs_as_nobody_special_with_settings_that_exist(instructions):
    last = dict(instructions)
    assert last["USER"] not in ("root", "0")
    assert last["VOLUME"] == last["WORKDIR"] == "/data"
    assert set(last["EXPOSE"].split()) == {str(Config().server_port), str(Config().web_port)}
    settings = dict(word.split("=") for word in last["ENV"].split())
    assert set(settings) <= SETTINGS
    assert (settings["DATACAT_HOST"], settings["DATACAT_DATA_PATH"]) == ("0.0.0.0", last["VOLUME"])
    assert last["CMD"] == '["datacat", "up"]'


def test_the_container_is_healthy_when_the_server_is(instructions, up):
    check = next(words for name, words in instructions if name == "HEALTHCHECK")
    (code,) = re.findall(r'"-c", "(.*)"\]', check)

    def of(address):
        asked = code.replace("http://127.0.0.1:9090", address)
        return subprocess.run([sys.executable, "-c", asked], capture_output=True).returncode

    assert of(up.api) == 0
    assert of("http://127.0.0.1:9") != 0


def test_the_compose_file_builds_the_container_file():
    (service,) = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"].values()
    context = ROOT / "deploy" / service["build"]["context"]
    assert (context / service["build"]["dockerfile"]).samefile(ROOT / "deploy" / "Containerfile")
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def lines_of(unit, name):
    return re.findall(rf"^{name}=(.*)$", unit.read_text(), re.MULTILINE)


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_calls_a_command_with_options_that_exist(unit, installed_server):
    (start,) = lines_of(unit, "ExecStart")
    words = [word for part in shlex.split(start) for word in part.split()]
    at = words.index("/opt/datacat/bin/datacat")
    asked = [installed_server.programs / "datacat", words[at + 1], "--help"]
    shown = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    for option in (word for word in words[at:] if word.startswith("--")):
        assert re.search(rf"{option}\b", shown), option
    for line in lines_of(unit, "Environment"):
        assert line.split("=")[0] in SETTINGS
    for file in re.findall(r"^ConditionPathExists=(.*)$", unit.read_text(), re.MULTILINE):
        assert file == f"/var/lib/datacat/{FILE_NAME}"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_understands_the_units_and_finds_them_shut_in(installed_server, tmp_path):
    for path in (ROOT / "deploy").glob("datacat*.*"):
        text = path.read_text().replace("/opt/datacat/bin/datacat", str(installed_server.programs / "datacat"))
        (tmp_path / path.name).write_text(text)
    units = sorted(tmp_path.glob("datacat*"))
    # the user is made when it is installed, and some versions look for it
    verified = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True)
    complaints = [line for line in verified.stderr.splitlines() if str(tmp_path) in line or line.startswith("datacat")]
    assert not complaints
    for unit in (path for path in units if path.suffix == ".service"):
        looked = ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit]
        judged = subprocess.run(looked, capture_output=True, text=True)
        assert judged.returncode == 0, judged.stdout[-300:]
