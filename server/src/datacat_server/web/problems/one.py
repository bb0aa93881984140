"""The page of one problem: what it says beside the problem itself."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import quote, urlencode

from msgspec import UNSET

from datacat_server.model import Event
from datacat_server.store.problem_evidence import Herald, LeadUp
from datacat_server.store.problems import LEAST_DIFFERENCE, Commonality, Example, InSession, Problem, Trait
from datacat_server.store.protocol import Store
from datacat_server.telling.evidence import Frame, Thread, threads, traceback
from datacat_server.web.problems.bars import day_bars

SESSIONS = 20
DAYS = (30, 90, 365)
FEW = 5
"""Of fewer sessions than this nothing is told as what they have in common without saying so."""

_WAYS = {Trait.STATE: "state_ever", Trait.ELEMENT: "ever_contains", Trait.VERSION: "version", Trait.MACHINE: "machine"}


def days_asked(text: str | None) -> int:
    """How many days are drawn. Raises ValueError, `days: what there is`."""
    if not text:
        return DAYS[0]
    if not text.isascii() or not text.isdigit() or int(text) not in DAYS:
        raise ValueError(f"days: expected one of {', '.join(map(str, DAYS))}")
    return int(text)


def problem_context(store: Store, problem: Problem, asked: Mapping[str, str]) -> dict[str, Any]:
    """What the template of a problem gets. Raises ValueError for days or a cursor that are none, and UnknownProblem."""
    now, days = datetime.now(UTC), days_asked(asked.get("days"))
    stacks = _stacks(store, problem)
    only = {name: asked[name] for name in ("version", "machine") if asked.get(name)}
    sessions = store.problem_sessions(
        problem.id,
        version=only.get("version"),
        machine=only.get("machine"),
        limit=SESSIONS,
        cursor=asked.get("cursor") or None,
    )
    return {
        "problem": problem,
        "sessions": sessions,
        "only": only,
        "names_of_machines": {one.machine: one.hostname for one in problem.on_machines},
        "more": f"?{urlencode(only | {'cursor': sessions.cursor})}" if sessions.cursor else "",
        "instant": instant_address,
        "threads": stacks,
        "frames": [] if stacks else _frames(problem.example),
        "told": _told(problem, stacks),
        "sayings": store.problem_sayings(problem.id),
        "bars": day_bars(problem.on_days, now.date(), days),
        "days": days,
        "spans": DAYS,
        "earlier": _before(problem, now.date(), days),
        "affected": next((one for one in problem.in_versions if one.version == problem.last_in), None),
        "versions": store.versions(product=problem.product, limit=200),
        "now": now,
    }


def common_context(store: Store, problem: Problem) -> dict[str, Any]:
    """What the part gets that says what the sessions have in common. Raises UnknownProblem."""
    common, lead_up = store.problem_commonalities(problem.id), store.problem_lead_up(problem.id)
    return {
        "common": common,
        "sure": [one for one in common.found if one.sure],
        "unsure": [one for one in common.found if not one.sure],
        "few": common.sessions < FEW,
        "lead_up": lead_up,
        "heralds": _heralds(lead_up),
        "sessions_with": lambda trait: sessions_with(problem.product, trait),
        "readable": readable,
    }


def instant_address(one: InSession) -> str:
    """The timeline of a session at the instant at which the problem showed there last."""
    seconds = max(0.0, (one.last_seen - one.session.created_at).total_seconds())
    return f"/sessions/{quote(one.session.id, safe='')}?{urlencode({'at': f'{seconds:.3f}'})}"


def sessions_with(product: str, found: Commonality) -> str | None:
    """The address of the sessions of a product that have this in common; None for what no filter asks for."""
    if (name := _WAYS.get(found.trait)) is None:
        return None
    value = f"{found.path}:{found.value}" if found.path else found.value
    return f"/sessions?{urlencode({'product': product, name: value})}"


def readable(found: Commonality) -> str:
    """A trait in words: `level was 7`, `window_state.open had "map"`, `version 1.4.2`."""
    match found.trait:
        case Trait.STATE:
            return f"{found.path} was"
        case Trait.ELEMENT:
            return f"{found.path} had"
        case Trait.FACT:
            return f"{found.path} is"
        case _:
            return found.trait.value


def _heralds(found: LeadUp) -> list[Herald]:
    """The events that come before it more often than they come at all elsewhere, the most telling first."""

    def difference(one: Herald) -> float:
        return one.count / found.sessions - (one.count_without / found.others if found.others else 0.0)

    return sorted((one for one in found.found if difference(one) >= LEAST_DIFFERENCE), key=lambda one: -difference(one))


def _stacks(store: Store, problem: Problem) -> list[Thread]:
    """What every thread did when it crashed or hung last; empty where no verdict tells, or a traceback tells better."""
    verdict = store.problem_verdict(problem.id)
    if verdict is None or (verdict.data.get("kind") == "exception" and problem.example and problem.example.lines):
        return []
    return threads(verdict)


def _frames(example: Example | None) -> list[Frame]:
    """The example's stack, innermost first; empty where its lines are no stack."""
    if example is None:
        return []
    event = Event(timestamp=example.timestamp, name="example", stacktrace=example.lines, exception_type=UNSET)
    return traceback(event).frames


def _told(problem: Problem, stacks: list[Thread]) -> str:
    """The stack as text, to be copied."""
    if stacks:
        return "\n\n".join(
            "\n".join(
                [
                    f"{thread.label}{' (current)' if thread.current else ''}",
                    *(f'  File "{frame.file}", line {frame.line}, in {frame.function}' for frame in thread.frames),
                ]
            )
            for thread in stacks
        )
    return "\n".join(line.rstrip("\n") for line in problem.example.lines) if problem.example else ""


def _before(problem: Problem, last: date, days: int) -> int:
    """How often it happened before the days that are drawn."""
    return problem.count - sum(one.count for one in problem.on_days if 0 <= (last - one.day).days < days)
