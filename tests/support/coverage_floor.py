"""`--coverage-floor PERCENT`, with `--cov`: each of the two distributions must have so many of its lines covered."""

from collections.abc import Generator
from io import StringIO
from pathlib import Path

import coverage
import pytest

DISTRIBUTIONS = ("python/src", "server/src")
SHORT = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--coverage-floor", type=float, metavar="PERCENT", help="fail when a distribution has less")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    result = yield  # pytest-cov has its wrapper inside this one, and combines there what all processes have measured
    floor = session.config.getoption("--coverage-floor")
    if floor is not None and not hasattr(session.config, "workerinput"):
        covered = {name: _covered(session.config.rootpath, name) for name in DISTRIBUTIONS}
        short = [f"{name}: {share:.1f} % of the lines are covered" for name, share in covered.items() if share < floor]
        session.config.stash[SHORT] = short
        session.testsfailed += bool(short)
    return result


def _covered(root: Path, distribution: str) -> float:
    data = coverage.Coverage(data_file=str(root / ".coverage"), config_file=str(root / "pyproject.toml"))
    data.load()
    try:
        return data.report(include=[f"{root / distribution}/*"], file=StringIO())
    except coverage.exceptions.NoDataError:
        return 0.0


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(SHORT, []):
        floor = config.getoption("--coverage-floor")
        terminalreporter.write_line(f"ERROR: {line}, fewer than {floor:.1f} %", red=True, bold=True)
