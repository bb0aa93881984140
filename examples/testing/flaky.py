"""Compares test runs that datacat_pytest.py has recorded: what is flaky, what broke, what was mended, what became slow.

    python flaky.py --product "Shop tests"             the last two runs
    python flaky.py --product "Shop tests" --last 20
    python flaky.py 3f0c5f0e-... 9b1d77a2-...          these, by the ids of their sessions

Between runs of one version nothing has changed but luck: a test that passes in one and fails in another is flaky.
Between versions a test that passed in all runs of the oldest one and fails in all runs of the newest one broke.
Exit codes: 0, 1 where a test broke, 2 where the runs could not be read.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import asdict, dataclass, field
from typing import Any

BAD = {"failed", "error", "crashed", "hung", "rerun"}
GOOD = {"passed", "xfailed", "xpassed"}


class Server:
    """The REST API, as far as it is needed here.

    Args:
        url: its address.
        api_key: or None.
    """

    def __init__(self, url: str, api_key: str | None) -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}

    def get(self, path: str, **parameters: object) -> Any:
        """The JSON of an answer. Raises OSError, with a sentence, where there is none."""
        address = f"{self._url}{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(urllib.request.Request(address, headers=self._headers), timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise OSError(f"{self._url}{path}: {_details(error)}") from None
        except urllib.error.URLError as error:
            why = getattr(error.reason, "strerror", None) or error.reason
            raise OSError(f"{self._url} does not answer: {why}") from None
        except (ValueError, http.client.HTTPException) as error:  # no JSON, cut short, or no such address
            raise OSError(f"{self._url} does not answer as a DataCat server does: {error}") from None

    def last_runs(self, product: str, count: int) -> list[str]:
        """Ids of the newest runs of a product."""
        page = self.get("/api/sessions", product=product, sort="-created", limit=count)
        return [session["id"] for session in page["sessions"]]

    def tests_of(self, run: str) -> list[dict[str, Any]]:
        """The data of all tests of a run that came to an end, in the order in which they did."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.get(f"{_path_of(run)}/events", category="test", sort="time", limit=1000, cursor=cursor)
            said = [event["data"] or {} for event in page["events"]]
            found += [data for data in said if "outcome" in data and "test" in data]
            cursor = page["cursor"]
            if not cursor:
                return found


def _details(error: urllib.error.HTTPError) -> str:
    """Why it was refused: what the server says, else the status, as a proxy in between gives it."""
    try:
        return str(json.load(error)["details"])
    except (ValueError, KeyError, TypeError):
        return f"{error.code} {error.reason}"


def _path_of(run: str) -> str:
    return "/api/sessions/" + urllib.parse.quote(run, safe="")


def _two_or_more(text: str) -> int:
    if (number := int(text)) < 2:
        raise argparse.ArgumentTypeError("at least two runs are compared")
    return number


