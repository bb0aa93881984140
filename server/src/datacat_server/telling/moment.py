"""The state of a session at an instant, with what just changed, and where it changed before and after."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from datacat_server.store.protocol import Store
from datacat_server.telling import state_tree


@dataclass(frozen=True)
class Moment:
    """A session's state; all places are seconds from the start of its time axis.

    `at`: the instant looked at, None for the last one. `changed_at`: when it became what it is, None where that was at
    its very beginning or is not known yet.
    """

    at: float | None
    tree: state_tree.Tree | None
    changed_at: float | None
    before: float | None
    after: float | None

    @property
    def ago(self) -> float | None:
        """How long before the instant the state changed."""
        return None if self.at is None or self.changed_at is None else max(0.0, self.at - self.changed_at)


def moment_at(store: Store, session_id: str, start: datetime, at: float | None) -> Moment:
    """The state of a session whose axis starts at `start`. Raises UnknownSession."""
    instant = None if at is None else start + timedelta(seconds=at)
    states = store.states(session_id, at=instant, limit=2)
    following = None if instant is None else store.change_after(session_id, instant)
    before = states[1] if len(states) > 1 else None
    return Moment(
        at=at,
        tree=state_tree.tree(states[0].state, before.state if before else None) if states else None,
        changed_at=(states[0].timestamp - start).total_seconds() if before else None,
        before=(before.timestamp - start).total_seconds() if before else None,
        after=None if following is None else (following - start).total_seconds(),
    )
