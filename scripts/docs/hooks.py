"""What MkDocs calls while it builds the site: adds pages, and makes links.

A reference page is Markdown that is made at each build, from the program that it describes, and is no file anywhere.
What points out of `docs` leads to the repository, and a picture to itself.
"""

import posixpath
import re
from collections.abc import Callable
from pathlib import Path

import cells
import command_line
import go_package
import rest_calls
import rest_types
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import get_plugin_logger
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[2]
ICON = ROOT / "server" / "src" / "datacat_server" / "web" / "static" / "icon.svg"
PAGES: dict[str, Callable[[], str]] = {
    "reference/rest-api.md": rest_calls.page,
    "reference/rest-types.md": rest_types.page,
    "reference/command-line.md": command_line.page,
    "reference/go.md": go_package.page,
}
_LINK = re.compile(r"(?<=\]\()(\.\./[^)\s#]+)(#[^)\s]*)?(?=\))")
_OPTION = re.compile(r"<code>(?=--?[a-z-]+( [^ <]{1,16})?</code>)")
_PICTURE = re.compile(r"^!\[[^\]]*\]\(([^)\s]+)\)$", re.MULTILINE)

log = get_plugin_logger("datacat")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Leave out the page for what is not there: its links would have to begin at the root of a host."""
    config.theme.static_templates.discard("404.html")
    return config


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the generated pages and the picture that stands for DataCat."""
    for path, page in PAGES.items():
        files.append(File.generated(config, path, content=page()))
    files.append(File.generated(config, "images/icon.svg", abs_src_path=str(ICON)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead what points out of `docs` to the repository, and a picture to itself, at its full size.

    What is not there is a warning, and no site is built.
    """
    folder = posixpath.dirname(page.file.src_uri)
    repository = config.extra["repository"]

    def led(found: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join("docs", folder, found[1]))
        if path.startswith("docs/") or path == "docs":
            return found[0]
        there = ROOT / path
        if not there.exists():
            log.warning(f"{page.file.src_uri} links to {path}, which does not exist")
        kind = "tree" if there.is_dir() else "blob"
        return f"{repository}/{kind}/main/{path}{found[2] or ''}"

    return _PICTURE.sub(r"[\g<0>](\1)", _LINK.sub(led, markdown))


def on_page_content(html: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Have the cells of tables say of which column they are, and options stand in one line."""
    return _OPTION.sub('<code class="option">', cells.with_columns(html))
