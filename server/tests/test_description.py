"""The API's description of itself, and what holds of every call: HEAD, OPTIONS, Allow, names in addresses."""

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from datacat_server.api.app import create_api
from datacat_server.api.openapi.docstrings import own_fields
from datacat_server.config import Config
from datacat_server.instants import TooFarBack, read_age, read_instant
from datacat_server.store.sqlite import SqliteStore
from litestar.routes import HTTPRoute
from litestar.testing import TestClient
from msgspec import Struct


@pytest.fixture
def schema(api: TestClient) -> Any:
    answer = api.get("/schema")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert api.get("/schema/openapi.json").content == answer.content
    return answer.json()


def operations(schema: Any) -> list[tuple[str, str, Any]]:
    return [(path, method, call) for path, calls in schema["paths"].items() for method, call in calls.items()]


def test_every_call_is_described(schema: Any, api: TestClient) -> None:
    routed = {
        (route.path_format, str(method).lower())
        for route in api.app.routes
        if isinstance(route, HTTPRoute) and not route.path.startswith("/schema")
        for method in route.methods
        if method != "OPTIONS"
    }
    described = {(path, method) for path, method, _ in operations(schema)}
    assert described == routed
    assert {("/api/ingest", "post"), ("/api/sessions/{session_id}/state", "post"), ("/metrics", "get")} <= described


def test_each_call_says_what_it_takes_answers_and_needs(schema: Any) -> None:
    identifiers = [call["operationId"] for _, _, call in operations(schema)]
    assert len(set(identifiers)) == len(identifiers)
    for path, method, call in operations(schema):
        where = f"{method} {path}"
        assert call["summary"], where
        assert call["tags"], where
        content = call["responses"]["200"]["content"]
        assert all(media["schema"] for media in content.values()), where
        if path == "/health":
            assert (call["security"], set(call["responses"])) == ([], {"200", "405"})
            continue
        assert "Needs a key with the scope `" in call["description"], where
        assert {"400", "401", "403", "405", "429", "503"} <= call["responses"].keys(), where
        assert ("{" in path) <= ("404" in call["responses"]), where
        assert ("requestBody" in call) == ("413" in call["responses"]), where
        for parameter in call["parameters"]:
            assert parameter["schema"], (where, parameter["name"])
    assert set(schema["components"]["responses"]) >= {
        "BadRequest",
        "Unauthorized",
        "Forbidden",
        "NotFound",
        "MethodNotAllowed",
        "TooLarge",
        "TooManyRequests",
        "Unavailable",
    }


def test_bodies_and_answers_have_their_shapes(schema: Any) -> None:
    of_events = schema["paths"]["/api/sessions/{session_id}/events"]["post"]["requestBody"]["content"]
    assert of_events["application/json"]["schema"] == {"$ref": "#/components/schemas/NewEvent"}
    session = schema["components"]["schemas"]["Session"]["properties"]
    assert session["created_at"].items() >= {"type": "string", "format": "date-time"}.items()
    assert {"type": "string", "format": "date-time"} in session["ended_at"]["anyOf"]
    of_batches = schema["paths"]["/api/ingest"]["post"]["requestBody"]["content"]
    assert '"kind":"writer"' in of_batches["application/x-ndjson"]["example"]
    names = [parameter["name"] for parameter in schema["paths"]["/api/sessions"]["get"]["parameters"]]
    assert {"product", "from", "to", "state", "ever_contains", "limit", "cursor"} <= set(names)


def test_an_answer_has_what_the_schema_says_that_it_always_has_and_a_body_may_leave_out_what_has_a_default(
    schema: Any, api: TestClient
) -> None:
    kinds = schema["components"]["schemas"]
    api.post("/api/sessions", json={"product": "Game", "id": "s1"})
    for part, name, absent in (("metrics", "Metric", "count"), ("events", "Event", "exception_type")):
        assert api.post(f"/api/sessions/s1/{part}", json={"name": "e", "value": 1}).status_code == 200
        [answered] = api.get("/api/sessions/s1").json()[part]
        described = kinds[name]["properties"]
        assert answered.keys() == set(kinds[name]["required"]), name
        assert absent in described.keys() - answered.keys()
        assert not any("default" in field for field in described.values()), name
    assert kinds["NewEvent"]["required"] == ["name"]
    assert "default" in kinds["NewEvent"]["properties"]["level"]


