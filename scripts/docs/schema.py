"""The description of the API, from the application itself, and its types in words."""

import json
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

from datacat_server.api.app import create_api
from datacat_server.api.openapi.document import document
from datacat_server.config import Config
from datacat_server.store.sqlite.store import SqliteStore

_PREFIX = "#/components/schemas/"
TYPES_PAGE = "rest-types.md"


@cache
def api() -> dict[str, Any]:
    """The OpenAPI document, as a server answers it at `/schema`."""
    with tempfile.TemporaryDirectory() as folder, closing(SqliteStore(Path(folder))) as store:
        described: dict[str, Any] = document(create_api(store, Config()), requires_key=False)
    return described


def anchor(name: str) -> str:
    """Where a type stands on the page of types."""
    return f"type-{name.lower()}"


def words(schema: dict[str, Any], page: str = TYPES_PAGE) -> str:
    """A type in words, with links to `page`, where types with a name stand."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_PREFIX)
        return f"[{name}]({page}#{anchor(name)})"
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(value)}`" if value in ("", None) else f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(words(one, page) for one in schema[key]))
    kind = schema.get("type", "anything")
    if isinstance(kind, list):
        return " or ".join(words({**schema, "type": one}, page) for one in kind)
    if kind == "array":
        return f"array of {words(schema.get('items', {}), page)}"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {words(schema['additionalProperties'], page)}"
    return str(schema.get("format", kind)) if kind == "string" else str(kind)


def said(about: str, schema: dict[str, Any]) -> str:
    """What a value is, in the words about it, and what else holds of it: its bounds and its default."""
    held = []
    for key, phrase in (
        ("minimum", "at least {}"),
        ("maximum", "at most {}"),
        ("maxLength", "at most {} characters"),
        ("default", "default `{}`"),
    ):
        value = schema.get(key)
        if value is not None and value != 9007199254740992:  # the largest whole number that JSON carries
            held.append(phrase.format(json.dumps(value) if key == "default" and not isinstance(value, str) else value))
    bounds = ", ".join(held)
    return ". ".join(part for part in (about.rstrip("."), bounds[:1].upper() + bounds[1:]) if part)
