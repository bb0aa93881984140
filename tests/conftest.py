"""End to end: real programs, real daemons, a real server, and what the REST API and the pages say in the end."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.programs import Programs


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    started = Programs(tmp_path)
    yield started
    started.stop()
