"""Export and import: sessions as a stream of lines, out and in (docs/design/records.md, `Exports`)."""

import asyncio
from typing import Annotated, Any

from litestar import Request, Router, get, post
from litestar.params import QueryParameter
from litestar.response import Stream

from datacat_server.api.declared import NDJSON, ResponseSpec, declares
from datacat_server.api.errors import BadRequest
from datacat_server.api.filtering import FilterDependency
from datacat_server.api.sessions import StoreDependency
from datacat_server.export.intake import Intake, Intaken
from datacat_server.export.stream import LineSplitter, export_stream


@get("/api/export", responses={200: ResponseSpec(str, media_type=NDJSON, description="The lines")})
async def export_sessions(store: StoreDependency, filter: FilterDependency) -> Stream:
    """The sessions of a filter with all that belongs to them, oldest first, as newline-delimited JSON.

    Without a last line of the kind `end` it is not whole.
    """
    return Stream(export_stream(store, filter), media_type=NDJSON)


@post(
    "/api/import",
    status_code=200,
    request_max_body_size=None,
    opt=declares(Any, media_type=NDJSON, required=False),
)
async def import_sessions(
    request: Request[Any, Any, Any],
    store: StoreDependency,
    replace: Annotated[
        bool, QueryParameter(description="Sessions take the place of those that are there with their ids.")
    ] = False,
) -> Intaken:
    """Store the sessions of an export, or of a part of one that begins like one; answers when they are on disk.

    `complete` says whether its last line, of the kind `end`, came. Each session is stored whole when its last line has
    come, those before a line that is wrong too. Sessions that are there already stay as
    they are, but for `replace`. May be as large as it likes.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise BadRequest("content-encoding: expected none; send the lines as they are")
    intake, splitter = Intake(store, replace=replace), LineSplitter()
    wrong: ValueError | None = None
    try:
        async for chunk in request.stream():
            if wrong is None:
                try:
                    await asyncio.to_thread(_feed, intake, splitter, chunk)
                except ValueError as error:
                    wrong = error  # the rest is still read: who sends it hears the answer only then
        if wrong is None:
            try:
                await asyncio.to_thread(_finish, intake, splitter)
            except ValueError as error:
                wrong = error
    finally:
        intake.close()
    if wrong is not None:
        raise BadRequest(str(wrong))
    return intake.done


def _feed(intake: Intake, splitter: LineSplitter, chunk: bytes) -> None:
    for line in splitter.split(chunk):
        intake.feed(line)


def _finish(intake: Intake, splitter: LineSplitter) -> None:
    intake.feed(splitter.rest())
    intake.finish()


router = Router("/", route_handlers=[export_sessions, import_sessions])
