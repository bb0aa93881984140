"""The API of a server that asks for keys."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from datacat_server.api.app import create_api
from datacat_server.config import Config
from datacat_server.store.sqlite import SqliteStore
from litestar.testing import TestClient


@pytest.fixture
def locked(store: SqliteStore, tmp_path: Path) -> Iterator[TestClient]:
    """The API of a server that asks for a key; the one of its configuration is "sesame"."""
    config = Config(api_key="sesame", require_api_key=True, data_path=str(tmp_path / "data"))
    with TestClient(create_api(store, config), raise_server_exceptions=False) as client:
        yield client
