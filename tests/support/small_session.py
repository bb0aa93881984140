"""One session's folder with a writer of small segments, to be shipped step by step."""

import json

from datacat.segment import EVENT, SegmentWriter
from datacat_daemon.shipping.endpoint import Endpoint
from datacat_daemon.shipping.shipment import Shipment
from datacat_daemon.spool.log import DaemonLog
from datacat_daemon.spool.manifest import Manifest


class SmallSession:
    def __init__(self, folder, server):
        self.folder = folder / "session"
        self.folder.mkdir()
        self.server = server
        self.writer = SegmentWriter(str(self.folder), "1-0", 4096)
        self.log = DaemonLog(folder / "daemon.log")
        self.manifest = Manifest("s", "P", "1", 1, server.url, 1, batch_interval_seconds=0.05)
        self.shipment = self.new_shipment()
        self.time = 1_000_000

    def new_shipment(self):
        return Shipment(self.folder, self.manifest, Endpoint(self.server.url, None), self.log)

    def write(self, count, payload=None):
        for _ in range(count):
            self.time += 1
            content = {"name": "n", "data": {"i": self.writer.ordinal}} if payload is None else payload
            self.writer.append(EVENT, 0, self.time, json.dumps(content).encode())

    def ship_all(self, turns=50):
        """As the shipper's thread does, without its pauses, until the server has everything."""
        self.shipment.finished = True
        for _ in range(turns):
            self.shipment.ship()
            if self.shipment.done:
                return
        raise AssertionError("never done")

    def numbers(self):
        return [record["ordinal"] for record in self.server.records("event")]

    def rejected(self):
        return sorted(path.name for path in self.folder.glob("rejected/*"))
