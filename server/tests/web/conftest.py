"""The pages over a real store in a folder of its own, as an application and as a server."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from datacat_server.config import Config
from datacat_server.store.sqlite import SqliteStore
from datacat_server.web.app import create_web
from litestar.testing import TestClient


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
def locked_pages(store: SqliteStore) -> Iterator[TestClient]:
    """The pages of a server that asks for the key "the right key"."""
    with TestClient(create_web(store, Config(api_key="the right key", require_api_key=True))) as client:
        yield client


@pytest.fixture
def address(store: SqliteStore) -> Iterator[str]:
    """The address of the pages served over HTTP, for what needs a connection that stays open."""
    config = uvicorn.Config(create_web(store, Config()), port=0, log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    started = threading.Event()

    async def serve() -> None:
        serving = asyncio.create_task(server.serve())
        while not server.started and not serving.done():
            await asyncio.sleep(0.01)
        started.set()
        await serving

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    started.wait(20)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(20)
    assert not thread.is_alive()
