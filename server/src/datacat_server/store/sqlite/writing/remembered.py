"""The sessions that the writer remembers: the ones used last, as many as memory allows.

What a session weighs is an estimate of the memory that it takes, in bytes (`LiveSession.weight`). Forgetting is always
safe once a batch is written: the tables hold the same.
"""

from collections import OrderedDict
from collections.abc import Iterable

from datacat_server.store.sqlite.writing.live import LiveSession

MOST_SESSIONS = 1_000
MOST_WEIGHT = 40 * 1024 * 1024


class Remembered:
    """Sessions by their ids."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, LiveSession] = OrderedDict()
        self._weights: dict[str, int] = {}
        self._weight = 0

    def __contains__(self, session_id: str) -> bool:
        return session_id in self._sessions

    def __len__(self) -> int:
        return len(self._sessions)

    def get(self, session_id: str) -> LiveSession | None:
        return self._sessions.get(session_id)

    def keep(self, session_id: str, session: LiveSession) -> None:
        """Remember a session as the one used last."""
        self._sessions[session_id] = session
        self._sessions.move_to_end(session_id)

    def weigh(self, session_id: str) -> None:
        """Take note of what a session that was written weighs now, and forget the least used ones for it.

        The one used last stays, whatever it weighs.
        """
        session = self._sessions.get(session_id)
        if session is None:
            return
        weight = session.weight
        self._weight += weight - self._weights.get(session_id, 0)
        self._weights[session_id] = weight
        while len(self._sessions) > 1 and (self._weight > MOST_WEIGHT or len(self._sessions) > MOST_SESSIONS):
            self.drop(next(iter(self._sessions)))

    def drop(self, session_id: str) -> None:
        """Forget a session, if it is remembered."""
        self._sessions.pop(session_id, None)
        self._weight -= self._weights.pop(session_id, 0)

    def drop_all(self, session_ids: Iterable[str]) -> None:
        for session_id in session_ids:
            self.drop(session_id)

    def clear(self) -> None:
        self._sessions.clear()
        self._weights.clear()
        self._weight = 0