def test_every_type_field_and_parameter_is_described(schema: Any) -> None:
    for name, kind in schema["components"]["schemas"].items():
        assert kind["description"], name
        assert "Attributes:" not in kind["description"], name
        for field, described in kind.get("properties", {}).items():
            assert described.get("description"), f"{name}.{field}"
            assert "\n" not in described["description"], f"{name}.{field}"
    for path, method, call in operations(schema):
        for parameter in call["parameters"]:
            assert parameter.get("description"), f"{parameter['name']} of {method} {path}"


def test_a_field_is_described_as_by_the_type_that_it_comes_from_unless_its_own_type_says_more(schema: Any) -> None:
    summary, session, created, row = (
        schema["components"]["schemas"][name]["properties"]
        for name in ("SessionSummary", "Session", "CreatedSession", "SessionRow")
    )
    assert row.keys() - summary.keys() == {"duration_seconds"}
    assert all(row[name] == session[name] == summary[name] for name in summary)
    assert created["status"]["description"] != summary["status"]["description"] == session["status"]["description"]
    assert {"$ref", "description"} == session["status"].keys()


def test_no_docstring_tells_of_a_field_that_is_not_there() -> None:
    def derived(kind: type[Struct]) -> Iterator[type[Struct]]:
        for one in kind.__subclasses__():
            yield one
            yield from derived(one)

    telling = 0
    for kind in derived(Struct):
        if kind.__module__.startswith("datacat_server."):
            told = own_fields(kind).keys()
            assert told <= set(kind.__struct_fields__), kind
            telling += bool(told)
    assert telling > 50


@pytest.mark.parametrize("name", ["state", "state_ever", "contains", "ever_contains"])
def test_as_many_conditions_are_taken_as_the_schema_says(schema: Any, api: TestClient, name: str) -> None:
    parameters = schema["paths"]["/api/sessions"]["get"]["parameters"]
    [most] = [parameter["schema"]["maxItems"] for parameter in parameters if parameter["name"] == name]
    others = {other: ["a:1"] * most for other in ("state", "state_ever", "contains", "ever_contains")}
    assert api.get("/api/sessions", params=others).status_code == 200
    for condition in ("a:1", ""):
        assert api.get("/api/sessions", params={name: [condition] * (most + 1)}).status_code == 400


def test_a_whole_number_may_be_written_with_a_fraction_of_0(schema: Any, api: TestClient) -> None:
    whole = {"type": "integer", "minimum": 0, "maximum": 2**53}
    schemas = schema["components"]["schemas"]
    assert schemas["NewSession"]["properties"]["pid"]["anyOf"] == [whole, {"type": "null"}]
    assert api.post("/api/sessions", json={"product": "Game", "id": "s1", "pid": 370.0}).status_code == 200
    for call, said, count in (
        ("metrics", {"name": "m", "value": 1}, "count"),
        ("events", {"name": "e"}, "source_line"),
    ):
        for number, status in ((3.0, 200), (3.5, 400), (-3.0, 400), (2**53 + 1, 400), (1e30, 400), ("3", 400)):
            answer = api.post(f"/api/sessions/s1/{call}", json=said | {count: number})
            assert answer.status_code == status, (count, number)
            assert status == 200 or answer.json()["details"].startswith(f"{count}: expected a ")
    session = api.get("/api/sessions/s1").json()
    assert (session["metrics"][0]["count"], session["events"][0]["source_line"]) == (3, 3)


def test_the_examples_of_bodies_work(schema: Any, api: TestClient) -> None:
    api.post("/api/sessions", json={"product": "Game", "id": "s1"})
    tried = 0
    for path, method, call in operations(schema):
        for media_type, media in call.get("requestBody", {}).get("content", {}).items():
            if "example" not in media or "{problem_id}" in path:
                continue
            sent = {"content": media["example"]} if isinstance(media["example"], str) else {"json": media["example"]}
            headers = {"Content-Type": media_type}
            answer = api.request(method, path.replace("{session_id}", "s1"), headers=headers, **sent)
            assert answer.status_code == 200, (path, answer.text)
            assert answer.json().get("refused", []) == []
            tried += 1
    assert tried >= 5


