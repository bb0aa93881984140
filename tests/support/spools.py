"""Running a program on a spool of its own with nobody to ship it, and reading what it left there."""

import json
import os
import subprocess
from pathlib import Path

from datacat_daemon.spool.control import ControlReader
from datacat_daemon.spool.reader import WriterReader, writers_in

from support.leftovers import MARK

SOURCE = Path(__file__).parents[2] / "python" / "src"
KINDS = {1: "event", 2: "state", 3: "metric", 4: "status"}


def environment(spool, **more):
    """Environment of a program whose records stay in `spool`: its daemon is /usr/bin/true."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("DATACAT_") or key == MARK}
    ours = {
        "PYTHONPATH": str(SOURCE),
        "DATACAT_SPOOL": str(spool),
        "DATACAT_DAEMON": "true",
        "DATACAT_URL": "http://127.0.0.1:9",
    }
    return {**own, **ours, **more}


def run_program(spool, command, **more):
    """Run a program to its end; the CompletedProcess with its text output."""
    return subprocess.run(
        [str(word) for word in command],
        env=environment(spool, **more),
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


class Left:
    """What a session left in the spool.

    Attributes:
        folder: its folder.
        manifest: its manifest.
        control: the fields of its control page.
        records: (kind, payload) of every record, in the order of their time.
    """

    def __init__(self, folder):
        self.folder = folder
        self.manifest = json.loads(folder.joinpath("manifest.json").read_text())
        control = ControlReader(folder / "control")
        self.control = control.read()._asdict()
        control.close()
        found = [record for writer in writers_in(folder) for record in WriterReader(folder, writer).read(10**9)]
        found.sort(key=lambda record: (record.time, record.writer, record.ordinal))
        self.raw = found
        self.records = [(KINDS[record.kind], json.loads(record.payload)) for record in found]

    def of(self, kind, name=None):
        """Payloads of one kind, and of one name."""
        return [body for found, body in self.records if found == kind and name in (None, body.get("name"))]


def sessions_in(spool):
    """Every session of a spool."""
    return [Left(manifest.parent) for manifest in sorted(Path(spool).glob("*/*/manifest.json"))]


def end_of(interpreter, tmp_path, code, **more):
    """How a program that does `code` after create_session ends: (CompletedProcess, Left)."""
    program = tmp_path / "program.py"
    program.write_text("import datacat, os, sys, threading\nsession = datacat.create_session()\n" + code)
    done = run_program(tmp_path / "spool", [interpreter, program], **more)
    (left,) = sessions_in(tmp_path / "spool")
    return done, left
