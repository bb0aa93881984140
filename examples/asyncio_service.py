"""An asyncio service, whose event loop is watched: a call that blocks it is a hang, with the stack to show for it.

    python examples/asyncio_service.py                 asks itself for some prices, and ends
    python examples/asyncio_service.py --block 3       one request blocks the loop for so many seconds
    python examples/asyncio_service.py --stay          goes on serving until Ctrl-C or SIGTERM

The service tells the price of an article: a line in, a line of JSON out, `echo lamp | nc 127.0.0.1 PORT`. In the web UI
the session "Price Service" has a histogram of its requests; with --block it was hung meanwhile, and the event
`application_appears_hung` shows the line that blocked. It runs on Python 3.7 or newer.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import time

import datacat

PRICES = {"lamp": 24.0, "candle": 3.5, "lantern": 61.0}
BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5]


class Service:
    """Prices by TCP. Calls into the session need no await: none of them waits for anything."""

    def __init__(self, session, block):
        self.session = session
        self.block = block
        self.connections = 0

    async def serve(self, reader, writer):
        """One connection, a request a line."""
        self.connect(1)
        try:
            while True:
                line = await reader.readline()
                if not line:
                    break
                writer.write(json.dumps(await self.answer(line.decode().strip())).encode() + b"\n")
                await writer.drain()
        finally:
            self.connect(-1)
            writer.close()

    def connect(self, change):
        self.connections += change
        self.session.update_state({"connections": self.connections})

    async def answer(self, article):
        """One request: measured, counted by how it came out, and never the end of the service."""
        begin = time.perf_counter()
        status = "ok"
        try:
            return {"article": article, "euro": await self.price(article)}
        except KeyError:
            status = "unknown"
            self.session.log_event("unknown_article", {"article": article}, level="warning")
            return {"error": "there is no " + article}
        except Exception:
            status = "failed"
            self.session.log_exception(extra_data={"article": article})
            return {"error": "try again later"}
        finally:
            seconds = time.perf_counter() - begin
            self.session.log_histogram("request_seconds", seconds, unit="seconds", buckets=BOUNDS)
            self.session.log_counter("requests", tags=["status:" + status])

    async def price(self, article):
        if article == "invoice" and self.block:
            seconds, self.block = self.block, 0  # once, however many ask
            print_invoice(seconds)
        if article == "discount":
            return PRICES["lamp"] / 0
        await asyncio.sleep(0.002)  # the database
        return PRICES[article]


def print_invoice(seconds):
    """What does not belong into a coroutine: as long as it runs, nobody else is served."""
    time.sleep(seconds)


async def ask(port, articles):
    """A client; what it was told of each article."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = []
    for article in articles:
        writer.write(article.encode() + b"\n")
        answer = json.loads(await reader.readline())
        answers.append(f"{article} {answer['euro']}" if "euro" in answer else f"{article} ({answer['error']})")
    writer.close()
    return answers


async def run(session, options):
    session.monitor_event_loop(timeout=options.hang_after)
    service = Service(session, options.block)
    server = await asyncio.start_server(service.serve, "127.0.0.1", options.port)
    port = server.sockets[0].getsockname()[1]
    session.update_state({"port": port, "stage": "serving", "connections": 0})
    session.log_event("started", {"port": port})
    print(f"listening on 127.0.0.1:{port}", flush=True)

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # on Windows Ctrl-C raises KeyboardInterrupt
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    wishes = ["lamp", "candle", "discount", "lantern", "moon", "invoice"]
    clients = await asyncio.gather(*(ask(port, wishes) for _ in range(options.clients)))
    for number, answers in enumerate(clients, 1):
        print(f"client {number}: {', '.join(answers)}", flush=True)
    if options.stay:
        await stop.wait()

    session.update_state({"stage": "stopping"})
    server.close()
    await server.wait_closed()
    session.log_event("stopped")


def main():
    parser = argparse.ArgumentParser(description="An asyncio service that is watched by DataCat.")
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--clients", type=int, default=4, help="how many ask at once (default: %(default)s)")
    parser.add_argument("--block", type=float, default=0, metavar="SECONDS", help="block the loop once")
    parser.add_argument("--hang-after", type=float, default=1, metavar="SECONDS", help="default: %(default)s")
    parser.add_argument("--stay", action="store_true", help="serve until Ctrl-C or SIGTERM")
    options = parser.parse_args()
    with datacat.create_session(product="Price Service", version="3.0") as session:
        print("Session", session.session_id)
        asyncio.run(run(session, options))
    print("See it: datacat show", session.session_id[:8])


if __name__ == "__main__":
    main()
