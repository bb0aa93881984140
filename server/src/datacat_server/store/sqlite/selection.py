"""A filter as a condition of SQL, for every query over sessions: `... FROM sessions WHERE {condition}`."""

from typing import Any

from datacat_server.filters import Filter
from datacat_server.store.sqlite.times import to_microseconds

# `ever_hung` is in each of them because their index has only sessions with it.
_EVER = "sessions.ever_hung = 1"
_STATUS = {
    "ever_hung": _EVER,
    "hung_recovered": f"{_EVER} AND sessions.hung = 0",
    "hung_ended": f"{_EVER} AND sessions.hung = 1 AND sessions.ended IS NOT NULL AND sessions.crashed = 0",
    "hung_crashed": f"{_EVER} AND sessions.hung = 1 AND sessions.crashed = 1",
}


def selection(wanted: Filter) -> tuple[str, list[Any]]:
    """The condition on the table `sessions` that holds of the sessions meant, and the values of its marks (`?`)."""
    conditions: list[str] = []
    values: list[Any] = []

    def hold(condition: str, *of: Any) -> None:
        conditions.append(condition)
        values.extend(of)

    if wanted.product is not None:
        hold("sessions.product = ?", wanted.product)
    if wanted.version is not None:
        hold("sessions.version = ?", wanted.version)
    if wanted.machine is not None:
        hold("(sessions.machine_id = ? OR sessions.hostname = ?)", wanted.machine, wanted.machine)
    if wanted.status is not None:
        if wanted.status in _STATUS:
            hold(_STATUS[wanted.status])
        else:
            hold("sessions.status = ?", wanted.status)
    if wanted.start is not None:
        hold("sessions.created >= ?", to_microseconds(wanted.start))
    if wanted.end is not None:
        hold("sessions.created < ?", to_microseconds(wanted.end))
    return " AND ".join(conditions) or "TRUE", values
