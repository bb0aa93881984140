"""The pages over a real store in a folder of its own, as an application and as a server."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from datacat_server.config import Config
from datacat_server.store.sqlite import SqliteStore
from datacat_server.web.app import create_web
from litestar.testing import TestClient

OPEN = Config()


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
