"""What can be done with sessions of the list: export those of a filter or those chosen, and delete chosen ones."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.response import Redirect, Stream

from datacat_server.export.stream import export_stream
from datacat_server.filters import parse_filter
from datacat_server.model import Session
from datacat_server.store.protocol import Store, UnknownSession
from datacat_server.web.sessions.view import check_names
from datacat_server.web.shell.errors import PageError
from datacat_server.web.shell.forms import LARGEST_FORM, Form, Forms, one, several
from datacat_server.web.shell.rights import may_change
from datacat_server.web.shell.security import local_path

MOST_CHOSEN = 200


def _only_reads() -> PageError:
    return PageError(403, "This key may read, but not delete.", "Deleting needs a key with the scope admin.")


def _none_chosen() -> PageError:
    return PageError(400, "No session is chosen.", "Go back to the list and mark the sessions that are meant.")


def chosen_routes(store: Store, forms: Forms) -> list[HTTPRouteHandler]:
    """`/export`, and the page that asks before sessions are deleted."""

    @get("/export", include_in_schema=False, sync_to_thread=True)
    def export(request: Request[Any, Any, Any]) -> Stream:
        """The sessions of a filter as `datacat import` takes them; those chosen by `ids`, whole, as a JSON array."""
        if ids := _ids(request.query_params.getall("ids", [])):
            return _file(_array(store, ids), "application/json", "sessions.json")
        try:
            check_names(request.query_params)
            wanted = parse_filter(request.query_params.multi_items())
        except ValueError as error:
            raise PageError(400, "This cannot be exported.", f"{error}.") from None
        return _file(export_stream(store, wanted), "application/x-ndjson", "sessions.ndjson")

    # Litestar calls no function in a thread whose path has a second one, so these two see to it themselves.
    @get("/delete", include_in_schema=False)
    async def ask(request: Request[Any, Any, Any]) -> Response[bytes]:
        """What is about to be deleted, and the form that does it."""
        if not may_change():
            raise _only_reads()
        chosen = await asyncio.to_thread(_known, store, _ids(request.query_params.getall("ids", [])))
        if not chosen:
            raise _none_chosen()
        back = _list(request.query_params.get("back", ""))
        return forms.page(request, "sessions/delete.html", sessions=chosen, back=back, now=datetime.now(UTC))

    @post("/delete", include_in_schema=False, request_max_body_size=LARGEST_FORM)
    async def delete(request: Request[Any, Any, Any], data: Form) -> Redirect:
        forms.check(request, data)
        ids = _ids(several(data, "ids"))
        if not ids:
            raise _none_chosen()
        deleted = await asyncio.to_thread(_delete, store, ids)
        back = _list(one(data, "back"))
        joint = "&" if "?" in back else "?"
        return Redirect(f"{back}{joint}{urlencode({'deleted': deleted})}", status_code=303)

    return [export, ask, delete]


def _list(address: str) -> str:
    """The address if it is one of the list, to come back to what was shown of it; else that of the whole list."""
    address, _, _ = address.partition("#")  # behind it nothing could be added
    path, _, _ = address.partition("?")
    return local_path(address) if path == "/sessions" else "/sessions"


def _ids(values: list[str]) -> list[str]:
    ids = list(dict.fromkeys(value for value in values if value))
    if len(ids) > MOST_CHOSEN:
        raise PageError(400, "These are too many sessions.", f"Mark at most {MOST_CHOSEN} at once.")
    return ids


def _delete(store: Store, ids: list[str]) -> int:
    deleted = 0
    for session_id in ids:
        try:
            store.delete(session_id)
            deleted += 1
        except UnknownSession:
            continue  # somebody else was quicker
    return deleted


def _known(store: Store, ids: list[str]) -> list[Session]:
    found = []
    for session_id in ids:
        try:
            found.append(store.session(session_id, ()))
        except UnknownSession:
            continue
    return found


def _array(store: Store, ids: list[str]) -> Iterator[bytes]:
    separator = b"["
    for session_id in ids:
        try:
            pieces = store.session_json(session_id)
            first = next(pieces)
        except UnknownSession:
            continue
        yield separator + first
        yield from pieces
        separator = b",\n"
    yield b"[]" if separator == b"[" else b"]\n"


def _file(content: Iterator[bytes], media_type: str, name: str) -> Stream:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Stream(content, media_type=media_type, headers=headers)
