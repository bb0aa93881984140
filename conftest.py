"""For all tests of the checkout: where interpreters come from, and that no process is left behind."""

import gc
import os
import signal

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = [
    "support.interpreters",
    "support.leftovers",
    "support.preloaded",
    "support.servers",
    "support.stage",
    "support.browser",
    "support.demo",
    "support.child_coverage",
    "support.coverage_floor",
]

# A busy machine is no failure, and the first draw of a fresh checkout builds tables of all characters.
settings.register_profile("datacat", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("datacat")

# What a shell or nohup starts in the background ignores these, and so would all programs that the tests start.
if "PYTEST_XDIST_WORKER" in os.environ:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# What takes longest begins first, so that in the end no processor waits for another one's last test.
LONG = {
    "test_schemathesis.py",
    "test_between_servers.py",
    "test_on_the_wire.py",
    "test_types.py",
    "test_killed_server.py",
    "test_pages_of_30_000_sessions.py",
    "test_every_page_of_a_swarm.py",
    "test_what_a_swarm_shows.py",
    "test_go_client.py",
    "test_quick_start.py",
}


def pytest_collection_finish() -> None:
    """What is there now stays until the end: it need not be looked through each time that garbage is looked for."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)  # before the groups become part of the tests' ids
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONG)
    for item in items:
        # A browser takes longer to start than most tests of it: those of a module share one, in one process.
        if "browser" in getattr(item, "fixturenames", ()) and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.name))
