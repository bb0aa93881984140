"""`--coverage-floor PERCENT`, with `--cov`: each of the two distributions must have so many of its lines covered.

Says the shares, and which files have fewer than that; every line that no test ran is in `coverage report -m`.
"""

from collections.abc import Generator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import coverage
import pytest

DISTRIBUTIONS = ("python/src", "server/src")


@dataclass(frozen=True)
class Covered:
    """Percent of a distribution's lines, and of its files that have fewer than the floor."""

    share: float
    thin: dict[str, float] = field(default_factory=dict)


COVERED = pytest.StashKey[dict[str, Covered]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--coverage-floor", type=float, metavar="PERCENT", help="fail when a distribution has less")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    result = yield  # pytest-cov has its wrapper inside this one, and combines there what all processes have measured
    floor = session.config.getoption("--coverage-floor")
    if floor is not None and not hasattr(session.config, "workerinput"):
        covered = {name: _covered(session.config.rootpath, name, floor) for name in DISTRIBUTIONS}
        session.config.stash[COVERED] = covered
        session.testsfailed += any(found.share < floor for found in covered.values())
    return result


def _covered(root: Path, distribution: str, floor: float) -> Covered:
    data = coverage.Coverage(data_file=str(root / ".coverage"), config_file=str(root / "pyproject.toml"))
    data.load()
    try:
        share = data.report(include=[f"{root / distribution}/*"], file=StringIO())
    except coverage.exceptions.NoDataError:
        return Covered(0.0)
    shares = {}
    for file in sorted(data.get_data().measured_files()):
        if Path(file).is_relative_to(root / distribution) and file.endswith(".py"):
            _, lines, _, missing, _ = data.analysis2(file)
            shares[str(Path(file).relative_to(root))] = 100.0 * (1 - len(missing) / max(1, len(lines)))
    return Covered(share, {file: share for file, share in shares.items() if share < floor})


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    floor = config.getoption("--coverage-floor")
    for name, found in config.stash.get(COVERED, {}).items():
        if found.share < floor:
            line = f"ERROR: {name}: {found.share:.1f} % of the lines are covered, fewer than {floor:.1f} %"
            terminalreporter.write_line(line, red=True, bold=True)
        else:
            terminalreporter.write_line(f"{name}: {found.share:.1f} % of the lines are covered")
        if found.thin:
            thin = ", ".join(f"{Path(file).name} {share:.0f} %" for file, share in found.thin.items())
            terminalreporter.write_line(f"  fewer: {thin}")
