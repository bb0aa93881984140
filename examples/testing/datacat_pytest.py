"""A pytest plugin: each test run is a session, each test an event, each failure an exception with its traceback.

    pytest -p datacat_pytest                     with this file's folder on PYTHONPATH
    pytest_plugins = ["datacat_pytest"]          or that, in the conftest.py at the root

The session's state says at any moment which test runs, in which phase. So a run that crashes, or hangs, names the test:
a test that is silent for longer than --datacat-hang-after seconds is a hang, and its stacks are in the session.

With pytest-xdist the run is one session all the same, that of the process which hands out the tests. Each worker is a
session besides, of the product "... worker", for what only its own process can tell: how it died, where it hangs.
With --dist=each a test has an event for each worker that ran it.
"""

from __future__ import annotations

import os
import platform
import subprocess
import traceback
from collections import Counter
from collections.abc import Generator
from types import TracebackType
from typing import Any

import datacat
import pytest

LONGEST_OUTPUT = 2000
LEVELS = {"failed": "error", "error": "error", "crashed": "critical", "xpassed": "warning", "rerun": "warning"}
SESSION = pytest.StashKey[datacat.Session]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("datacat", "DataCat")
    group.addoption("--datacat-url", metavar="URL", help="the server (default: $DATACAT_URL)")
    group.addoption("--datacat-product", metavar="NAME", help="what the runs are called (default: $DATACAT_PRODUCT)")
    group.addoption("--datacat-version", metavar="TEXT", help="what is tested (default: $DATACAT_VERSION, else git's)")
    group.addoption(
        "--datacat-hang-after", metavar="SECONDS", type=float, default=60.0, help="a phase of a test (default: 60)"
    )


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist starts its workers
def pytest_sessionstart(session: pytest.Session) -> None:
    config = session.config
    run: str | None = getattr(config, "workerinput", {}).get("datacat_run")
    log = datacat.create_session(
        base_url=config.getoption("datacat_url"),
        product=_product(config) + (" worker" if run else ""),
        version=_version(config),
    )
    config.stash[SESSION] = log
    hands_out = config.pluginmanager.hasplugin("dsession")
    if not hands_out:
        config.pluginmanager.register(Watch(log, config.getoption("datacat_hang_after")))
    if run:
        log.update_state({"run": run, "worker": os.environ.get("PYTEST_XDIST_WORKER")})
        return
    words = list(config.invocation_params.args)
    log.update_state({"python": platform.python_version(), "system": platform.platform(), "arguments": words})
    config.pluginmanager.register(Record(log, names_running=hands_out))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Of pytest-xdist: what a worker is told when it starts."""
    node.workerinput["datacat_run"] = node.config.stash[SESSION].session_id


def pytest_unconfigure(config: pytest.Config) -> None:
    if SESSION in config.stash:
        config.stash[SESSION].end()


def _product(config: pytest.Config) -> str:
    named = config.getoption("datacat_product") or os.environ.get("DATACAT_PRODUCT")
    return named or f"{config.rootpath.name} tests"


def _version(config: pytest.Config) -> str | None:
    named = config.getoption("datacat_version") or os.environ.get("DATACAT_VERSION")
    if named:
        return str(named)
    words = ["git", "describe", "--always", "--dirty", "--tags"]
    try:
        done = subprocess.run(words, cwd=config.rootpath, capture_output=True, text=True, check=False)
    except OSError:  # no git here
        return None
    return done.stdout.strip() or None


class Watch:
    """In the process that runs the tests: what runs now, a heartbeat, and exceptions as they are raised.

    Args:
        log: the process's session.
        hang_after: seconds; a phase that takes longer is a hang.
    """

    def __init__(self, log: datacat.Session, hang_after: float) -> None:
        self._log = log
        log.start_heartbeat_monitor(timeout=hang_after)
        log.pause_heartbeat_monitoring()  # collecting, and waiting for the next test, may take as long as they like

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Generator[None, pytest.CollectReport, Any]:
        self._log.update_state({"phase": "collect", "running": [collector.nodeid]})
        report = yield
        self._log.update_state({"phase": None, "running": []})
        return report

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        self._log.resume_heartbeat_monitoring()
        try:
            return (yield)
        finally:
            self._log.pause_heartbeat_monitoring()
            self._log.update_state({"phase": None, "running": []})

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self._enter("setup", item)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        self._enter("call", item)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        self._enter("teardown", item)

    def _enter(self, phase: str, item: pytest.Item) -> None:
        self._log.heartbeat()
        self._log.update_state({"phase": phase, "running": [item.nodeid]})

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.failed and call.excinfo is not None:
            report.exception = exception_fields(call.excinfo.value, str(item.path))  # goes with it to the main process
        return report


class Record:
    """In the process that gets all reports: an event for each test and each failure, and the counts.

    Args:
        log: the run's session.
        names_running: whether to keep the state's `running` too, for tests that run in other processes.
    """

    def __init__(self, log: datacat.Session, names_running: bool) -> None:
        self._log = log
        self._names_running = names_running
        self._running: list[str] = []
        self._begun: dict[tuple[str | None, str], dict[str, Any]] = {}  # by worker and test
        self._counts: Counter[str] = Counter()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            text = str(report.longrepr)
            self._count("collection_errors")
            self._log.log_fields(
                {
                    "name": "collection_error",
                    "level": "error",
                    "category": "test",
                    "group": report.nodeid,
                    "message": f"{report.nodeid} could not be collected",
                    "exception_type": "CollectionError",
                    "exception_msg": text.splitlines()[-1] if text else "",
                    "stacktrace": text.splitlines(),
                }
            )

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if session.items:
            self._log.update_state({"collected": len(session.items)})

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        if self._names_running:
            self._running.append(nodeid)
            self._log.update_state({"running": self._running})

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        if self._names_running and nodeid in self._running:
            self._running.remove(nodeid)
            self._log.update_state({"running": self._running})

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        key = worker_of(report), report.nodeid
        test = self._begun.setdefault(key, {"outcome": "passed", "seconds": {}})
        outcome = outcome_of(report)
        if test["outcome"] == "passed" and outcome != "passed":
            test.update(outcome=outcome, phase=report.when, why=_why(report))
        if report.when in ("setup", "call", "teardown"):
            test["seconds"][report.when] = round(report.duration, 6)
            tags = ["file:" + report.nodeid.partition("::")[0]]
            self._log.log_timer("test_" + report.when, report.duration, tags=tags)
        if report.failed:
            test["output"] = (report.capstdout + report.capstderr)[-LONGEST_OUTPUT:]
            fields = getattr(report, "exception", None)
            if fields:
                self._log.log_fields({**fields, "data": {"test": report.nodeid, "phase": report.when}})
        if report.when == "teardown" or outcome == "crashed":
            self._finish(report, self._begun.pop(key))

    def _finish(self, report: pytest.TestReport, test: dict[str, Any]) -> None:
        outcome = test["outcome"]
        data = {"test": report.nodeid, "worker": worker_of(report), **test}
        self._log.log_event(
            "test_" + outcome,
            level=LEVELS.get(outcome, "info"),
            category="test",
            group=report.nodeid.partition("::")[0],
            labels=[outcome],
            message=f"{report.nodeid} {outcome}",
            data={key: value for key, value in data.items() if value},
        )
        self._count(outcome)

    def _count(self, what: str) -> None:
        self._counts[what] += 1
        self._log.update_state({"counts": self._counts})

    def pytest_internalerror(self, excinfo: pytest.ExceptionInfo[BaseException]) -> None:
        self._log.log_exception(excinfo.value)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, exitstatus: int) -> None:
        said = pytest.ExitCode(exitstatus).name.lower() if exitstatus in list(pytest.ExitCode) else str(exitstatus)
        self._log.log_event("run_finished", {"exit": said, "counts": self._counts}, category="test")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.write_line(f"DataCat has this run as session {self._log.session_id}")


def outcome_of(report: pytest.TestReport) -> str:
    """passed, failed, error (of a fixture), skipped, xfailed, xpassed, or crashed: its worker died."""
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    if report.failed:
        return {"setup": "error", "call": "failed", "teardown": "error"}.get(report.when or "", "crashed")
    return report.outcome


def worker_of(report: pytest.TestReport) -> str | None:
    """With pytest-xdist, which worker ran the test; None without."""
    died = getattr(report, "node", None)  # it makes the report of a worker that died itself
    named: str | None = getattr(report, "worker_id", None) if died is None else died.gateway.id
    return named


def exception_fields(error: BaseException, test_file: str) -> dict[str, Any]:
    """An exception as the fields of an event, without the frames of pytest above the test."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != test_file:
        trace = trace.tb_next
    trace = trace or error.__traceback__
    kind = type(error).__name__
    try:
        text = str(error)
    except Exception:  # the test is to fail of its own exception, not the run of this one
        text = "an exception that cannot be printed"
    return {
        "name": "exception",
        "level": "error",
        "category": "exception",
        "message": f"{kind}: {text}",
        "exception_type": kind,
        "exception_msg": text,
        "stacktrace": "".join(traceback.format_exception(type(error), error, trace)).splitlines(),
        **_place(trace),
    }


def _place(trace: TracebackType | None) -> dict[str, Any]:
    frames = traceback.extract_tb(trace)
    if not frames:
        return {}
    last = frames[-1]
    return {"source_file": last.filename, "source_line": last.lineno, "source_function": last.name}


def _why(report: pytest.TestReport) -> str | None:
    """One line: the reason of a skip or of an expected failure, or what the failure says."""
    if getattr(report, "wasxfail", ""):
        return str(report.wasxfail)
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2]
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else str(report.longrepr or "")
    return text.split("\n")[0] or None
