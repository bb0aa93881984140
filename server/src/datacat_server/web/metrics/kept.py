"""Answers that take long are kept for a while: a page that many look at does not ask the same again each time."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

from datacat_server.store.protocol import Store

QUICK_SECONDS = 0.05
"""What takes less computing is asked again whenever something was written."""
KEPT_FOR = 30
"""What takes longer is kept for so many times as long as it took, also while something is written."""
_MOST = 64

Answer = TypeVar("Answer")


class Kept:
    """Answers of a store by their question."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._answers: OrderedDict[Hashable, tuple[object, float, object]] = OrderedDict()

    def has(self, question: Hashable) -> bool:
        """Whether an answer is kept that still counts."""
        token = self._store.change_token()
        with self._lock:
            kept = self._answers.get(question)
        return kept is not None and (kept[0] == token or time.monotonic() < kept[1])

    def get(self, question: Hashable, ask: Callable[[], Answer]) -> Answer:
        """The answer to a question, asked now where none is kept. Raises what asking raises."""
        token = self._store.change_token()
        with self._lock:
            kept = self._answers.get(question)
        if kept is not None and (kept[0] == token or time.monotonic() < kept[1]):
            return kept[2]  # type: ignore[return-value]  # one question has one kind of answer
        began = time.thread_time()
        answer = ask()
        took = time.thread_time() - began
        until = time.monotonic() + (took * KEPT_FOR if took > QUICK_SECONDS else 0.0)
        with self._lock:
            self._answers[question] = token, until, answer
            self._answers.move_to_end(question)
            while len(self._answers) > _MOST:
                self._answers.popitem(last=False)
        return answer
