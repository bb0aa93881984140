"""The store's calls about problems, releases and comparisons."""

from collections.abc import Sequence
from datetime import date

from datacat_server.model import Verdict
from datacat_server.store.comparison import Comparison
from datacat_server.store.problem_evidence import LeadUp, ProblemCensus, Sayings
from datacat_server.store.problems import (
    Commonalities,
    OnDay,
    Problem,
    ProblemFilter,
    ProblemPage,
    ProblemSessionPage,
    ProblemStatus,
    SessionProblem,
)
from datacat_server.store.releases import ReleaseCourse, ReleaseHistory, ReleasePage
from datacat_server.store.sqlite.file.connection import Readers
from datacat_server.store.sqlite.reading import problem_evidence, problems
from datacat_server.store.sqlite.reading.commonalities import read_commonalities
from datacat_server.store.sqlite.reading.compare import read_comparison
from datacat_server.store.sqlite.reading.read import row_number
from datacat_server.store.sqlite.reading.release_history import read_history
from datacat_server.store.sqlite.reading.release_views import read_courses, read_release, read_releases
from datacat_server.store.sqlite.writing.writer import Writer

_EVERY = ProblemFilter()


class ProblemCalls:
    """What `SqliteStore` offers as `ProblemStore`, `ProblemEvidenceStore`, `ReleaseStore` and `ComparisonStore`."""

    _readers: Readers
    _writer: Writer

    def problems(
        self, wanted: ProblemFilter = _EVERY, *, sort: str = "-last_seen", limit: int = 100, cursor: str | None = None
    ) -> ProblemPage:
        with self._readers.snapshot() as db:
            return problems.read_problems(db, wanted, sort, limit, cursor)

    def problem(self, problem_id: str) -> Problem:
        with self._readers.snapshot() as db:
            return problems.read_problem(db, problem_id)

    def problem_sessions(
        self,
        problem_id: str,
        *,
        version: str | None = None,
        machine: str | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> ProblemSessionPage:
        with self._readers.snapshot() as db:
            return problems.read_problem_sessions(db, problem_id, limit, cursor, version=version, machine=machine)

    def problem_commonalities(self, problem_id: str) -> Commonalities:
        with self._readers.snapshot() as db:
            return read_commonalities(db, problem_id)

    def session_problems(self, session_id: str) -> list[SessionProblem]:
        with self._readers.snapshot() as db:
            return problems.read_session_problems(db, row_number(db, session_id))

    def problem_census(self, wanted: ProblemFilter = _EVERY) -> ProblemCensus:
        with self._readers.snapshot() as db:
            return problem_evidence.read_census(db, wanted)

    def problem_days(self, problem_ids: Sequence[str], first: date) -> dict[str, list[OnDay]]:
        with self._readers.snapshot() as db:
            return problem_evidence.read_days(db, problem_ids, first)

    def problem_sayings(self, problem_id: str) -> Sayings:
        with self._readers.snapshot() as db:
            return problem_evidence.read_sayings(db, problem_id)

    def problem_verdict(self, problem_id: str) -> Verdict | None:
        with self._readers.snapshot() as db:
            return problem_evidence.read_verdict(db, problem_id)

    def problem_lead_up(self, problem_id: str) -> LeadUp:
        with self._readers.snapshot() as db:
            return problem_evidence.read_lead_up(db, problem_id)

    def resolve_problem(self, problem_id: str, version: str | None = None) -> None:
        self._writer.run(lambda ledger: problems.mark(ledger.db, problem_id, ProblemStatus.RESOLVED, version))

    def reopen_problem(self, problem_id: str) -> None:
        self._writer.run(lambda ledger: problems.mark(ledger.db, problem_id, ProblemStatus.OPEN))

    def ignore_problem(self, problem_id: str) -> None:
        self._writer.run(lambda ledger: problems.mark(ledger.db, problem_id, ProblemStatus.IGNORED))

    def releases(
        self, product: str | None = None, *, sort: str = "-last_seen", limit: int = 100, cursor: str | None = None
    ) -> ReleasePage:
        with self._readers.snapshot() as db:
            return read_releases(db, product, sort, limit, cursor)

    def release(self, product: str, version: str, *, days: int = 90) -> ReleaseCourse:
        with self._readers.snapshot() as db:
            return read_release(db, product, version, days)

    def release_courses(self, releases: Sequence[tuple[str, str]], *, days: int = 90) -> list[ReleaseCourse]:
        with self._readers.snapshot() as db:
            return read_courses(db, releases, days)

    def release_history(
        self, product: str, last: date, *, days: int | None = None, versions: int = 5
    ) -> ReleaseHistory:
        with self._readers.snapshot() as db:
            return read_history(db, product, last, days, versions)

    def compare(self, session_ids: Sequence[str]) -> Comparison:
        with self._readers.snapshot() as db:
            return read_comparison(db, session_ids)
