"""The page of the types of the REST API."""

from typing import Any

from schema import anchor, api, said, words
from tables import fields, paragraphs

RECORDS = "docs/design/records.md"
INTRODUCTION = """\
# Types of the REST API

What bodies and answers of [the REST API](rest-api.md) are made of. A field that is not marked as always there may be
left out of a body, or be absent from an answer.
"""


def page() -> str:
    """Markdown: each type that has a name, by its name."""
    schemas = api()["components"]["schemas"]
    return paragraphs([INTRODUCTION, *(_type(name, schemas[name]) for name in sorted(schemas))])


def _type(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = [
        (f"`{field}`", words(one, ""), "always" if field in required else "", _linked(said(one["description"], one)))
        for field, one in schema.get("properties", {}).items()
    ]
    return paragraphs(
        [
            f"## {name} {{#{anchor(name)}}}",
            _linked(schema["description"]),
            fields(("Field", "Type", "There", "What"), rows) or f"One of {words(schema, '')}.",
        ]
    )


def _linked(text: str) -> str:
    """The page that descriptions name by its place in the checkout, as a link: readers of the site have it too."""
    return text.replace(RECORDS, f"[{RECORDS}](../design/records.md)")
