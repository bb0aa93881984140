"""The demo's swarm with one more program in it, which runs as long as the tests do."""

from collections.abc import Iterator
from typing import Any

import pytest
from support.programs import Programs
from support.reading import get, wait_for

RUNNING = """
    import sys
    import datacat

    session = datacat.create_session(product="Night Watch", version="0.9")
    session.update_state({"patrol": {"round": 1}, "window_state": {"open": ["map"]}})
    session.log_event("watch_started", {"lamps": 3})
    session.log_gauge("lamp_oil", 0.8, unit="l")
    session.log_event("wind", level="warning", message="The lamps flicker")
    print(session.session_id, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="session")
def night_watch(demo: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The id of an active session on the demo's server."""
    programs = Programs(tmp_path_factory.mktemp("watch"))
    program = programs.start(RUNNING, demo["api"])
    assert program.stdout is not None
    session_id = program.stdout.readline().strip()
    assert wait_for(lambda: (get(f"{demo['api']}/api/sessions/{session_id}") or {}).get("event_count") == 2)
    yield session_id
    programs.stop()
