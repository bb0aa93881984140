"""The verdict on sessions that are compared, in sentences."""

from collections.abc import Sequence

from datacat_server import wording
from datacat_server.model import Status
from datacat_server.web.compare.differences import Part
from datacat_server.web.compare.lanes import Lane

_BECAME = {
    Status.CRASHED: "crashed",
    Status.HUNG: "hung",
    Status.SUSPENDED: "suspended",
    Status.ENDED: "ended",
    Status.ACTIVE: "running",
}


def outcome(lanes: Sequence[Lane]) -> str:
    """How they went: `A crashed after 3 min 2 s, B and C ended after 8 min.`"""
    parts = []
    for status in Status:
        held = [lane for lane in lanes if lane.session.status is status]
        if not held:
            continue
        ages = sorted(lane.seconds for lane in held)
        spread = wording.duration(ages[0]), wording.duration(ages[-1])
        lived = spread[0] if spread[0] == spread[1] else f"{spread[0]} to {spread[1]}"
        who = _listed([lane.letter for lane in held])
        match status:
            case Status.ACTIVE:
                parts.append(f"{who} {'runs' if len(held) == 1 else 'run'} since {lived}")
            case Status.HUNG | Status.SUSPENDED:
                parts.append(f"{who} {'is' if len(held) == 1 else 'are'} {_BECAME[status]} after {lived}")
            case _:
                parts.append(f"{who} {_BECAME[status]} after {lived}")
    return f"{'; '.join(parts)}."


def differences(parts: Sequence[Part]) -> str:
    """How much differs: `4 of 12 values of the state, 3 of 6 metrics and 5 of 9 events differ.`"""
    nouns = {"state": "value", "metrics": "metric", "events": "event"}
    told = [
        f"{wording.number(part.total - len(part.same))} of {wording.count(part.total, noun)}"
        + (" of the state" if part.key == "state" else "")
        for part in parts
        if (noun := nouns.get(part.key)) and part.total
    ]
    return f"{_listed(told)} differ." if told else ""


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
