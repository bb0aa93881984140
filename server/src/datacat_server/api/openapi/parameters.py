"""Parameters of calls, as OpenAPI has them."""

from typing import Any

import msgspec
from litestar.routes import HTTPRoute
from litestar.types.empty import Empty
from litestar.typing import FieldDefinition

from datacat_server.ingest.validate import SESSION_ID

PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    "session_id": {
        "description": "The id of a session.",
        "schema": {"type": "string", "pattern": f"^{SESSION_ID}$"},
    },
}
"""What there is to say of names in paths, beside their types."""

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
    if description := getattr(definition, "description", None):
        parameter["description"] = description
    schema = _without_null(msgspec.json.schema(field.annotation))
    target = schema
    for ours, theirs in _CONSTRAINTS.items():
        if (value := getattr(definition, ours, None)) is not None:
            target[theirs] = value
    schema |= getattr(definition, "schema_extra", None) or {}
    if field.default is not Empty and field.default is not None:
        schema["default"] = field.default
    if enum := getattr(definition, "enum", None):
        schema["enum"] = list(enum)
    return parameter | {"schema": schema}


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of `X` where it was that of `X | None`."""
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    return dict(options[0]) if len(options) == 1 else schema
