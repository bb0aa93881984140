"""What the distributions hold, and what they leave out."""

import email
import re
import tarfile
import zipfile

import pytest
from packaging.requirements import Requirement
from support.environments import ROOT

pytestmark = pytest.mark.xdist_group("packages")

MODULES = {"python": ("datacat", "datacat_daemon"), "server": ("datacat_server",)}


def files_of(wheel):
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def metadata_of(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


@pytest.mark.parametrize("folder", MODULES)
def test_a_wheel_holds_its_packages_whole_and_nothing_else(distributions, folder):
    source = ROOT / folder / "src"
    expected = {
        path.relative_to(source).as_posix()
        for package in MODULES[folder]
        for path in (source / package).rglob("*")
        if path.is_file() and path.suffix not in (".pyc", ".pyo")
    }
    files = files_of(distributions.wheels[folder])
    assert {name for name in files if ".dist-info/" not in name} == expected


def test_the_wheels_hold_what_is_no_module(distributions):
    client, server = (files_of(distributions.wheels[folder]) for folder in ("python", "server"))
    assert {"datacat/py.typed", "datacat/__init__.pyi"} <= client
    package = "datacat_server"
    for bundle in (f"{package}/web/static/bundle", f"{package}/api/openapi/bundle"):
        assert f"{bundle}/LICENSES.txt" in server
    assert {f"{package}/py.typed", f"{package}/web/static/bundle/main.js", f"{package}/demo/game.py"} <= server
    for kind in ("html", "sql"):
        assert any(name.endswith(f".{kind}") for name in server)


@pytest.mark.parametrize("folder", MODULES)
def test_a_wheel_has_its_licence_and_says_what_it_is(distributions, folder):
    wheel = distributions.wheels[folder]
    assert any(re.search(r"\.dist-info/(licenses/)?LICENSE$", name) for name in files_of(wheel))
    said = metadata_of(wheel)
    assert "MIT" in (said["License"], said["License-Expression"])
    assert said["Summary"] and said["Author"] and said.get_all("Project-URL") and said.get_all("Classifier")
    assert said["Description-Content-Type"] == "text/markdown"
    readme = (ROOT / folder / "README.md").read_text(encoding="utf-8")
    assert said.get_payload(decode=True).decode("utf-8").strip() == readme.strip()
    # where it is read in an index there is nothing beside it
    assert not re.findall(r"\]\((?!https?://)", readme)


def test_the_clients_wheel_is_for_every_python(distributions):
    assert distributions.wheels["python"].name.endswith("-py2.py3-none-any.whl")
    said = metadata_of(distributions.wheels["python"])
    assert said["Requires-Python"].replace(" ", "").split(",").count(">=2.7") == 1


@pytest.mark.parametrize(
    "python, platform, fast, vitals",
    [
        ("2.7", "linux2", set(), set()),
        ("3.6", "linux", set(), set()),
        ("3.8", "linux", {"orjson"}, set()),
        ("3.11", "linux", {"orjson"}, {"py-spy", "zstandard"}),
        ("3.11", "darwin", {"orjson"}, {"py-spy", "zstandard", "psutil"}),
        ("3.13", "win32", {"orjson"}, {"py-spy", "zstandard"}),
        ("3.14", "linux", {"orjson"}, {"py-spy"}),
    ],
)
def test_the_client_needs_nothing_and_an_extra_only_what_can_be_used(distributions, python, platform, fast, vitals):
    needed = [Requirement(line) for line in metadata_of(distributions.wheels["python"]).get_all("Requires-Dist")]
    machine = {"python_version": python, "sys_platform": platform, "platform_python_implementation": "CPython"}

    def names(extra):
        return {one.name for one in needed if one.marker is None or one.marker.evaluate({**machine, "extra": extra})}

    assert (names(""), names("fast"), names("vitals")) == (set(), fast, vitals)


@pytest.mark.parametrize("folder", MODULES)
def test_an_sdist_holds_what_the_wheel_is_built_from_and_no_tests(distributions, folder):
    # that it builds without Node, and gives the wheel of these tests, has been shown by the making of it
    with tarfile.open(distributions.sdists[folder]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "pyproject.toml"} <= names
    assert not [name for name in names if name.startswith(("tests", "node_modules")) or name.endswith(".pyc")]
