"""The OpenAPI 3.1 document, from the routes of the application.

What it says of a call stands with its handler: summary and description in the docstring, parameters in the signature,
body and answer in what it declares (`api/declared.py`), who may in its scope.
"""

import inspect
from collections.abc import Iterator
from http import HTTPStatus
from itertools import chain, islice
from types import UnionType
from typing import Any, get_args

from litestar import Litestar, Response
from litestar.handlers import HTTPRouteHandler
from litestar.response import Stream
from litestar.routes import HTTPRoute
from litestar.types.empty import Empty

from datacat_server import __version__
from datacat_server.api.auth import scope_of
from datacat_server.api.declared import BODY, ERRORS, JSON, Body
from datacat_server.api.openapi.errors import Error, error_reference, error_responses
from datacat_server.api.openapi.parameters import path_parameters, query_parameter
from datacat_server.api.openapi.schemas import schemas_of
from datacat_server.api.query import query_parameters

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

_INTRODUCTION = """\
Sessions of programs: what they logged, how they ended, and what is known about their processes.

- Times are RFC 3339, UTC. A call that adds something takes seconds since 1970 as well.
- An error is `{"error": kind, "details": what to do}`; the details begin with the name of the field that is wrong.
- A query parameter that a call does not know is an error; a field of a body that it does not know is of no account.
- Pages: `limit` says how long one may be, `cursor` of an answer asks for the next one, and is null at the end.
- Every call that takes GET takes HEAD. OPTIONS says in `Allow` what an address takes, as 405 does.
"""


def document(app: Litestar, *, requires_key: bool) -> dict[str, Any]:
    """The description of all that is routed in an application, as JSON has it."""
    calls = sorted(_calls(app), key=lambda call: (call[0].path_format, _METHODS.index(call[1])))
    types = [kind for _, _, handler in calls for kind in _types(handler)]
    bodies = [body.type for _, _, handler in calls if (body := _body(handler)) is not None]
    found, components = _schemas(types, bodies)
    paths: dict[str, Any] = {}
    for route, method, handler in calls:
        operation = _operation(route, handler, requires_key)
        for place in _places(handler, operation):
            place["schema"] = next(found)
        paths.setdefault(route.path_format, {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "DataCat",
            "version": __version__,
            "summary": "Session-based monitoring of crashes and hangs",
            "description": _INTRODUCTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "tags": [{"name": name} for name in _tags(paths)],
        "paths": paths,
        "components": {
            "schemas": components,
            "responses": error_responses(),
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key of `datacat keys add`, or the configuration's `api_key`.",
                }
            },
        },
    }