def test_the_description_needs_a_key_and_its_page_asks_for_it(store: SqliteStore) -> None:
    with TestClient(create_api(store, Config(require_api_key=True, api_key="sesame"))) as client:
        for place in ("/schema", "/schema/openapi.json", "/schema/openapi.yaml"):
            assert client.get(place).status_code == 401
        client.headers["Authorization"] = "Bearer sesame"
        schema = client.get("/schema").json()
        assert schema["paths"]["/api/sessions"]["get"]["security"] == [{"key": []}]
        assert client.get("/schema/openapi.yaml").headers["content-type"] == "application/yaml"
        del client.headers["Authorization"]
        assert client.get("/schema/ui").status_code == 200
        assert client.get("/schema/ui/viewer.css").headers["cache-control"].endswith("immutable")
        for name in ("x", "..%2f__init__.py", "x" * 300, "%00"):
            answer = client.get(f"/schema/ui/{name}")
            assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def test_the_page_allows_nothing_from_elsewhere(api: TestClient) -> None:
    policy = api.get("/schema/ui").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_head_is_get_without_the_body(api: TestClient) -> None:
    api.post("/api/sessions", json={"product": "Game", "id": "s1"})
    for path in ("/health", "/api/sessions", "/api/sessions/s1", "/api/data/sessions", "/metrics", "/schema"):
        full, head = api.get(path), api.head(path)
        assert (head.status_code, head.content) == (200, b""), path
        assert head.headers["content-type"] == full.headers["content-type"]
    assert api.head("/api/sessions").headers["content-length"] == str(len(api.get("/api/sessions").content))
    assert api.head("/api/sessions/nobody").status_code == 404
    assert api.head("/api/ingest").status_code == 405


def test_options_and_405_name_all_that_an_address_takes(api: TestClient) -> None:
    for path, methods in (
        ("/api/sessions", "GET, HEAD, OPTIONS, POST"),
        ("/api/sessions/s1", "DELETE, GET, HEAD, OPTIONS"),
        ("/api/sessions/s1/events", "GET, HEAD, OPTIONS, POST"),
        ("/api/ingest", "OPTIONS, POST"),
    ):
        asked, refused = api.options(path), api.put(path)
        assert (asked.status_code, asked.headers["allow"]) == (204, methods)
        assert (refused.status_code, refused.headers["allow"]) == (405, methods)
        assert refused.json()["details"].endswith(f"takes {methods}")


@pytest.mark.parametrize(
    "path",
    ["/api/sessions/%00", "/api/sessions/" + "x" * 5000, "/api/sessions/%ff%fe", "/api/sessions/a%2fb", "/api/%00/x"],
)
def test_an_address_that_can_be_nobodys_is_not_found(api: TestClient, path: str) -> None:
    for method in ("GET", "DELETE"):
        answer = api.request(method, path)
        assert answer.status_code in (404, 405)
        assert answer.json().keys() == {"error", "details"}


@pytest.mark.parametrize(
    ("query", "details"),
    [
        ("limit=1&limit=2", "limit: is there twice; give it once"),
        ("product=a&product=b", "product: is there twice; give it once"),
        ("limit=NaN", "limit: expected a whole number"),
        ("cursor=%00", "cursor: expected one that a page"),
        ("cursor=" + "x" * 3000, "cursor: expected one that a page"),
        ("from=1e400", "from: expected a day or an instant"),
        ("from=NaN", "from: expected a day or an instant"),
        ("to=253402300800", "to: expected a day or an instant"),
    ],
)
def test_parameters_that_will_not_do_are_named(api: TestClient, query: str, details: str) -> None:
    answer = api.get(f"/api/sessions?{query}")
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")
    assert answer.json()["details"].startswith(details)


