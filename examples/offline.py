"""No server: the program runs on all the same, its records wait on this machine, and arrive once there is a server.

    python examples/offline.py

A buoy measures the sea, and nothing listens at the address of its server: no call waits or fails, and what is logged
stays in the spool. Then `datacat up` starts a server there, with a folder of its own for its data, and `datacat sync`
ships what waits. In practice nobody has to call that: the daemon of the buoy goes on trying, and where the machine was
switched off meanwhile, that of the next program. In a terminal the server stays until Enter, and its web UI shows the
session "Sea Buoy 1.0" with the time of the measuring, not of the arrival.
"""

import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile

import datacat

WAVES = [0.8, 1.1, 1.4, 2.9, 3.6, 1.7]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def measure(session):
    session.update_state({"buoy": {"name": "Dogger Bank", "battery": 0.93}})
    for height in WAVES:
        session.log_gauge("wave_height", height, unit="m")
        if height > 3:
            session.log_event("storm_warning", {"wave_height": height}, level="warning")
    session.update_state({"buoy": {"battery": 0.88}})


@contextlib.contextmanager
def server(port):
    """A server that is gone afterwards, with its data."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["datacat", "up", "--server-port", str(port), "--web-port", "0", "--data-path", folder]
        with subprocess.Popen(command, stdout=subprocess.PIPE, universal_newlines=True) as process:
            print(process.stdout.readline().strip())  # said as soon as it listens
            yield
            process.terminate()


def main():
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    session = datacat.create_session(base_url=url, product="Sea Buoy", version="1.0", async_mode=True)
    print("Session", session.session_id)
    measure(session)
    session.end(timeout=0)
    print(f"Delivered: {session.flush(timeout=0.1)}. {session.get_stats()['queued']} records wait.")
    print("Why:", session.get_details()["error"], flush=True)

    if shutil.which("datacat") is None:
        print("Where the server is installed, these deliver them:")
        print(f"  datacat up --server-port {port}\n  datacat sync")
        return
    with server(port):
        subprocess.run(["datacat", "sync"])
        print(f"Delivered: {session.flush(timeout=30)}. {session.get_stats()['queued']} records wait.")
        stored = session.get_details()
        print(f"The server has the state {stored['state']['buoy']}, {len(stored['metrics'])} metrics,", end=" ")
        print(f"and {len(stored['events'])} event, all from {stored['created_at']} to {stored['ended_at']}")
        if sys.stdin.isatty():
            input("Enter ends the server. ")


if __name__ == "__main__":
    main()
