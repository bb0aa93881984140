"""Everything that the template of a session's page asks for."""

import shlex
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from msgspec import UNSET

from datacat_server import wording
from datacat_server.model import Session, Status, Verdict
from datacat_server.store.problems import ProblemKind, SessionProblem
from datacat_server.store.protocol import Store
from datacat_server.store.views import EventQuery, Series
from datacat_server.telling import evidence, sentence, state_tree
from datacat_server.telling.event_rows import DETECTED, EventRow, event_row
from datacat_server.telling.moment import Moment, moment_at
from datacat_server.web.session import events, metrics
from datacat_server.web.session.query import Query
from datacat_server.web.session.timeline import axis, data, drawing, lanes

JUST_BEFORE = 6
REFUSED_SHOWN = 50
FACTS_SHOWN = 100
PROCESSES_SHOWN = 20
FRAMES_IN_A_ROW = 20
SERIES_SHOWN = 48
_POINTS = 240
_FACTS = {"argv": "command line", "cwd": "working folder"}


def context(store: Store, query: Query) -> dict[str, Any]:
    """What a page shows. Raises UnknownSession, and WrongQuestion for events that cannot be shown."""
    now = datetime.now(UTC)
    session = store.session(query.session_id, {"refused"})
    start, end = axis.span(session, now)
    seconds = (end - start).total_seconds()
    view = axis.view(query.begin, query.end, seconds)
    at = axis.instant(query.at, seconds)
    whole = _counted(store, session.id, start, axis.View(0.0, seconds), outside=True)
    seen = whole if view == whole.view else _counted(store, session.id, start, view, outside=False)
    series = store.series(session.id, points=_POINTS, limit=10_000 if query.series == "all" else SERIES_SHOWN + 1)
    shown = series if query.series == "all" else series[:SERIES_SHOWN]
    groups = _lanes(store, session.id, query, shown, None if seen is whole else seen.grid)
    verdict = evidence.deciding(session)
    stacks = evidence.stacks(session)
    traceback = _last_exception(store, session)
    cause = sentence.cause_of(verdict, traceback)
    moment = moment_at(store, session.id, start, at)
    final = moment if at is None else moment_at(store, session.id, start, None)
    before = _just_before(store, session, verdict, cause, start)
    refused = session.refused if session.refused is not UNSET else []
    others = [process for process in session.processes if process.pid != session.pid]
    return {
        **parts(session, query, start),
        **events_context(store, query, start, view, events.FIRST_PAGE),
        "now": now,
        "sentence": sentence.sentence(session, stacks, traceback, before[0] if before else None, now),
        "clues": sentence.clues(session, cause, final, start, series),
        "final": final,
        "lifetime": evidence.lifetime(session, now),
        "came": sentence.came(verdict, cause) if verdict else None,
        "problem": _problem(session, store.session_problems(session.id)),
        "stacks": stacks,
        "traceback": traceback,
        "caused": cause is not None,
        "tab": _tab(query, stacks, traceback, cause, before if verdict else [], final),
        "just_before": before if verdict else [],
        "axis": drawing.draw(session, (start, seconds), seen, whole, groups, at),
        "has_changes": any(whole.folded.state_changes),
        "on_axis": [lanes.key(group[0]) for group in groups],
        "moment": moment,
        "filters": events.choices(session, whole.folded, query),
        "search_keeps": query.parameters(without=("q", "cursor")),
        "picked": events.picked(query),
        "metric_groups": metrics.groups(shown, start, seconds),
        "more_series": len(series) > len(shown),
        "refused": refused[:REFUSED_SHOWN],
        "refused_left_out": max(0, len(refused) - REFUSED_SHOWN),
        "facts": {_FACTS.get(key, key): _fact(key, value) for key, value in islice(session.facts.items(), FACTS_SHOWN)},
        "processes": others[:PROCESSES_SHOWN],
        "processes_left_out": max(0, len(others) - PROCESSES_SHOWN),
        "lane_choices": lanes.choices(shown),
        "choose_lane": lanes.choice,
    }


