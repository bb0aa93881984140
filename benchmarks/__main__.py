"""`make bench`: the figures that DataCat promises, measured here and now. Exits with 1 when one is missed."""

import sys

import a_million
import daemon_cost
import daemon_rate
import dying
import frames
import logging_calls
import real
import removing
import starting
from contenders import EMPTY, OURS
from logging_calls import Times
from rich import box
from rich.console import Console
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
            figure, measured, promised, {True: "[green]kept[/]", False: "[bold red]missed[/]", None: ""}[kept]
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


def main() -> int:
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    figures = Figures()
    with real.server() as running:
        for serialiser, with_orjson, most in (("standard library", False, 1.0), ("orjson", True, 0.5)):
            console.print(f"Measuring one call, {serialiser} ...")
            times = logging_calls.measure(running, with_orjson=with_orjson)
            console.print(calls_table(serialiser, times))
            judge_calls(figures, serialiser, times, most)
        console.print("Measuring a loop of frames ...")
        judge_frames(figures, running)
        console.print("Measuring beginnings and ends ...")
        judge_lives(figures, running)
        console.print("Measuring a million records ...")
        judge_a_million(figures, running)
        console.print("Measuring the daemon ...")
        judge_daemon(figures, running)
    with real.server() as running:
        console.print("Measuring a removal ...")
        judge_removing(figures, running)
    console.print(figures.table)
    return 1 if figures.missed else 0


if __name__ == "__main__":
    sys.exit(main())
