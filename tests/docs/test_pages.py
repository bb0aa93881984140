"""Every code block of the documents does what the page around it says."""

import shutil
from pathlib import Path

import pytest
from support.page_blocks import read_page
from support.page_runs import Failed, PageRun

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name / "README.md" for name in ("", "go", "python", "server")),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "examples").rglob("README.md"),
]


@pytest.mark.parametrize(
    "path", [pytest.param(path, id=str(path.relative_to(ROOT))) for path in sorted(PAGES) if path.is_file()]
)
def test_every_block_of_the_page_does_what_it_says(path: Path, tmp_path: Path) -> None:
    page = read_page(path)
    if (ROOT / "examples") in path.parents:  # these are about the files beside them
        shutil.copytree(path.parent, tmp_path / "page", ignore=shutil.ignore_patterns("__pycache__"))
    run = PageRun(page, tmp_path)
    try:
        run.run()
    except Failed as failed:
        pytest.fail(str(failed), pytrace=False)
    finally:
        run.end()
