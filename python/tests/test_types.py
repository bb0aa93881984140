"""The stub file says what is there, and accepts real use."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"

RIGHT = """
import asyncio
import logging
from datacat import AsyncSession, DatacatClient, DatacatHandler, Session, create_session

session: Session = create_session(product="MyApp", version="1.0.0")
fast: AsyncSession = create_session("http://localhost:9090", product="MyGame", async_mode=True, queue_size=10)
session.update_state({"level": 1, "player": {"health": 100}})
session.log_event("moved", {"x": 10, "y": 20})
session.log_event("moved", {"x": 10}, level="debug")
session.log_event("full", level="warning", labels=["a"], message="m", data={"x": 1}, group="g")
session.log_gauge("fps", 60.0, unit="fps", tags={"map": "harbour"})
session.log_counter("kills")
session.log_histogram("frame_time", 0.016, unit="seconds", buckets=[0.01, 0.02])
with session.timer("load") as timer:
    timer.count = 3
try:
    pass
except ValueError as error:
    session.log_exception(error, extra_data={"k": 1})
    session.log_exception()
monitor = session.start_heartbeat_monitor(timeout=60)
running: bool = monitor.is_running()
sent: int = fast.get_stats()["sent"]
fast.shutdown(timeout=1.0)
logging.getLogger().addHandler(DatacatHandler(session))
identifier: str = DatacatClient().create_session("p", "1")
ended: str = session.end()["status"]
async def main() -> None:
    session.monitor_event_loop(timeout=1, loop=asyncio.get_running_loop())
with create_session() as managed:
    managed.log_event("in")
"""

WRONG = {
    "session.log_event(1)": "incompatible type",
    "session.log_gauge('fps', 'many')": "incompatible type",
    "session.log_event('x', level='loud')": "incompatible type",
    "session.get_stats()": "has no attribute",
    "session.flush(timeout='long')": "incompatible type",
}


def test_real_use_is_well_typed_and_mistakes_are_found(tmp_path):
    """Both by one run of mypy, which has all of the standard library to read first."""
    (tmp_path / "right.py").write_text(RIGHT)
    lines = list(WRONG)
    wrong = ["from datacat import create_session", "session = create_session()", *lines]
    (tmp_path / "wrong.py").write_text("\n".join(wrong))
    words = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path / 'cache'}"]
    words += [str(tmp_path / "right.py"), str(tmp_path / "wrong.py")]
    said = subprocess.run(words, cwd=SOURCE, capture_output=True, text=True).stdout.splitlines()
    for number, line in enumerate(lines, 3):
        found = [one for one in said if f"wrong.py:{number}: error" in one]
        assert any(WRONG[line] in one for one in found), (line, said)
    assert not [one for one in said if "right.py" in one], said
    assert said[-1].startswith(f"Found {len(lines)} errors in 1 file (checked 2"), said


def test_the_stub_fits_the_module(tmp_path):
    config = tmp_path / "mypy.ini"
    config.write_text("[mypy]\nignore_errors = True\n")
    only_public = tmp_path / "allowed"
    only_public.write_text("datacat\\.[a-z_]+\\..*\ndatacat\\.windows\n")  # modules behind it, one of Windows
    words = [sys.executable, "-m", "mypy.stubtest", "datacat", "--ignore-missing-stub", "--ignore-unused-allowlist"]
    words += ["--allowlist", str(only_public), "--mypy-config-file", str(config)]
    own = {**os.environ, "MYPY_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(words, cwd=SOURCE, env=own, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["create_session", "Session", "AsyncSession", "DatacatClient", "DatacatHandler"])
def test_help_speaks_of_every_public_call(name):
    import datacat

    thing = getattr(datacat, name)
    assert inspect.getdoc(thing)
    if inspect.isclass(thing):
        own = [member for key, member in vars(thing).items() if inspect.isfunction(member) and not key.startswith("_")]
        assert all(inspect.getdoc(member) for member in own)
