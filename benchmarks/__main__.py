"""`make bench`: the figures that DataCat promises, measured here and now. Exits with 1 when one is missed.

`make bench ARGS="ingest flat"` measures these sections alone; they stand in `SECTIONS`. A section that fails is a
figure that is missed, and the others go on; Ctrl-C ends the one that is under way and shows what there is.
"""

import sys
import time
import traceback
from collections.abc import Callable

import a_million
import daemon_cost
import daemon_rate
import daemons
import dying
import flat
import frames
import go_client
import ingest_rate
import kills
import large
import logging_calls
import pages
import peer_events
import peer_metrics
import real
import removing
import starting
from contenders import EMPTY, OURS
from logging_calls import Times
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

WIDTH = 110
SENTRY = "sentry_sdk.add_breadcrumb"
HEARTBEAT = "heartbeat"
# those that record something, as the peers do
RECORDING = tuple(name for name in OURS if name != HEARTBEAT)


class Figures:
    """The table of what was measured, and whether it is what was promised."""

    def __init__(self) -> None:
        self.missed = 0
        self.table = Table(title="DataCat, measured on this machine", box=box.SIMPLE_HEAD, title_justify="left")
        self.table.add_column("figure", ratio=1)
        self.table.add_column("measured", justify="right")
        self.table.add_column("promised", justify="right")
        self.table.add_column("")

    def add(self, figure: str, measured: str, promised: str = "", kept: bool | None = None) -> None:
        """One row; `kept` is None where nothing is promised."""
        self.missed += kept is False
        self.table.add_row(
            escape(figure),
            escape(measured),
            promised,
            {True: "[green]kept[/]", False: "[bold red]missed[/]", None: ""}[kept],
        )