@pytest.mark.parametrize("age", ["-99999w", "-999999999999d"])
def test_an_age_that_leads_to_before_1970_is_too_far_back(api: TestClient, age: str) -> None:
    api.post("/api/sessions", json={"product": "P", "id": "s1"})
    for path in ("/api/sessions", "/api/sessions/s1/timeline"):
        answer = api.get(f"{path}?from={age}")
        assert answer.status_code == 400
        assert answer.json()["details"] == f"from: {age} is too far back: before 1970 there is nothing"


def test_an_instant_is_rfc_3339_a_date_or_a_number() -> None:
    instant = datetime(2026, 11, 21, 22, 0, 0, 500_000, tzinfo=UTC)
    for text in (
        "2026-11-21T22:00:00.5Z",
        "2026-11-21T23:00:00.500+01:00",
        "2026-11-21T23:00:00.500 01:00",
        "1795298400.5",
        "1795298400500",
    ):
        assert read_instant(text) == instant
    assert read_instant("2026-11-21") == read_instant("20261121") == datetime(2026, 11, 21, tzinfo=UTC)
    for text in ("1960-01-01", "0001-01-01T00:00:00+12:00", "0", "1e-9"):
        assert read_instant(text) == datetime(1970, 1, 1, tzinfo=UTC)
    assert read_instant("9999-12-31T23:59:59-12:00") == datetime.max.replace(tzinfo=UTC)
    for text in ("-99999w", "-999999999d", "-999999999999d", "-9999999999.5s"):
        with pytest.raises(TooFarBack):
            read_instant(text)
    for text in ("", "soon", "-1", "-7x", "-d", "253402300800", "٣"):
        with pytest.raises(ValueError):
            read_instant(text)


def test_an_age_is_read_the_same_wherever_one_is_asked_for() -> None:
    for text, seconds in {"90s": 90, "90m": 5400, "90min": 5400, "1.5h": 5400, "7d": 604800, "1w": 604800}.items():
        assert read_age(text) == seconds
        assert abs((datetime.now(UTC) - read_instant(f"-{text}")).total_seconds() - seconds) < 60
    for text in ("", "7", "d", "-7d", "7 d", "7y"):
        with pytest.raises(ValueError):
            read_age(text)


def test_grafana_gets_flat_rows_of_any_filter(api: TestClient) -> None:
    for number in range(3):
        api.post("/api/sessions", json={"product": "P", "id": f"s{number}", "timestamp": 1_000_000_000 + number})
    api.post("/api/sessions/s0/end", json={"timestamp": 1_000_000_002.5})
    rows = api.get("/api/grafana/sessions").json()
    assert [row["id"] for row in rows] == ["s2", "s1", "s0"]
    assert all(not isinstance(value, dict | list) for row in rows for value in row.values())
    assert (rows[2]["duration_seconds"], rows[2]["status"]) == (2.5, "ended")
    assert rows[2]["created_at"] == "2001-09-09T01:46:40Z"
    picked = api.get("/api/grafana/sessions?from=1000000001000&to=1000000002000").json()
    assert [row["id"] for row in picked] == ["s1"]
    assert api.get("/api/grafana/sessions?status=crashed").json() == []
    assert api.get("/api/grafana/sessions?status=bored").status_code == 400


def test_one_connection_serves_many_requests_whatever_they_were(start: Callable[..., Any]) -> None:
    host, port = start("datacat-server", "--port", "0").addresses()[0].removeprefix("http://").split(":")
    requests = [
        ("HEAD /api/data/sessions", b"", 200),
        ("GET /nowhere", b"", 404),
        ("PUT /api/sessions", b"{}", 405),
        ("POST /api/sessions", b"{", 400),
        ("OPTIONS /api/sessions", b"", 204),
        ("GET /health", b"", 200),
    ]
    with socket.create_connection((host, int(port)), timeout=60) as connection, connection.makefile("rb") as answers:
        for call, body, status in requests:
            head = f"{call} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(head.encode() + body)
            assert int(answers.readline().split()[1]) == status, call
            length = 0
            while (line := answers.readline().strip().lower()) != b"":
                assert line != b"connection: close"
                if line.startswith(b"content-length:") and not call.startswith("HEAD"):
                    length = int(line.split(b":")[1])
            answers.read(length)
