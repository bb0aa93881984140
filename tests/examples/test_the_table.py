"""The table of the examples: everything that is there, with the Python that it says."""

import ast
import re
import subprocess
from pathlib import Path

from support.interpreters import find

EXAMPLES = Path(__file__).parents[2] / "examples"
ROW = re.compile(r"^\| \[([\w./]+)\]\(([\w./]+)\) \| (.+) \| (.+) \|$", re.MULTILINE)


def rows():
    """What the table says: name to the last column."""
    return {name: needs for name, _, _, needs in ROW.findall((EXAMPLES / "README.md").read_text())}


def test_the_table_and_the_folder_have_the_same_examples():
    tracked = subprocess.run(
        ["git", "ls-files", "--", "."], cwd=EXAMPLES, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    there = {f"{file.partition('/')[0]}/" if "/" in file else file for file in tracked} - {"README.md"}
    assert set(rows()) == there


def test_each_example_says_first_how_it_is_run_and_on_which_python():
    for name, needs in rows().items():
        if not name.endswith(".py"):
            continue
        code = (EXAMPLES / name).read_text()
        told = ast.get_docstring(ast.parse(code))
        assert re.search(rf"^    python (examples/)?{name}", told, re.MULTILINE) or name == "game.py", name
        assert ("Python 2.7" in told) == ("2.7" in needs), name


def test_examples_compile_on_the_oldest_python_that_the_table_names():
    for version in ("2.7", "3.6", "3.7"):
        python = find(version)
        files = [
            EXAMPLES / name for name, needs in rows().items() if needs.startswith(version) and name.endswith(".py")
        ]
        assert files
        if python:
            code = "import sys\nfor name in sys.argv[1:]: compile(open(name).read(), name, 'exec')"
            subprocess.run([python, "-c", code, *map(str, files)], check=True)
