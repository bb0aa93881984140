"""The page of settings says what this server does, and tells no secret."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from datacat_server import __version__
from datacat_server.config import Config
from datacat_server.store.sqlite import SqliteStore
from datacat_server.web.app import create_web
from datacat_server.webhook import Webhook
from litestar.testing import TestClient
from support.recordings import Recording, segfault

SECRETS = ("the-key-of-the-configuration", "T00/secret-path", "the-signing-secret")


def server(store: SqliteStore, tmp_path: Path) -> TestClient:
    hook = Webhook(url="https://hooks.example/services/T00/secret-path", secret="the-signing-secret", product="MyGame")
    config = Config(
        data_path=str(tmp_path / "data"),
        retention_days=30,
        api_key="the-key-of-the-configuration",
        webhooks=(hook, Webhook(url="http://other.example/x", events=("crash",))),
    )
    store.alerts.settle_webhooks([webhook.id for webhook in config.webhooks])
    return TestClient(create_web(store, config))


def test_the_settings_in_force_are_shown(store: SqliteStore, tmp_path: Path) -> None:
    Recording("s-1").event(1, "x").send(store)
    with server(store, tmp_path) as client:
        text = client.get("/settings").text
        found = client.get("/settings.json").json()
    assert __version__ in text
    assert "30 days after the last record" in text
    assert re.search(r"1 active</a>", text)
    assert found["sizes"]["database_bytes"] > 0
    assert found["retention_days"] == 30


def test_keys_are_listed_and_none_is_told(store: SqliteStore, tmp_path: Path, make_key: Callable[..., str]) -> None:
    tokens = [make_key("alice", "read"), make_key("old <b>", "ingest", "read")]
    store.revoke_key("old <b>", datetime.now(UTC))
    with server(store, tmp_path) as client:
        answers = [client.get("/settings").text, client.get("/settings.json").text]
    for answer in answers:
        assert "alice" in answer
        assert not [secret for secret in (*tokens, *SECRETS) if secret in answer]
    assert "old &lt;b&gt;" in answers[0]
    assert re.search(r"in force.*revoked", answers[0], re.DOTALL)
    assert "datacat keys revoke" in answers[0]


def test_webhooks_are_shown_with_their_state(store: SqliteStore, tmp_path: Path) -> None:
    with server(store, tmp_path) as client:
        assert client.get("/settings").text.count("has got all") == 2
        segfault(Recording("s-1", product="Elsewhere"), 1).send(store)
        first, second = client.get("/settings.json").json()["webhooks"]
        text = client.get("/settings").text
    assert (first["host"], first["signed"], first["product"], first["waiting"]) == (
        "https://hooks.example/…",
        True,
        "MyGame",
        0,
    )
    assert (second["events"], second["waiting"]) == (["crash"], 1)
    assert "1 alert to be sent" in text


def test_the_settings_cannot_be_changed_here(store: SqliteStore, tmp_path: Path) -> None:
    with server(store, tmp_path) as client:
        assert client.post("/settings").status_code == 405