@dataclass
class Run:
    """One test run.

    Attributes:
        tests: name -> the outcomes it had, more than one where it was run again; the last one counts.
        seconds: name -> how long its call took.
    """

    id: str
    created_at: str
    version: str
    status: str
    tests: dict[str, list[str]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def read(server: Server, run_id: str) -> Run:
    """A run, with the tests that were running when it died or fell silent among those that went wrong."""
    session = server.get(_path_of(run_id), include="")
    run = Run(session["id"], session["created_at"], session["version"], session["status"])
    for test in server.tests_of(run_id):
        run.tests.setdefault(test["test"], []).append(test["outcome"])
        if "call" in test.get("seconds", {}):
            run.seconds[test["test"]] = test["seconds"]["call"]
    if run.status in ("crashed", "hung"):
        for name in session["state"].get("running", []):
            run.tests.setdefault(name, []).append("hung" if session["hung"] else "crashed")
    return run


@dataclass
class Finding:
    """What is to be said of one test."""

    verdict: str
    test: str
    outcomes: list[str | None]  # one for each run, the oldest first; None where it was not run
    seconds: list[float | None]


def compare(runs: list[Run], slower: float, by_seconds: float) -> list[Finding]:
    """What differs between runs, flaky tests first.

    Args:
        runs: the oldest first.
        slower: slow is what took so many times as long in the newest run as in any other,
        by_seconds: and so many seconds longer: a busy machine slows a short test down many times.
    """
    found = []
    for test in sorted({test for run in runs for test in run.tests}):
        outcomes = [run.tests[test][-1] if test in run.tests else None for run in runs]
        seconds = [run.seconds.get(test) for run in runs]
        if verdict := _verdict(test, runs) or _slowed(seconds, slower, by_seconds):
            found.append(Finding(verdict, test, outcomes, seconds))
    return sorted(found, key=lambda finding: (VERDICTS.index(finding.verdict), finding.test))


VERDICTS = ("flaky", "broke", "mended", "slower", "new", "gone")


def _verdict(test: str, runs: list[Run]) -> str | None:
    by_version: dict[str, list[str]] = {}
    for run in runs:
        by_version.setdefault(run.version, []).extend(run.tests.get(test, []))
    said = {version: {good(outcome) for outcome in outcomes} - {None} for version, outcomes in by_version.items()}
    if {True, False} in said.values():
        return "flaky"
    if len(runs) > 1 and test not in runs[-1].tests:
        return "gone" if runs[-1].status == "ended" else None
    first, last = said[runs[0].version], said[runs[-1].version]
    if first == {True} and last == {False}:
        return "broke"
    if first == {False} and last == {True}:
        return "mended"
    return "new" if test not in runs[0].tests and runs[0].status == "ended" else None


def good(outcome: str) -> bool | None:
    """Whether a test did what it should; None where it did not run."""
    return True if outcome in GOOD else False if outcome in BAD else None


def _slowed(seconds: list[float | None], times: float, by_seconds: float) -> str | None:
    measured = [value for value in seconds if value is not None]
    if len(measured) < 2:
        return None
    before = max(measured[:-1])
    return "slower" if measured[-1] >= max(before + by_seconds, before * times) else None


def table(runs: list[Run], findings: list[Finding]) -> str:
    """For people: the runs, then a line for each finding."""
    lines = []
    for number, run in enumerate(runs, 1):
        wrong = sum(good(outcomes[-1]) is False for outcomes in run.tests.values())
        lines.append(
            f"run {number}  {run.created_at[:19].replace('T', ' ')}  version {run.version}  {run.status}  "
            f"{len(run.tests)} tests, {wrong} went wrong  {run.id}"
        )
    lines.append("")
    width = max((len(finding.test) for finding in findings), default=0)
    for finding in findings:
        shown = [outcome or "-" for outcome in finding.outcomes]
        if finding.verdict == "slower":
            shown = ["-" if value is None else f"{value:.2f} s" for value in finding.seconds]
        lines.append(f"{finding.verdict:<7} {finding.test:<{width}}  {'  '.join(shown)}")
    if not findings:
        lines.append("No test came out differently.")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Compares test runs that datacat_pytest.py has recorded.", epilog="exit code 1: a test broke"
    )
    parser.add_argument("runs", nargs="*", metavar="ID", help="sessions to compare")
    parser.add_argument("--product", help="compare the last runs of this product")
    parser.add_argument("--last", type=_two_or_more, default=2, metavar="N", help="how many of them (default: 2)")
    parser.add_argument("--slower", type=float, default=2.0, metavar="TIMES", help="slow is so many times as long,")
    parser.add_argument("--by", type=float, default=0.5, metavar="SECONDS", help="and so much longer (default: 0.5)")
    parser.add_argument("--url", default=os.environ.get("DATACAT_URL", "http://localhost:9090"), help="the server")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if bool(options.runs) == bool(options.product):
        parser.error("name either sessions or a --product")
    server = Server(options.url, os.environ.get("DATACAT_API_KEY"))
    try:
        ids = options.runs or server.last_runs(options.product, options.last)
        runs = sorted((read(server, run) for run in ids), key=lambda run: run.created_at)
    except OSError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except (KeyError, TypeError, AttributeError):
        print(f"error: {options.url} does not answer as a DataCat server does", file=sys.stderr)
        return 2
    if len(runs) < 2:
        print(f"error: there are fewer than two runs of {options.product or 'those'}", file=sys.stderr)
        return 2
    findings = compare(runs, options.slower, options.by)
    if options.json:
        heads = [{"id": run.id, "version": run.version, "status": run.status, "tests": len(run.tests)} for run in runs]
        print(json.dumps({"runs": heads, "findings": [asdict(finding) for finding in findings]}))
    else:
        print(table(runs, findings))
    return 1 if any(finding.verdict == "broke" for finding in findings) else 0


if __name__ == "__main__":
    sys.exit(main())
