"""The page of the calls of the REST API."""

import json
import re
import shlex
from typing import Any

from schema import api, said, words
from tables import fenced, fields, paragraphs, table

ADDRESS = "http://127.0.0.1:9090"
INTRODUCTION = """\
# REST API

Made from the description that a running server answers at `/schema` (OpenAPI 3.1). At `/schema/ui` a server has it as
a page to try calls on. Types that begin with a capital stand on [a page of their own](rest-types.md).
"""


def page() -> str:
    """Markdown: the calls, by what they are about."""
    described = api()
    calls: dict[str, list[str]] = {}
    for path, methods in described["paths"].items():
        for method, call in methods.items():
            calls.setdefault(call["tags"][0], []).append(_call(path, method.upper(), call))
    parts = [INTRODUCTION, described["info"]["description"], _overview(described)]
    parts.append(_errors(described["components"]["responses"]))
    for tag in sorted(calls, key=lambda tag: (tag != "sessions", tag)):  # what most come for
        parts += [f"## {tag.capitalize()}", *calls[tag]]
    return paragraphs(parts)


def _errors(responses: dict[str, Any]) -> str:
    """What errors look like: the same ones at all calls."""
    rows = []
    for answer in responses.values():
        (content,) = answer["content"].values()
        rows.append((f"`{json.dumps(content['example'])}`", answer["description"]))
    return paragraphs(["## Errors", table(("Such as", "Means"), rows)])


def _call(path: str, method: str, call: dict[str, Any]) -> str:
    body = call.get("requestBody", {}).get("content", {})
    return paragraphs(
        [
            f"### {method} {path} {{#{_anchor(call)} data-toc-label='{_short(method, path)}'}}",
            call["description"],
            fields(("Parameter", "In", "Type", "What"), [_parameter(one) for one in call["parameters"]]),
            *(_body(kind, one) for kind, one in body.items()),
            _example(path, method, call, body),
            table(("Answers", "With"), _answers(call["responses"])),
        ]
    )


def _anchor(call: dict[str, Any]) -> str:
    return str(call["operationId"]).replace("_", "-")


def _short(method: str, path: str) -> str:
    """A call in the narrow table of contents: its method, and what tells its path from others."""
    return f"{method} {re.sub(r'{[a-z_]+}', '{id}', path.removeprefix('/api'))}"


def _overview(described: dict[str, Any]) -> str:
    """Every call, with a link to where it is told."""
    rows = [
        (f"[`{method.upper()} {path}`](#{_anchor(call)})", call["summary"])
        for path, methods in described["paths"].items()
        for method, call in methods.items()
    ]
    return paragraphs(["## All calls", fields(("Call", "What"), rows)])


def _parameter(parameter: dict[str, Any]) -> tuple[str, str, str, str]:
    schema = parameter["schema"]
    name = f"`{parameter['name']}`" + (" (required)" if parameter["required"] and parameter["in"] != "path" else "")
    about = parameter.get("description") or schema.get("description", "")
    return name, parameter["in"], words(schema), said(about, schema)


def _body(kind: str, content: dict[str, Any]) -> str:
    schema = content.get("schema", {})
    return f"Body, `{kind}`: {words(schema)}." if schema else f"Body: `{kind}`."


def _example(path: str, method: str, call: dict[str, Any], body: dict[str, Any]) -> str:
    """The call as it is made with curl; "" where its parameters or its body have no example."""
    arguments = ["curl"] if method in ("GET", "POST") else ["curl", "-X", method]
    required = [one for one in call["parameters"] if one["required"] and one["in"] == "query"]
    example = next((one["example"] for one in body.values() if "example" in one), None)
    if required or (body and not isinstance(example, dict)):
        return ""
    if method == "POST" and not body:
        arguments += ["-X", "POST"]
    address = ADDRESS + path.replace("{session_id}", "$SESSION").replace("{problem_id}", "$PROBLEM")
    written = " ".join(arguments) + " " + address.replace("{number}", "1")
    if example is not None:
        written += f" \\\n    --json {shlex.quote(json.dumps(example))}"
    return fenced(written, "sh")


def _answers(responses: dict[str, Any]) -> list[tuple[str, str]]:
    rows, errors = [], []
    for status, answer in responses.items():
        if "$ref" in answer:
            errors.append(status)
            continue
        contents = answer.get("content", {})
        kinds = [words(one["schema"]) if one.get("schema") else f"`{kind}`" for kind, one in contents.items()]
        told = answer["description"].rstrip(".")
        rows.append((f"**{status}**", ": ".join(part for part in (told, " or ".join(dict.fromkeys(kinds))) if part)))
    if errors:
        rows.append((", ".join(errors), "an [error](#errors)"))
    return rows
