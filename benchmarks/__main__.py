"""`make bench`: the figures that DataCat promises, measured here and now. Exits with 1 when one is missed."""

import sys

import dying
import logging_calls
import real
import starting
from rich.console import Console
from rich.table import Table


def main() -> int:
    console = Console()
    if not console.is_terminal:
        console = Console(width=110)
    table = Table(
        "figure", "measured", "promised", "", title="DataCat, measured on this machine (medians)", title_justify="left"
    )
    missed = 0

    def row(figure: str, measured: str, promised: str = "", kept: bool | None = None) -> None:
        nonlocal missed
        missed += kept is False
        table.add_row(figure, measured, promised, {True: "kept", False: "[red]missed[/red]", None: ""}[kept])

    with real.server() as running:
        for serialiser, with_orjson, most in (("standard library", False, 1.0), ("with orjson", True, 0.5)):
            console.print(f"Measuring log_event, {serialiser} ...")
            ours, theirs, neither = logging_calls.measure(running, with_orjson=with_orjson)
            row(f"log_event, {serialiser}", f"{(ours - neither) * 1e6:.2f} µs")
            row("sentry_sdk.add_breadcrumb, same payload, same run", f"{(theirs - neither) * 1e6:.2f} µs")
            ratio = (ours - neither) / (theirs - neither)
            row("    log_event / add_breadcrumb", f"{ratio:.2f}", f"at most {most}", ratio <= most)
            row("    log_event / add_breadcrumb, the cost of timing left in both", f"{ours / theirs:.2f}")
        console.print("Measuring create_session ...")
        call, known = starting.measure(running)
        row("create_session, the daemon's start included", f"{call * 1e3:.1f} ms", "at most 50 ms", call <= 0.05)
        row("    from its return until the server knows the session", f"{known * 1e3:.0f} ms")
        console.print("Measuring how a death is taken ...")
        seconds = dying.seconds_until_crashed(running)
        row("from SIGKILL until the server says crashed", f"{seconds * 1e3:.0f} ms", "at most 1000 ms", seconds <= 1)
        survived = dying.events_that_survive(running)
        all_there = f"{dying.EVENTS:,}"
        row(
            "events on the server, of 20,000 logged right before SIGKILL",
            f"{survived:,}",
            all_there,
            survived == dying.EVENTS,
        )
    console.print(table)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
