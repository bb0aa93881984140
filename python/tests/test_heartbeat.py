"""Beats from an event loop: they come back after a pause, there is one chain of them, and they end with their loop."""

import asyncio
import time

import pytest
from datacat.heartbeat import HeartbeatMonitor


class Beaten:
    """A session that counts; its sink keeps what it was told of the watching."""

    def __init__(self):
        self.beats = 0
        self.timeouts = []
        self.sink = self

    def monitor(self, timeout):
        self.timeouts.append(timeout)

    def heartbeat(self):
        self.beats += 1


@pytest.fixture
def session():
    return Beaten()


def test_beats_come_back_after_stop_and_start(session):
    async def main():
        monitor = HeartbeatMonitor(session, timeout=0.04)
        monitor.start()
        monitor.beat_from()
        await asyncio.sleep(0.03)
        monitor.stop()
        await asyncio.sleep(0.03)
        session.beats = 0
        await asyncio.sleep(0.05)
        assert session.beats == 0
        monitor.start()
        deadline = time.monotonic() + 60
        while session.beats < 3 and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        assert session.beats >= 3

    asyncio.run(main())


def test_a_second_beat_from_takes_the_place_of_the_first(session):
    class CountedLoop(asyncio.SelectorEventLoop):
        pending = 0

        def call_later(self, delay, callback, *arguments, **options):
            self.pending += callback.__name__ == "beat"

            def run():
                self.pending -= callback.__name__ == "beat"
                callback(*arguments)

            return super().call_later(delay, run, **options)

    async def main():
        monitor = HeartbeatMonitor(session, timeout=0.04)
        monitor.start()
        for _ in range(5):
            monitor.beat_from()
        await asyncio.sleep(0.1)
        assert asyncio.get_running_loop().pending == 1

    loop = CountedLoop()
    loop.run_until_complete(main())
    loop.close()


def test_the_watching_ends_with_its_loop_and_begins_with_the_next(session):
    monitor = HeartbeatMonitor(session, timeout=60)

    async def main():
        monitor.start()
        monitor.beat_from()
        await asyncio.sleep(0)
        assert monitor.is_running()

    asyncio.run(main())
    assert not monitor.is_running()
    assert session.timeouts[-1] is None
    asyncio.run(main())
    assert session.timeouts[-2:] == [60.0, None]
    monitor.start()  # by hand from now on
    assert monitor.is_running()
