"""JSON Schema of the structs that calls take and answer with."""

from collections.abc import Iterator, Sequence
from inspect import cleandoc
from typing import Any

import msgspec
from msgspec import NODEFAULT, inspect

from datacat_server.api.openapi.docstrings import about, about_fields

REFERENCE = "#/components/schemas/{name}"
_ANY_NUMBER = [{"type": "integer"}, {"type": "number"}]


def schemas_of(types: Sequence[Any], bodies: Sequence[Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The schema of each type, in their order, and the ones by name that they refer to.

    Args:
        types: those of the bodies and of the answers.
        bodies: those among them that are taken; what no body refers to is answered alone.

    Unlike msgspec's own, a field is described by what the docstrings say of it. A time is said to be one: all that are
    answered have a zone. And a number is said once to be whole, where it may be written with a fraction of 0.
    """
    schemas, components = msgspec.json.schema_components(types, ref_template=REFERENCE)
    for component in components.values():
        component["description"] = cleandoc(component.get("description", ""))
    taken = {struct.cls for struct in _structs(inspect.multi_type_info(bodies), set())}
    for struct in _structs(inspect.multi_type_info(types), set()):
        component, said = components[struct.cls.__name__], about_fields(struct.cls)
        component["description"] = about(struct.cls)
        for field in struct.fields:
            schema = component["properties"][field.encode_name]
            if field.name in said:
                schema["description"] = said[field.name]
            if _holds_time(field.type):
                _mark_time(schema)
            for part in (schema, *schema.get("anyOf", ())):
                if part.get("type") == "integer" and part.get("anyOf") == _ANY_NUMBER:
                    del part["anyOf"]
        if struct.cls not in taken:
            _mark_what_is_always_sent(struct, component)
    return list(schemas), components


def _mark_what_is_always_sent(struct: inspect.StructType, component: dict[str, Any]) -> None:
    """What an answer has a default for is sent all the same. What may be absent (`UNSET`) has none, and is optional."""
    if struct.cls.__struct_config__.omit_defaults:
        return
    properties, required = component["properties"], set(component["required"])
    for field in struct.fields:
        if field.default is not NODEFAULT or field.default_factory is not NODEFAULT:
            properties[field.encode_name].pop("default", None)
            required.add(field.encode_name)
    component["required"] = [name for name in properties if name in required]


def schema_of(kind: Any) -> dict[str, Any]:
    """The schema of a type that is no struct, without references."""
    schema = msgspec.json.schema(kind)
    definitions = schema.pop("$defs", {})
    inlined: dict[str, Any] = _inlined(schema, definitions)
    return inlined


def _inlined(schema: Any, definitions: dict[str, Any]) -> Any:
    match schema:
        case {"$ref": reference}:
            return definitions[reference.rpartition("/")[2]]
        case dict():
            return {name: _inlined(value, definitions) for name, value in schema.items()}
        case list():
            return [_inlined(value, definitions) for value in schema]
    return schema


def _structs(types: Sequence[inspect.Type], seen: set[type]) -> Iterator[inspect.StructType]:
    for kind in types:
        match kind:
            case inspect.StructType() if kind.cls not in seen:
                seen.add(kind.cls)
                yield kind
                yield from _structs([field.type for field in kind.fields], seen)
            case inspect.UnionType():
                yield from _structs(kind.types, seen)
            case inspect.CollectionType():
                yield from _structs([kind.item_type], seen)
            case inspect.DictType():
                yield from _structs([kind.value_type], seen)
            case inspect.Metadata():
                yield from _structs([kind.type], seen)


def _holds_time(kind: inspect.Type) -> bool:
    match kind:
        case inspect.DateTimeType():
            return True
        case inspect.UnionType():
            return any(map(_holds_time, kind.types))
        case inspect.Metadata():
            return _holds_time(kind.type)
        case inspect.CollectionType():
            return _holds_time(kind.item_type)
    return False


def _mark_time(schema: dict[str, Any]) -> None:
    for part in (schema, schema.get("items", {}), *schema.get("anyOf", ())):
        if part.get("type") == "string":
            part["format"] = "date-time"
