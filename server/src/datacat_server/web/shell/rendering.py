"""Templates to responses. Everything is escaped; a name that a template does not get is an error, not a blank."""

import hashlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Response
from markupsafe import Markup, escape

from datacat_server import wording
from datacat_server.web.shell.rights import may_change

HERE = Path(__file__).parent.parent
STATIC = HERE / "static"
BUNDLE = STATIC / "bundle"

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"} | {0x7F: 0x2421}
_JOINT = re.compile(r"([_./:-])(?=\w)")


class MissingBundle(RuntimeError):
    """The script and the style of the pages have not been built."""


class Renderer:
    """Fills the templates in `templates/`.

    `signs_in`: whether the server asks for a key, so that every page offers to sign out. `filters`: those of single
    pages, by name. Templates ask `may_change()` before they show a form that changes something.

    Raises MissingBundle where the package was not installed, so that its bundle was never built.
    """

    def __init__(self, *, signs_in: bool = False, filters: Mapping[str, Callable[..., Any]] | None = None) -> None:
        assets = {name: _versioned(name) for name in ("main.js", "theme.js", "style.css")}
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_visible,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        self._environment.globals.update(assets=assets, signs_in=signs_in, may_change=may_change)
        self._environment.filters.update(
            number=wording.number,
            duration=wording.duration,
            elapsed=wording.elapsed,
            exact=wording.exact,
            rfc3339=wording.rfc3339,
            shorten=wording.shorten,
            clip=wording.clip,
            sentence_case=wording.sentence_case,
            ago=wording.ago,
            breakable=breakable,
            count=wording.count,
            percent=wording.percent,
            size=wording.size,
            quantity=wording.quantity,
            **(filters or {}),
        )
        self.offer(rooms=(), paths=(), active_sessions=str)
        # Compiled now: the first page of a kind would take several times as long as the others.
        for name in self._environment.list_templates():
            self._environment.get_template(name)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Renderer":
        """Itself: Litestar copies handlers with all that they hold, and compiled templates cannot be copied."""
        return self

    def offer(self, **values: Any) -> None:
        """Give every template some more values."""
        self._environment.globals.update(values)

    def page(self, template: str, status_code: int = 200, **context: Any) -> Response[bytes]:
        """One page as a response."""
        html = self._environment.get_template(template).render(**context)
        # A lone surrogate that an application sent must not cost the page.
        body = html.encode("utf-8", "replace")
        return Response(body, media_type="text/html", status_code=status_code)


def breakable(text: str) -> Markup:
    """The text, escaped, with a place to break lines after what joins the parts of a name."""
    return Markup(_JOINT.sub(r"\1<wbr>", str(escape(text))))


def _visible(value: Any) -> Any:
    """What is put into a page, with Unicode's pictures in place of control characters: HTML cannot hold those."""
    if isinstance(value, str) and _CONTROL.search(value):
        return value.translate(_PICTURES)
    return value


def _versioned(name: str) -> str:
    """Address of a bundled file, with a part that changes when its content does: it can be cached for ever."""
    try:
        content = (BUNDLE / name).read_bytes()
    except FileNotFoundError:
        raise MissingBundle(
            "The script and style of the web UI are not built. Installing the package builds them: pip install ./server"
        ) from None
    return f"/static/bundle/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"
