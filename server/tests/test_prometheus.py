"""`GET /metrics`: what Prometheus reads is what happened."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from datacat_server.api.app import create_api
from datacat_server.config import Config
from datacat_server.store.figures import Distribution
from datacat_server.store.sqlite import SqliteStore
from litestar.testing import TestClient
from prometheus_client.parser import text_string_to_metric_families


def figures(api: TestClient) -> dict[str, dict[tuple[str, ...], float]]:
    """All samples: by name, and then by the values of their labels."""
    answer = api.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sample.labels.values())] = sample.value
    return found


def test_records_are_counted_by_what_became_of_them(api: TestClient, make_body: Callable[..., bytes]) -> None:
    body = make_body("s1", "1-0", 0, [{"kind": "event", "name": "x"}] * 3 + [{"kind": "event", "name": 3}])
    for _ in range(2):
        assert api.post("/api/ingest", content=body).status_code == 200
    api.post("/api/sessions/s1/events", json={"name": "alone"})
    found = figures(api)
    records = found["datacat_ingest_records_total"]
    assert (records["applied",], records["repeated",], records["refused",]) == (4, 3, 2)
    batches = found["datacat_ingest_batches_total"]
    assert (batches["applied",], batches["repeated",], batches["refused",]) == (2, 1, 0)
    assert found["datacat_http_received_bytes_total"][()] == 2 * len(body) + len(b'{"name":"alone"}')


def test_requests_are_counted_by_call_and_status_and_never_by_what_somebody_made_up(api: TestClient) -> None:
    api.post("/api/sessions", json={"product": "Game", "id": "s1"})
    for number in range(20):
        api.get(f"/api/sessions/nobody-{number}")
        api.get(f"/nowhere/{number}")
        api.request(f"X{number}", "/api/sessions")
    api.head("/api/sessions")
    api.get("/api/ingest")
    found = figures(api)
    requests = found["datacat_http_requests_total"]
    one = {(call, method, status): count for (call, method, status), count in requests.items()}
    assert one["/api/sessions", "POST", "200"] == 1
    assert one["/api/sessions/{session_id}", "GET", "404"] == 20
    assert one["other", "GET", "404"] == 20
    assert one["/api/sessions", "other", "405"] == 20
    assert one["/api/ingest", "GET", "405"] == 1
    assert one["/api/sessions", "HEAD", "200"] == 1
    assert len(one) == 6
    assert found["datacat_http_request_duration_seconds_count"]["/api/sessions/{session_id}", "GET"] == 20
    assert found["datacat_http_requests_in_progress"][()] == 1  # this one


def test_sessions_and_the_store_are_told(api: TestClient) -> None:
    for number in range(3):
        api.post("/api/sessions", json={"product": "Game", "id": f"s{number}"})
    api.post("/api/sessions/s1/crash")
    found = figures(api)
    sessions = found["datacat_sessions"]
    assert (sessions["active",], sessions["crashed",], sessions["hung",]) == (2, 1, 0)
    assert found["datacat_store_commit_duration_seconds_count"][()] == found["datacat_store_commit_jobs_count"][()] >= 4
    assert found["datacat_store_commit_jobs_bucket"]["+Inf",] == found["datacat_store_commit_jobs_count"][()]
    assert found["datacat_store_commits_failed_total"][()] == 0
    assert found["datacat_store_waiting_jobs"][()] == 0
    assert found["datacat_store_database_bytes"][()] + found["datacat_store_log_bytes"][()] > 0
    assert found["process_resident_memory_bytes"][()] > 0
    assert list(found["datacat_build_info"].values()) == [1]


def test_the_sessions_are_not_counted_at_each_reading(api: TestClient, store: SqliteStore) -> None:
    api.post("/api/sessions", json={"product": "Game", "id": "s1"})
    before = figures(api)["datacat_sessions"]
    api.post("/api/sessions", json={"product": "Game", "id": "s2"})
    assert figures(api)["datacat_sessions"] == before


def test_promtool_has_nothing_to_say(api: TestClient) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed")
    api.post("/api/sessions", json={"product": "Game", "id": "s1"})
    done = subprocess.run([promtool, "check", "metrics"], input=api.get("/metrics").content, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_key_that_reads_is_needed_where_keys_are_required(
    tmp_path: Path, store: SqliteStore, make_key: Callable[..., str]
) -> None:
    with TestClient(create_api(store, Config(require_api_key=True))) as client:
        for scope, status in (("read", 200), ("ingest", 403)):
            key = make_key(scope, scope)
            assert client.get("/metrics", headers={"Authorization": f"Bearer {key}"}).status_code == status
        assert client.get("/metrics").status_code == 401


def test_two_applications_do_not_count_into_each_other(api: TestClient, tmp_path: Path) -> None:
    other = SqliteStore(tmp_path / "other")
    with TestClient(create_api(other, Config())) as client:
        client.post("/api/sessions", json={"product": "Game", "id": "s1"})
        assert figures(client)["datacat_sessions"]["active",] == 1
    other.close()
    assert figures(api)["datacat_sessions"]["active",] == 0


def test_a_value_on_a_bound_is_at_most_that_bound() -> None:
    seconds = Distribution((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 2.5):
        seconds.observe(value)
    read = seconds.read()
    assert (read.at_most, read.count, read.sum) == ([(1.0, 2), (2.0, 3)], 4, 5.5)


def test_the_guide_names_metrics_and_columns_that_there_are(api: TestClient) -> None:
    api.post("/api/sessions", json={"product": "Game", "id": "s1"})
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "grafana.md").read_text(encoding="utf-8")
    families = [family.name for family in text_string_to_metric_families(api.get("/metrics").text)]
    told = {name for name in families if name.startswith("datacat_")}
    named = {name.removesuffix("_total") for name in re.findall(r"`(datacat_\w+)[{`]", guide)}
    assert named == told
    dashboard = json.loads(guide.partition("```json\n")[2].partition("```")[0])
    row = api.get("/api/grafana/sessions").json()[0]
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            assert {column["selector"] for column in target["columns"]} <= row.keys()
            query = {given["key"]: given["value"] for given in target["url_options"]["params"]}
            query |= {"from": "1795298400000", "to": "1795298500000"}
            assert api.get(target["url"].removeprefix("http://localhost:9090"), params=query).json() == []
