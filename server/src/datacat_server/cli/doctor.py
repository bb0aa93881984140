"""`datacat doctor`."""

import os
from typing import Annotated

import msgspec
import typer
from rich.table import Table
from rich.text import Text

from datacat_server.cli.options import JsonOption
from datacat_server.cli.where import ConfigOption, DataPathOption
from datacat_server.doctor.examination import examine
from datacat_server.doctor.findings import Finding, Level, ok
from datacat_server.doctor.settings import is_default
from datacat_server.terminal.progress import progress_line
from datacat_server.terminal.style import output, width_of
from datacat_server.wording import count, number

_STYLES = {Level.OK: "green", Level.WARN: "yellow", Level.BAD: "bold red"}
_ICONS = {Level.OK: "✓ ok", Level.WARN: "! warn", Level.BAD: "✗ bad"}
_WIDTH_OF_A_PIPE = 120


def doctor(
    full: Annotated[bool, typer.Option("--full", help="Compare indexes with their tables too; slow.")] = False,
    recount: Annotated[
        bool, typer.Option("--recount", help="Count anew what is folded of the records, and compare; slow.")
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Recount, and fold anew what differs; the server has to be stopped.")
    ] = False,
    host: Annotated[str | None, typer.Option(help="Address of the server.", metavar="TEXT")] = None,
    server_port: Annotated[int | None, typer.Option(help="Port of the server.", metavar="INT")] = None,
    web_port: Annotated[int | None, typer.Option(help="Port of the web UI.", metavar="INT")] = None,
    tls_cert_file: Annotated[
        str | None, typer.Option(help="Certificate of the server, PEM, if it has one.", metavar="FILE")
    ] = None,
    tls_key_file: Annotated[str | None, typer.Option(help="Its key, PEM.", metavar="FILE")] = None,
    data_path: DataPathOption = None,
    config_file: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look at all that DataCat needs here, and say what to do where it is amiss.

    Settings, versions, ports, the database, what waits in the spool, room on the disks. Nothing is changed, but with
    --repair. With exit code 1 something is bad.
    """
    flags = {
        "host": host,
        "server_port": server_port,
        "web_port": web_port,
        "tls_cert_file": tls_cert_file,
        "tls_key_file": tls_key_file,
        "data_path": data_path,
    }
    findings: list[Finding] = []
    shown = _Shown()
    with progress_line("Looking") as line:

        def tell(what: str, done: int = 0, total: int = 0) -> None:
            line.rename(what)
            line.show(done, total, f"{number(done)} of {count(total, 'session')}" if total else "")

        for finding in examine(config_file, flags, os.environ, full=full, recount=recount, mend=repair, progress=tell):
            findings.append(finding)
            if not as_json:
                line.remove()  # or it would be written into
                shown.add(finding)
    worst = {finding.level for finding in findings}
    if as_json:
        verdict = next(level for level in (Level.BAD, Level.WARN, Level.OK) if level in worst)
        typer.echo(msgspec.json.encode({"level": verdict, "findings": findings}))
    else:
        shown.end(findings)
    raise typer.Exit(1 if Level.BAD in worst else 0)


class _Shown:
    """Findings for people, each as soon as it is there."""

    def __init__(self) -> None:
        self._console = output()
        self._width = width_of(self._console) or _WIDTH_OF_A_PIPE
        self._about = ""
        self._usual = 0

    def add(self, finding: Finding) -> None:
        # What was never set is there to be looked up in the guide, or with --json, not to be read here.
        if is_default(finding):
            self._usual += 1
            return
        if self._usual and finding.about != self._about:
            usual, self._usual = self._usual, 0
            self._print(ok(self._about, f"{count(usual, 'setting')} at {'its' if usual == 1 else 'their'} default"))
        self._print(finding)

    def _print(self, finding: Finding) -> None:
        if finding.about != self._about:
            self._about = finding.about
            self._console.print(Text(finding.about.capitalize(), style="bold"))
        table = Table.grid(padding=(0, 1))
        table.add_column(width=8)
        table.add_column(overflow="fold")
        text = Text(finding.text)
        if finding.advice:
            text.append(f"\n→ {finding.advice}", style="bold")
        table.add_row(Text(f"  {_ICONS[finding.level]}", style=_STYLES[finding.level]), text)
        self._console.print(table, width=self._width)
        self._console.file.flush()

    def end(self, findings: list[Finding]) -> None:
        counts = {level: sum(finding.level == level for finding in findings) for level in Level}
        if counts[Level.BAD] or counts[Level.WARN]:
            self._console.print(f"\n{counts[Level.BAD]} bad, {counts[Level.WARN]} to look after, {counts[Level.OK]} ok")
        else:
            self._console.print("\nAll is well.")
