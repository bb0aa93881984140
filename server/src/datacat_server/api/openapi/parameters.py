"""Parameters of calls, as OpenAPI has them."""

from typing import Any

from litestar.routes import HTTPRoute
from litestar.types.empty import Empty
from litestar.typing import FieldDefinition

from datacat_server.api.openapi.schemas import schema_of
from datacat_server.ingest.validate import SESSION_ID

PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    "session_id": {
        "description": "The id of a session.",
        "schema": {"type": "string", "pattern": f"^{SESSION_ID}$"},
    },
    "problem_id": {"description": "The id of a problem."},
    "number": {"description": "The `number` that an event has in a page of them."},
}
"""What there is to say of names in paths, beside their types."""

_INSTANT = {
    "anyOf": [
        {"type": "string", "format": "date-time"},
        {"type": "string", "format": "date"},
        {"type": "number", "minimum": 0, "exclusiveMaximum": 253_402_300_800},
        {"const": ""},
    ]
}
QUERY_PARAMETERS: dict[str, dict[str, Any]] = {
    "from": {"schema": _INSTANT},
    "to": {"schema": _INSTANT},
    "at": {"schema": _INSTANT},
    "cursor": {
        "description": "The `cursor` of the page before this one, with the same other parameters; else the first page.",
        "schema": {"type": "string"},
    },
    "limit": {"description": "How many an answer holds at most."},
}
"""What parameters are that have the same meaning in all calls, beside what each says."""

_CONSTRAINTS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_items": "minItems",
    "max_items": "maxItems",
    "pattern": "pattern",
    "format": "format",
}
_PATH_TYPES: dict[type, dict[str, Any]] = {int: {"type": "integer"}, str: {"type": "string"}}


def path_parameters(route: HTTPRoute) -> list[dict[str, Any]]:
    """Those in the path of a route."""
    return [
        {"name": name, "in": "path", "required": True, "schema": _PATH_TYPES.get(definition.type, {"type": "string"})}
        | PATH_PARAMETERS.get(name, {})
        for name, definition in route.path_parameters.items()
    ]


def query_parameter(name: str, field: FieldDefinition) -> dict[str, Any]:
    """One of the query. Null only says that it is absent, so it is not among its values; nor is the empty text."""
    definition = field.kwarg_definition
    optional = field.default is not Empty or field.is_optional
    parameter: dict[str, Any] = {"name": name, "in": "query", "required": not optional}
    parameter |= QUERY_PARAMETERS.get(name, {})
    if description := getattr(definition, "description", None):
        parameter["description"] = description
    if "schema" in parameter:
        return parameter
    schema = _without_null(schema_of(field.annotation))
    for ours, theirs in _CONSTRAINTS.items():
        if (value := getattr(definition, ours, None)) is not None:
            schema[theirs] = value
    if field.default is not Empty and field.default is not None:
        schema["default"] = field.default
    schema |= getattr(definition, "schema_extra", None) or {}
    parameter["required"] = parameter["required"] or schema.get("minItems", 0) > 0
    return parameter | {"schema": schema}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of `X` where it was that of `X | None`."""
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    return dict(options[0]) if len(options) == 1 else schema