def parts(session: Session, query: Query, start: datetime) -> dict[str, Any]:
    """What every part of the page asks for."""
    return {"session": session, "query": query, "here": query.here, "start": start, "most_frames": FRAMES_IN_A_ROW}


def state_context(store: Store, query: Query) -> dict[str, Any]:
    """What the part with the state asks for. Raises UnknownSession."""
    session = store.session(query.session_id, ())
    start, end = axis.span(session, datetime.now(UTC))
    at = axis.instant(query.at, (end - start).total_seconds())
    return {**parts(session, query, start), "moment": moment_at(store, session.id, start, at)}


def events_context(store: Store, query: Query, start: datetime, view: axis.View, limit: int) -> dict[str, Any]:
    """What the rows of events ask for. Raises UnknownSession, and WrongQuestion for a cursor that is none."""
    return {"events": events.table(events.page(store, query, start, view, limit), query, start, limit)}


def _counted(store: Store, session_id: str, start: datetime, view: axis.View, *, outside: bool) -> drawing.Counted:
    cells = axis.grid(start, view)
    folded = store.timeline(session_id, cells.start, cells.end, cells.count, outside=outside)
    return drawing.Counted(view, cells, folded)


def _lanes(
    store: Store, session_id: str, query: Query, shown: list[Series], part: axis.Grid | None
) -> list[lanes.Group]:
    worth = lanes.chosen(shown)
    if query.lanes is None and part is None:
        return [*worth]
    wanted = [lanes.key(group[0]) for group in worth] if query.lanes is None else query.lanes
    return data.shown(store, session_id, wanted, part, _POINTS)


def _problem(session: Session, problems: list[SessionProblem]) -> SessionProblem | None:
    """The problem that a session's status is, else the last that it had."""
    kinds = {Status.CRASHED: ProblemKind.CRASH, Status.HUNG: ProblemKind.HANG}
    wanted = kinds.get(session.status)
    found = [one for one in problems if wanted is None or one.problem.kind is wanted]
    return found[0] if found else None


def _last_exception(store: Store, session: Session) -> evidence.Traceback | None:
    if not session.exception_count:
        return None
    found = store.event_page(session.id, EventQuery(exceptions=True), limit=1).events
    return evidence.traceback(found[0].event, found[0].number) if found else None


def _just_before(
    store: Store, session: Session, verdict: Verdict | None, cause: evidence.Traceback | None, start: datetime
) -> list[EventRow]:
    """The last that the application logged before it crashed or hung, or so far, newest first; nothing if it ended.

    The exception that ended it, `cause`, is shown by itself.
    """
    if session.status in (Status.ENDED, Status.SUSPENDED):
        return []
    rows = [
        event_row(stored, start)
        for stored in store.event_page(session.id, limit=JUST_BEFORE * 4).events
        if (verdict is None or stored.event.timestamp <= verdict.timestamp)
        and stored.event.name not in DETECTED
        and (cause is None or stored.number != cause.number)
    ]
    return rows[:JUST_BEFORE]


def _tab(
    query: Query, stacks: list[evidence.Stacks], exception: evidence.Traceback | None,
    cause: evidence.Traceback | None, before: list[EventRow], final: Moment,
) -> str | None:  # fmt: skip
    """The id of the evidence that is shown: what the address names, if it is there, else the first."""
    tabs = ["tab-cause"] if cause else []
    tabs += [f"stack-{nth}-{n}" for nth, one in enumerate(stacks, 1) for n in range(1, len(one.threads) + 1)]
    tabs += ["last-exception"] if exception and not cause else []
    tabs += ["last-events"] if before else []
    tabs += ["last-state"] if final.tree and final.tree.rows else []
    return query.tab if query.tab in tabs else next(iter(tabs), None)


def _fact(key: str, value: Any) -> str:
    """A fact in one line; a command as it would be typed."""
    if key == "argv" and isinstance(value, list) and all(isinstance(word, str) for word in value):
        return wording.shorten(shlex.join(value), 400)
    return state_tree.text(value)
