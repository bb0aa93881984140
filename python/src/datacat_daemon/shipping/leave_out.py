"""Leaves out of a batch's state records what changes nothing at the server."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from datacat.segment import STATE

from datacat_daemon.shipping.known_state import KnownState
from datacat_daemon.spool.reader import Record

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class Rest(NamedTuple):
    """What is left of a batch.

    `patches`: what is sent of the state, in order, to be learnt when the server has taken it. `assumed`: the count of
    changes on which leaving out relies, None where nothing was left out.
    """

    records: list[Record]
    patches: list[dict[str, Any]]
    assumed: int | None


def leave_out_unchanged(records: list[Record], state: KnownState) -> Rest:
    """The records without what the server is known to have. `state` no longer holds what they change."""
    rest: list[Record] = []
    patches: list[dict[str, Any]] = []
    changes, left_out = state.changes, False
    for record in records:
        if record.kind != STATE:
            rest.append(record)
            continue
        try:
            patch = _patch_of(record)
            news = state.news_in(patch)
            if news is not None and news != patch:
                record = record._replace(payload=_encode({"state": news}).encode("ascii"))
        except (ValueError, RecursionError):
            state.forget()
            patches.clear()
            rest.append(record)
            continue
        left_out |= news != patch
        if news is not None:
            rest.append(record)
            patches.append(news)
    return Rest(rest, patches, changes if left_out else None)


def _patch_of(record: Record) -> dict[str, Any]:
    """The patch of a state record. Raises ValueError for one that is not as it should be."""
    content = json.loads(record.payload)
    if not isinstance(content, dict) or content.keys() != {"state"} or not isinstance(content["state"], dict):
        raise ValueError("no state record")
    patch: dict[str, Any] = content["state"]
    return patch
