"""Which query parameters a call takes, its own and those of what it depends on."""

from collections.abc import Iterator
from enum import Enum
from functools import cache
from typing import Any, Literal, get_args, get_origin

from litestar import Request
from litestar.handlers import BaseRouteHandler
from litestar.params import BodyKwarg, PathParameter
from litestar.typing import FieldDefinition

from datacat_server.access.scopes import PUBLIC
from datacat_server.api.errors import BadRequest

_RESERVED = frozenset({"body", "data", "headers", "query", "request", "scope", "socket", "state"})
"""Names by which Litestar hands over what is no parameter, in handlers and what they depend on."""


@cache
def query_parameters(handler: BaseRouteHandler) -> dict[str, FieldDefinition]:
    """The query parameters of a call, by the name that they have in an address."""
    parameters = handler.parsed_fn_signature.parameters
    return dict(_found(parameters, handler.resolve_dependencies()))


def refuse_unknown_parameters(request: Request[Any, Any, Any]) -> None:
    """A query parameter that a call does not know would silently do nothing: a typing error, most often.

    So would all but one of those that are there several times and mean one thing.
    """
    handler = request.route_handler
    if handler.opt.get(PUBLIC):
        return
    known = query_parameters(handler)
    for name in request.query_params:
        if name not in known:
            takes = f"this call takes {', '.join(sorted(known))}" if known else "this call takes none"
            raise BadRequest(f"{name[:100]}: is no query parameter here; {takes}")
        if not known[name].is_non_string_sequence and len(request.query_params.getall(name)) > 1:
            raise BadRequest(f"{name}: is there twice; give it once")
        if _is_null(known[name], request.query_params[name]):
            raise BadRequest(f"{name}: null is not among its values; leave it out")
        words = _words(known[name].annotation)
        if words and request.query_params[name] not in words:
            raise BadRequest(f"{name}: expected one of {', '.join(words)}")


def _is_null(field: FieldDefinition, text: str) -> bool:
    """Whether a text would be read as null, and so as if it were absent: where any text will do it is one."""
    return (
        text.lower() == "null" and field.is_optional and all(kind.annotation is not str for kind in field.inner_types)
    )


def _words(annotation: Any) -> list[str]:
    """The words that a parameter takes, empty where it is not one of some."""
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [str(word.value) for word in annotation]
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [word for part in get_args(annotation) for word in _words(part)]


def name_of(name: str, field: FieldDefinition) -> str:
    """The name in an address of what a function calls `name`."""
    return getattr(field.kwarg_definition, "name", None) or name


def _found(
    parameters: dict[str, FieldDefinition], dependencies: dict[str, Any]
) -> Iterator[tuple[str, FieldDefinition]]:
    for name, field in parameters.items():
        if name in dependencies:
            yield from _found(dependencies[name].parsed_fn_signature.parameters, dependencies)
        elif not _is_something_else(name, field):
            yield name_of(name, field), field


def _is_something_else(name: str, field: FieldDefinition) -> bool:
    of_another_kind = isinstance(field.kwarg_definition, PathParameter | BodyKwarg)
    return of_another_kind or (name in _RESERVED and field.kwarg_definition is None)
