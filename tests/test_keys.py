"""Keys end to end: a real program and its daemon, with a key that only sends."""

import json
import os
import subprocess
import sys
import urllib.request
from contextlib import suppress

from support.reading import wait_for
from support.servers import Server


def make_key(data, name, scope):
    """Make a key with `datacat keys`."""
    code = "from datacat_server.cli.main import main; main()"
    words = [sys.executable, "-c", code, "keys", "add", name, "--scope", scope, "--data-path", str(data)]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def ask(url, key):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def datacat(spool, *words):
    """What a command says of a spool, without a key in the environment."""
    code = "from datacat_server.cli.main import main; main()"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DATACAT_")}
    words = [sys.executable, "-c", code, *words]
    return subprocess.run(
        words, check=False, capture_output=True, text=True, env={**environment, "DATACAT_SPOOL": str(spool)}
    )


def keys_of_what_waits(spool):
    """The keys of the sessions that are not delivered yet."""
    found = []
    for manifest in spool.glob("*/*/manifest.json"):
        with suppress(FileNotFoundError):  # delivered at this moment
            found.append(json.loads(manifest.read_text())["api_key"])
    return found


def test_a_program_needs_a_key_that_sends_and_loses_nothing_with_another(programs, tmp_path):
    """A key that only sends is enough for a program; with one that may not send, its records stay in the spool."""
    data = tmp_path / "data"
    reader = make_key(data, "reader", "read")
    sender = make_key(data, "sender", "ingest")
    server = Server(data, DATACAT_REQUIRE_API_KEY="true")
    try:
        code = """
            import datacat

            with datacat.create_session(product="Keyed") as session:
                session.log_event("started", {"n": 1})
        """
        refused = programs.start(code, server.url, DATACAT_API_KEY=reader)
        refused.communicate()
        sent = programs.start(code, server.url, DATACAT_API_KEY=sender)
        sent.communicate()
        assert (refused.returncode, sent.returncode) == (0, 0)
        (summary,) = wait_for(
            lambda: [one for one in ask(f"{server.url}/api/sessions", reader)["sessions"] if one["status"] == "ended"]
        )
        session = ask(f"{server.url}/api/sessions/{summary['id']}", reader)
        assert [event["name"] for event in session["events"]] == ["started"]
        assert ask(f"{server.url}/api/sessions", reader)["total"] == 1, "a key that only reads sends nothing"
        wait_for(lambda: keys_of_what_waits(programs.spool) == [reader])
        found = datacat(programs.spool, "doctor", "--json", "--server-port", str(server.port)).stdout
        assert "the server answers at" in found
        assert "waiting; the last try: " in found and "403: this needs a key with the scope ingest" in found, found
        without = datacat(programs.spool, "sync")
        assert without.returncode == 1
        assert "403: " in without.stdout and "--api-key" in without.stdout and "{" not in without.stdout
        assert datacat(programs.spool, "sync", "--api-key", sender).returncode == 0
        assert ask(f"{server.url}/api/sessions", reader)["total"] == 2
    finally:
        server.stop()
