"""The pages over a real store in a folder of its own, as an application and as a server."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from datacat_server.config import Config
from datacat_server.store.sqlite import SqliteStore
from datacat_server.web.app import create_web
from litestar.testing import TestClient
from support import compiled_templates

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

OPEN = Config()
compiled_templates.keep()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "data")
    yield store
    store.close()


@pytest.fixture
def pages(store: SqliteStore) -> Iterator[TestClient]:
    with TestClient(create_web(store, Config())) as client:
        yield client


@pytest.fixture
def locked_pages(store: SqliteStore, tmp_path: Path) -> Iterator[TestClient]:
    """The pages of a server that asks for a key; the one of its configuration is "the-right-key"."""
    config = Config(api_key="the-right-key", require_api_key=True, data_path=str(tmp_path / "data"))
    with TestClient(create_web(store, config)) as client:
        yield client


class Pages:
    """The pages of a store over HTTP; `address` stays the same when they are stopped and started again."""

    def __init__(self, store: SqliteStore, config: Config = OPEN) -> None:
        self._store = store
        self._config = config
        self._port = 0
        self.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        app = create_web(self._store, self._config)
        config = uvicorn.Config(app, port=self._port, log_config=None, timeout_graceful_shutdown=1)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=asyncio.run, args=(self._server.serve(),))
        self._thread.start()
        while not self._server.started:
            assert self._thread.is_alive()
            time.sleep(0.01)
        self._port = self._server.servers[0].sockets[0].getsockname()[1]

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join()


@pytest.fixture
def served(store: SqliteStore) -> Iterator[Pages]:
    pages = Pages(store)
    yield pages
    pages.stop()


@pytest.fixture
def locked(store: SqliteStore, tmp_path: Path) -> Iterator[Pages]:
    """The pages of a server that asks for a key of its store."""
    pages = Pages(store, Config(require_api_key=True, data_path=str(tmp_path / "data")))
    yield pages
    pages.stop()


@pytest.fixture
def address(served: Pages) -> str:
    return served.address


@contextmanager
def careful_page(
    browser: "Browser", address: str, *, height: int = 700, every_error: bool = False, **context: Any
) -> "Iterator[Page]":
    """A page of a browser with nothing in it, in which no script may fail and nothing break the policy.

    Args:
        every_error: whether the console may say no other error either, such as of a file that is not there.
    """
    opened = browser.new_context(base_url=address, viewport={"width": 1280, "height": height}, **context)
    page = opened.new_page()
    wrong: list[str] = []

    def said(message: Any) -> None:
        if "Content Security" in message.text or (every_error and message.type == "error"):
            wrong.append(message.text)

    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", said)
    yield page
    opened.close()
    assert wrong == []


@pytest.fixture
def page(browser: "Browser", address: str) -> "Iterator[Page]":
    with careful_page(browser, address) as page:
        yield page
