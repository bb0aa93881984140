"""What a foreign web page sends is refused; programs that are no browsers notice nothing."""

from typing import Any

import pytest
from datacat_server.config import Config
from datacat_server.serving.guard import Guard, guarded
from litestar import Litestar, post
from litestar.testing import TestClient


@post("/", status_code=200)
async def take() -> str:
    return "taken"


def make(config: Config) -> Litestar:
    return Litestar([take], openapi_config=None)


def ask(guard: Guard, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in ({"host": "localhost:9090"} | headers).items()}
    with TestClient(make(Config())) as client:
        client.app = guard  # type: ignore[assignment]
        client._transport.app = guard  # type: ignore[attr-defined]
        return client.post("/", content=b"{}", headers=named)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "127.0.0.1:1"},
        {"host": "[::1]:9090"},
        {"host": "LOCALHOST"},
        {"content_type": "application/json; charset=utf-8"},
        {"content_type": "application/x-ndjson"},
        {"origin": "http://localhost:9090"},
        {"origin": "http://localhost:9090", "sec_fetch_site": "same-origin"},
    ],
)
def test_what_belongs_here_is_let_through(headers: dict[str, str]) -> None:
    assert ask(guarded(make, json_only=True)(Config()), **headers).status_code == 200


@pytest.mark.parametrize(
    ("headers", "details"),
    [
        ({"host": "evil.example"}, "host: 'evil.example' is no name of this server"),
        ({"host": "localhost.evil.example:9090"}, "host: "),
        ({"host": "["}, "host: "),
        ({"origin": "http://evil.example"}, "origin: "),
        ({"origin": "http://localhost:8080"}, "origin: "),
        ({"origin": "null"}, "origin: "),
        ({"sec_fetch_site": "cross-site"}, "origin: "),
        ({"content_type": "text/plain"}, "content-type: expected application/json"),
        ({"content_type": "multipart/form-data; boundary=x"}, "content-type: "),
    ],
)
def test_what_does_not_is_400_and_says_why(headers: dict[str, str], details: str) -> None:
    answer = ask(guarded(make, json_only=True)(Config()), **headers)
    assert answer.status_code == 400
    assert answer.json()["error"] == "bad_request"
    assert answer.json()["details"].startswith(details)
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["datacat.example.org", "DataCat.example.org:443"])
def test_a_proxy_may_hand_on_the_name_of_the_web_url(host: str) -> None:
    guard = guarded(make)(Config(web_url="https://datacat.example.org/"))
    assert ask(guard, host=host, origin=f"https://{host}").status_code == 200
    assert ask(guard, host=f"evil.{host}").status_code == 400
    assert ask(guard, host="[").status_code == 400
    assert ask(guarded(make)(Config(web_url="https://[")), host="[").status_code == 400


def test_a_server_for_others_answers_to_any_name() -> None:
    guard = guarded(make)(Config(host="0.0.0.0"))
    assert ask(guard, host="datacat.example").status_code == 200
    assert ask(guard, host="datacat.example", origin="http://evil.example").status_code == 400