def calls_table(serialiser: str, times: dict[str, Times]) -> Table:
    """All calls, the quickest first."""
    table = Table(title=f"One call, {serialiser}, in µs", box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("", ratio=1)
    for heading in ("median", "p99", "p99.9", "maximum"):
        table.add_column(heading, justify="right", min_width=9)
    for name, of in sorted(times.items(), key=lambda item: item[1].median):
        ours = name in OURS
        cells = (f"{of.median:,.2f}", f"{of.p99:,.1f}", f"{of.p999:,.1f}", f"{of.most:,.0f}")
        style = "bold cyan" if ours else "dim" if name == EMPTY else ""
        table.add_row(f"DataCat {name}" if ours else name, *cells, style=style)
    return table


def judge_calls(figures: Figures, serialiser: str, times: dict[str, Times], most: float) -> None:
    """What is promised of one call.

    Args:
        serialiser: that was used.
        times: of every contender.
        most: how many times as much as the quickest of the others a median of ours may take.
    """
    empty = times[EMPTY].median
    others = {name: of for name, of in times.items() if name not in (*OURS, EMPTY)}
    next_best = min(others.values(), key=lambda of: of.median)
    for name in RECORDING:
        ratio = times[name].median / next_best.median
        figures.add(
            f"{name}, {serialiser}: median / the quickest peer's", f"{ratio:.2f}", f"under {most}", ratio < most
        )
    worst = max(times[name].p999 for name in RECORDING)
    least = min(of.p999 for of in others.values())
    promised = f"under {least:.1f} µs"
    figures.add(
        f"the worst p99.9 of them, {serialiser}; the best of the peers'", f"{worst:.1f} µs", promised, worst < least
    )
    ours, theirs = times["log_event"].median, times[SENTRY].median
    figures.add("    log_event / add_breadcrumb, medians", f"{ours / theirs:.2f}")
    figures.add("    log_event / add_breadcrumb, both less an empty call", f"{(ours - empty) / (theirs - empty):.2f}")
    beat = times[HEARTBEAT].median - empty
    figures.add(f"heartbeat, {serialiser}: above an empty call", f"{beat:.2f} µs", "under 0.5 µs", beat < 0.5)


def judge_frames(figures: Figures, running: real.Running) -> None:
    """What is promised of a loop of frames."""
    found = frames.measure(running)
    share = found.median_ms / frames.BUDGET_MS
    figures.add(
        "100 calls a frame, two threads computing: of the frame's 16.67 ms",
        f"{share:.1%}",
        "at most 2 %",
        share <= 0.02,
    )
    figures.add(
        "    the slowest of all these calls", f"{found.slowest_ms:.2f} ms", "at most 5 ms", found.slowest_ms <= 5
    )
    figures.add("    the longest gap in as much time of doing nothing", f"{found.longest_gap_ms:.2f} ms")


def judge_lives(figures: Figures, running: real.Running) -> None:
    """What is promised of beginnings and ends."""
    call, known = starting.measure(running)
    figures.add("create_session, the daemon's start included", f"{call * 1e3:.1f} ms", "at most 50 ms", call <= 0.05)
    figures.add("    from its return until the server knows the session", f"{known * 1e3:.0f} ms")
    seconds = dying.seconds_until_crashed(running)
    figures.add(
        "from SIGKILL until the server says crashed", f"{seconds * 1e3:.0f} ms", "at most 1000 ms", seconds <= 1
    )
    survived = dying.events_that_survive(running)
    figures.add(
        "different events that survive SIGKILL, of 20,000",
        f"{survived:,}",
        f"{dying.EVENTS:,}",
        survived == dying.EVENTS,
    )


def judge_a_million(figures: Figures, running: real.Running) -> None:
    """What is promised of very many records."""
    found = a_million.measure(running)
    figures.add(
        "records that survive SIGKILL, of 1,000,000",
        f"{found.arrived:,}",
        f"{a_million.RECORDS:,}",
        found.arrived == a_million.RECORDS,
    )
    figures.add("    logged a second", f"{found.logged_a_second:,.0f}")
    figures.add("    arrived a second, the logging included", f"{found.arrived_a_second:,.0f}")


def judge_daemon(figures: Figures, running: real.Running) -> None:
    """What is promised of the daemon beside a program."""
    cost = daemon_cost.measure(running)
    figures.add(
        f"the daemon's share of a core, {cost.rate:,.0f} records a second",
        f"{cost.share:.2%}",
        "under 1 %",
        cost.share < 0.01,
    )
    megabytes = cost.resident / 2**20
    figures.add("    its resident memory", f"{megabytes:.1f} MB", "under 25 MB", megabytes < 25)
    rate = daemon_rate.records_a_second(running)
    figures.add(
        "records shipped a second, of a backlog, acknowledged at once",
        f"{rate:,.0f}",
        "at least 60,000",
        rate >= 60_000,
    )
    figures.add("    stored by the server", f"{daemon_rate.records_a_second_stored(running):,.0f}")


def judge_removing(figures: Figures, running: real.Running) -> None:
    """How much longer what comes in waits while a large session is removed."""
    found = removing.measure(running)
    figures.add(
        f"a batch's acknowledgement while {removing.EVENTS:,} events are removed / otherwise, medians",
        f"{found.median_during / found.median_before:.1f}",
    )
    figures.add("    the same, 99 of 100", f"{found.p99_during / found.p99_before:.1f}")
    figures.add("    until all is cleared away and given back", f"{found.seconds:.1f} s")
    shrunk = found.size_after < found.size_before / 2
    sizes = f"{found.size_before / 1e6:.0f} to {found.size_after / 1e6:.0f} MB"
    figures.add("    the database's file", sizes, "less than half", shrunk)


def judge_go(figures: Figures, running: real.Running) -> None:
    """A call of the Go client, with a daemon and without."""
    found = go_client.measure_go(running)
    if not found:
        figures.add("a call of the Go client", "no Go on this machine")
    for call, microseconds in found.items():
        figures.add(f"Go client, {call}, mean", f"{microseconds:,.1f} µs")


def judge_ingest(figures: Figures) -> None:
    """What is promised of taking in events."""
    found = ingest_rate.measure()
    figures.add("events a second by executemany, straight into the tables", f"{found.direct:,.0f}")
    for (packed, connections), rate in found.rates.items():
        figures.add(
            f"    over HTTP, {packed}, {connections} connection{'s' * (connections > 1)}: of that",
            f"{rate.events_a_second:,.0f}, {rate.share:.0%}",
            "at least 40 %",
            rate.share >= 0.4,
        )
    cpu = max(rate.cpu_seconds for rate in found.rates.values())
    figures.add("    the server's CPU time for a million, at most", f"{cpu:.1f} s")
    figures.add("    bytes on disk for a million", f"{found.bytes_on_disk / 1e6:,.0f} MB")


def judge_flat(figures: Figures) -> None:
    """What is promised of a session that grows."""
    with real.server() as running:
        found = flat.measure(running)
    events, changes = found.last_events / found.first_events, found.last_changes / found.first_changes
    figures.add("the last 10,000 of 1,000,000 events / the first", f"{events:.2f}", "at most 1.3", events <= 1.3)
    figures.add("the last of 1,000 changes of a state / the first", f"{changes:.2f}", "at most 1.3", changes <= 1.3)


def judge_large(figures: Figures, say: Callable[[str], None]) -> None:
    """What is promised of answers from a large store."""
    found = large.measure(say=say)
    if found.seconds is not None:
        rate = f"{found.seconds:,.0f} s, {found.records_a_second:,.0f} a second"
        figures.add("10,000,000 records of 100,000 sessions, stored in", rate)
    figures.add("    on disk", f"{found.size_on_disk / 1e6:,.0f} MB")
    for name, answer in found.answers.items():
        if isinstance(answer, str):
            figures.add(f"    {name}", answer[:40], "an answer", False)
            continue
        measured = f"{answer.p50:.0f} / {answer.p95:.0f} / {answer.worst:.0f} ms, {answer.computed:.0f}"
        kept = answer.p95 < 50 and answer.worst < 150
        figures.add(f"    {name}: p50 / p95 / worst, computed", measured, "p95 50, worst 150", kept)
    resident = found.resident_bytes / 2**20
    figures.add("    the server's resident memory afterwards", f"{resident:.0f} MB", "under 200 MB", resident < 200)


def judge_pages(figures: Figures, say: Callable[[str], None]) -> None:
    """What is promised of pages in a browser."""
    found = pages.measure(say)
    for name, loaded in found.pages.items():
        if isinstance(loaded, str):
            figures.add(name, loaded[:40], "a page", False)
            continue
        first, content = loaded.first_byte, loaded.content
        measured = f"{first.p50:.0f} / {first.p95:.0f} ms, {loaded.computed:.0f}"
        figures.add(f"{name}: first byte, p50 / p95, computed", measured, "p95 50 ms", first.p95 <= 50)
        painted = f"{content.p50:.0f} / {content.p95:.0f} ms"
        figures.add("    content painted, p50 / p95", painted, "p95 300 ms", content.p95 <= 300)
    draw = found.draw
    figures.add(
        "a picture of a timeline of 1,000,000 events, p50 / p95",
        f"{draw.p50:.1f} / {draw.p95:.1f} ms",
        "p95 16.7 ms",
        draw.p95 <= 16.7,
    )
    resident = found.resident_bytes / 2**20
    figures.add("    the server's resident memory afterwards", f"{resident:.0f} MB", "under 200 MB", resident < 200)


def judge_daemons(figures: Figures) -> None:
    """What is promised of very many daemons."""
    with real.server() as running:
        found = daemons.measure(running)
    figures.add("1,000 daemons for a minute: errors", f"{found.errors}", "0", found.errors == 0)
    figures.add("    requests a second", f"{found.requests_a_second:,.0f}")
    acknowledged = f"{found.p50:.0f} / {found.p99:.0f} ms"
    figures.add("    acknowledged after, p50 / p99", acknowledged, "p99 under 500 ms", found.p99 < 500)


def judge_kills(figures: Figures) -> None:
    """What is promised of a server that is killed."""
    found = kills.measure()
    lost = f"{found.missing} / {found.twice} of {found.acknowledged:,}"
    figures.add(
        f"events missing / there twice after {kills.KILLS} kills of the server",
        lost,
        "0 / 0",
        found.missing == found.twice == 0,
    )
    median, worst = found.median, found.worst
    starts = f"{median.until_answer:.2f} / {worst.until_answer:.2f} s"
    figures.add("    from its start until it answers, median / worst", starts, "under 2 s", worst.until_answer < 2)
    figures.add("    of that computing", f"{median.computing:.2f} / {worst.computing:.2f} s")
    figures.add("    of that waiting for a core", f"{median.waiting:.2f} / {worst.waiting:.2f} s")


def judge_peers(figures: Figures) -> None:
    """The same work, given to others."""
    points = peer_metrics.measure()
    figures.add("points of gauges a second, on disk when acknowledged", f"{points.ours:,.0f}")
    theirs = f"{points.theirs:,.0f}" if points.theirs else f"not here; {peer_metrics.INSTALL}"
    figures.add("    VictoriaMetrics, in memory when acknowledged", theirs)
    events = peer_events.measure()
    figures.add("exceptions a second, one a request over one connection", f"{events.ours:,.0f}")
    figures.add("    Bugsink, its tasks within the request", f"{events.theirs:,.0f}")


def _calls(figures: Figures, console: Console) -> None:
    with real.server() as running:
        for serialiser, with_orjson, most in (("standard library", False, 1.0), ("orjson", True, 0.5)):
            times = logging_calls.measure(running, with_orjson=with_orjson)
            console.print(calls_table(serialiser, times))
            judge_calls(figures, serialiser, times, most)


def _with_server(judge: Callable[[Figures, real.Running], None]) -> Callable[[Figures, Console], None]:
    def section(figures: Figures, console: Console) -> None:
        with real.server() as running:
            judge(figures, running)

    return section


SECTIONS: dict[str, tuple[str, Callable[[Figures, Console], None]]] = {
    "calls": ("one call", _calls),
    "frames": ("a loop of frames", _with_server(judge_frames)),
    "lives": ("beginnings and ends", _with_server(judge_lives)),
    "million": ("a million records", _with_server(judge_a_million)),
    "daemon": ("the daemon", _with_server(judge_daemon)),
    "removing": ("a removal", _with_server(judge_removing)),
    "ingest": ("how fast events are taken in", lambda figures, _: judge_ingest(figures)),
    "flat": ("a session that grows", lambda figures, _: judge_flat(figures)),
    "daemons": ("a thousand daemons", lambda figures, _: judge_daemons(figures)),
    "kills": ("a hundred kills", lambda figures, _: judge_kills(figures)),
    "large": ("answers from a large store", lambda figures, console: judge_large(figures, console.print)),
    "pages": ("pages in a browser", lambda figures, console: judge_pages(figures, console.print)),
    "go": ("the Go client", _with_server(judge_go)),
    "peers": ("peers", lambda figures, _: judge_peers(figures)),
}


def main() -> int:
    names = sys.argv[1:] or list(SECTIONS)
    if unknown := set(names) - SECTIONS.keys():
        sys.exit(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    figures = Figures()
    began = time.monotonic()
    try:
        for place, name in enumerate(names, 1):
            _measure(name, f"{place} of {len(names)}", figures, console)
    except KeyboardInterrupt:
        figures.add("what was not measured", "ended by Ctrl-C", "all of it", False)
    console.print(figures.table)
    console.print(f"Measured in {_duration(time.monotonic() - began)}.")
    return 1 if figures.missed else 0


def _measure(name: str, place: str, figures: Figures, console: Console) -> None:
    """One section, and how long it took; if it fails, why."""
    title, section = SECTIONS[name]
    console.print(f"Measuring {title} ({name}, {place}) ...")
    began = time.monotonic()
    try:
        section(figures, console)
    except Exception as error:
        traceback.print_exc()
        figures.add(f"{title}: failed", f"{type(error).__name__}: {error}"[:60], "figures", False)
    console.print(f"... {_duration(time.monotonic() - began)}")


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


if __name__ == "__main__":
    sys.exit(main())
