"""The description of the API, as JSON, as YAML, and as a page that needs nothing from elsewhere."""

import asyncio
import hashlib
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from litestar.response import File

from datacat_server.access.scopes import PUBLIC
from datacat_server.api.declared import JSON
from datacat_server.api.openapi.document import document

BUNDLE = Path(__file__).parent / "bundle"
_ASSETS = {"viewer.js": "text/javascript", "viewer.css": "text/css"}
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>DataCat API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{style}">
<script src="{script}" defer></script>
</head>
<body>
<main id="viewer" data-document="/schema/openapi.json">
<noscript>This page needs script; <a href="/schema/openapi.json">the description itself</a> does not.</noscript>
</main>
</body>
</html>
"""


def schema_router(*, requires_key: bool) -> Router:
    """The calls that describe the others. The page itself needs no key: it holds nothing, and asks for one."""
    written: dict[str, bytes] = {}

    def answer(app: Litestar, media_type: str, write: Callable[[Any], bytes]) -> Response[bytes]:
        if media_type not in written:
            written[media_type] = write(document(app, requires_key=requires_key))
        return Response(written[media_type], media_type=media_type)

    async def as_json(request: Request[Any, Any, Any]) -> Response[bytes]:
        return await asyncio.to_thread(answer, request.app, JSON, _json)

    async def as_yaml(request: Request[Any, Any, Any]) -> Response[bytes]:
        return await asyncio.to_thread(answer, request.app, "application/yaml", msgspec.yaml.encode)

    return Router(
        "/schema",
        route_handlers=[get(["/", "/openapi.json"])(as_json), get("/openapi.yaml")(as_yaml), page, asset],
        include_in_schema=False,
    )


def _json(content: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(content), indent=1)


@get("/ui", sync_to_thread=True, opt={PUBLIC: True})
def page() -> Response[str]:
    """The page."""
    if not all((BUNDLE / name).is_file() for name in _ASSETS):
        raise NotFoundException("the page was not built; install the package, or read /schema/openapi.json")
    content = _PAGE.format(style=escape(_address("viewer.css")), script=escape(_address("viewer.js")))
    headers = {"Content-Security-Policy": _CSP, "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY"}
    return Response(content, media_type="text/html", headers=headers)


@get("/ui/{name:str}", sync_to_thread=True, opt={PUBLIC: True})
def asset(name: FromPath[str]) -> File:
    """Its script and its style."""
    if name not in _ASSETS:
        raise NotFoundException()
    caching = {"Cache-Control": "public, max-age=31536000, immutable"}
    return File(BUNDLE / name, media_type=_ASSETS[name], headers=caching, content_disposition_type="inline")


def _address(name: str) -> str:
    """The address of an asset, another one for each content, so that a browser may keep it."""
    digest = hashlib.sha256((BUNDLE / name).read_bytes()).hexdigest()[:16]
    return f"/schema/ui/{name}?{digest}"