def _calls(app: Litestar) -> Iterator[tuple[HTTPRoute, str, HTTPRouteHandler]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if method in _METHODS and handler.resolve_include_in_schema():
                    yield route, str(method), handler


def _operation(route: HTTPRoute, handler: HTTPRouteHandler, requires_key: bool) -> dict[str, Any]:
    function: Any = handler.fn
    text = inspect.cleandoc(getattr(function, "func", function).__doc__ or "")
    summary, _, more = text.partition("\n")
    scope = scope_of(handler)
    needs = f"Needs a key with the scope `{scope}`, where keys are required." if scope else "Never needs a key."
    parameters = path_parameters(route)
    parameters += [query_parameter(name, field) for name, field in query_parameters(handler).items()]
    operation: dict[str, Any] = {
        "operationId": _identifier(route, handler),
        "summary": summary.rstrip("."),
        "description": "\n\n".join(filter(None, [summary, more.strip(), needs])),
        "tags": sorted(handler.resolve_tags()) or [_first_word(route)],
        "parameters": parameters,
        "responses": {},
        "security": [] if scope is None else [{"key": []}] if requires_key else [{}, {"key": []}],
    }
    for status in _error_statuses(route, handler):
        operation["responses"][str(status)] = error_reference(status)
    return operation


def _error_statuses(route: HTTPRoute, handler: HTTPRouteHandler) -> list[int]:
    """Which errors a call may answer with; 405 is what other methods than those of its address get."""
    if scope_of(handler) is None:
        return [405]
    statuses = {400, 401, 403, 405, 429, 503}
    statuses.update(handler.opt.get(ERRORS, ()))
    if route.path_parameters:
        statuses.add(404)
    if BODY in handler.opt or "data" in handler.parsed_fn_signature.parameters:
        statuses.add(413)
    return sorted(statuses)


def _types(handler: HTTPRouteHandler) -> Iterator[Any]:
    """The types of the body and the answers of a handler, in the order of `_places`."""
    if (body := _body(handler)) is not None:
        yield body.type
    for kind, _, _ in _answers(handler).values():
        if kind is not None:
            yield kind


def _schemas(types: list[Any], bodies: list[Any]) -> tuple[Iterator[dict[str, Any]], dict[str, Any]]:
    """The schema of each type, in their order, and all those by name that they refer to."""
    alternatives = [_alternatives(kind) for kind in types]
    taken = list(chain.from_iterable(map(_alternatives, bodies)))
    schemas, components = schemas_of([Error, *chain.from_iterable(alternatives)], taken)
    each = iter(schemas[1:])
    grouped = (list(islice(each, len(kinds))) for kinds in alternatives)
    return (group[0] if len(group) == 1 else {"anyOf": group} for group in grouped), components


def _alternatives(kind: Any) -> list[Any]:
    """What a union is of, so that one of structs without tags can be described; else the type alone."""
    return list(get_args(kind)) if isinstance(kind, UnionType) else [kind]


def _places(handler: HTTPRouteHandler, operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Where in an operation the schemas of its body and answers belong."""
    if (body := _body(handler)) is not None:
        media: dict[str, Any] = {} if body.example is None else {"example": body.example}
        operation["requestBody"] = {"required": body.required, "content": {body.media_type: media}}
        yield media
    answers: dict[str, Any] = {}
    for status, (kind, media_type, description) in _answers(handler).items():
        answers[str(status)] = {"description": description or HTTPStatus(status).phrase}
        if media_type is not None:
            answers[str(status)]["content"] = {media_type: {"schema": {}}}
        if kind is not None and media_type is not None:
            yield answers[str(status)]["content"][media_type]
    operation["responses"] = answers | operation["responses"]


def _body(handler: HTTPRouteHandler) -> Body | None:
    declared: Body | None = handler.opt.get(BODY)
    if declared is None and (data := handler.parsed_fn_signature.parameters.get("data")) is not None:
        return Body(type=data.annotation, required=not data.is_optional)
    return declared


def _answers(handler: HTTPRouteHandler) -> dict[int, tuple[Any, str | None, str | None]]:
    """By status: the type of an answer, if it has one, its media type, and what is said of it."""
    declared = {
        status: (spec.data_container, str(getattr(spec.media_type, "value", spec.media_type)), _said(spec.description))
        for status, spec in (handler.responses or {}).items()
    }
    if handler.status_code not in declared:
        returned = handler.parsed_return_field
        by_hand = returned.annotation is Empty or returned.is_subclass_of((Response, Stream))
        declared[handler.status_code] = (None if by_hand else returned.annotation, JSON, None)
    return dict(sorted(declared.items()))


def _said(description: str) -> str | None:
    return None if description == "Additional response" else description


def _identifier(route: HTTPRoute, handler: HTTPRouteHandler) -> str:
    if len(handler.paths) == 1:
        return handler.handler_name
    return "_".join([handler.handler_name, *(part for part in route.path_format.split("/") if part[:1].isalpha())])


def _first_word(route: HTTPRoute) -> str:
    words = [word for word in route.path_format.split("/") if word and word != "api"]
    return words[0] if words else "server"


def _tags(paths: dict[str, Any]) -> list[str]:
    return sorted({tag for path in paths.values() for operation in path.values() for tag in operation["tags"]})
