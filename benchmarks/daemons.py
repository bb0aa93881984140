"""A minute of 1,000 live daemons: small batches and heartbeats over a connection each, and when they are answered."""

import asyncio
import json
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from batches import START
from real import Running

DAEMONS = 1_000
SECONDS = 60
_BATCH_SECONDS = 5.0  # as often as a daemon samples vitals; in between it sends a heartbeat
_EVENTS = 20
_VITALS = ("process_cpu_percent", "process_resident_memory_bytes", "process_threads", "process_open_files")


@dataclass(frozen=True)
class Found:
    """Requests a second, answers other than 200, and milliseconds until the acknowledgement."""

    requests_a_second: float
    errors: int
    p50: float
    p99: float


def measure(running: Running) -> Found:
    """All of them in one event loop of this process, their beginnings spread evenly."""
    return asyncio.run(_run(running.url))


async def _run(url: str) -> Found:
    latencies: list[float] = []
    errors: list[str] = []
    begin = time.perf_counter()
    await asyncio.gather(*(_daemon(url, number, latencies, errors) for number in range(DAEMONS)))
    latencies.sort()
    count = len(latencies)
    a_second = count / (time.perf_counter() - begin)
    return Found(a_second, len(errors), latencies[count // 2] * 1e3, latencies[int(count * 0.99)] * 1e3)


async def _daemon(url: str, number: int, latencies: list[float], errors: list[str]) -> None:
    await asyncio.sleep(number / DAEMONS * _BATCH_SECONDS)
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    end = time.monotonic() + SECONDS
    for turn in range(int(2 * SECONDS / _BATCH_SECONDS)):
        body = _batch(number, turn // 2) if turn % 2 == 0 else _beat(number, turn)
        begin = time.perf_counter()
        writer.write(
            b"POST /api/ingest HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length:"))
        content = await reader.readexactly(length)
        latencies.append(time.perf_counter() - begin)
        if not head.startswith(b"http/1.1 200"):
            errors.append(content.decode())
        await asyncio.sleep(min(_BATCH_SECONDS / 2, max(0.0, end - time.monotonic())))
    writer.close()


def _batch(number: int, turn: int) -> bytes:
    size = _EVENTS + len(_VITALS)
    first = turn * size
    lines: list[dict[str, object]] = [
        {"kind": "session", "id": f"daemon-{number}", "product": "benchmark", "version": "1", "time": START},
        {"kind": "writer", "writer": "daemon-1-0", "first": first, "next": first + size},
    ]
    for ordinal in range(first, first + size):
        line: dict[str, object] = {"writer": "daemon-1-0", "ordinal": ordinal, "time": START + ordinal}
        if ordinal - first < _EVENTS:
            line |= {"kind": "event", "name": "moved", "data": {"x": ordinal, "y": 20}}
        else:
            line |= {"kind": "metric", "name": _VITALS[ordinal - first - _EVENTS], "value": ordinal / 7}
        lines.append(line)
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def _beat(number: int, turn: int) -> bytes:
    line = {"kind": "session", "id": f"daemon-{number}", "product": "benchmark", "version": "1", "time": START}
    return json.dumps(line | {"last_heartbeat": START + turn * 1_000_000}).encode() + b"\n"
