"""Keys in force, revoked ones and wrong ones, as the API sees them."""

import asyncio
import logging
import re
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from datacat_server.access.admission import Admission, NoKey, TooManyAttempts
from datacat_server.access.attempts import MOST_AT_ONCE, SECONDS_PER_ATTEMPT, Attempts
from datacat_server.access.keyring import CONFIGURED, FRESH_SECONDS
from datacat_server.access.tokens import id_of, new_token
from datacat_server.config import Config
from datacat_server.store.errors import StoreError
from datacat_server.store.sqlite import SqliteStore
from litestar.testing import TestClient

MakeKey = Callable[..., str]


class Clock:
    """The clock of the tallies, stopped."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._now = time.monotonic()
        monkeypatch.setattr("datacat_server.access.attempts.time", self)

    def monotonic(self) -> float:
        return self._now

    def turn(self, seconds: float) -> None:
        self._now += seconds


def status(client: TestClient, token: str) -> int:
    return client.get("/api/sessions", headers={"Authorization": f"Bearer {token}"}).status_code


def test_a_key_can_be_recognised_by_its_form() -> None:
    key_id, token = new_token()
    assert re.fullmatch(r"dc_[0-9a-f]{12}_[0-9a-f]{64}", token)
    assert id_of(token) == key_id
    for other in ("", "sesame", token + "0", token.upper(), f" {token}", token[3:]):
        assert id_of(other) is None


def test_no_key_is_in_the_data_folder(store: SqliteStore, make_key: MakeKey, tmp_path: Path) -> None:
    secret = make_key("one", "read").rpartition("_")[2]
    files = [file for file in (tmp_path / "data").iterdir() if file.is_file()]
    assert any(b"sessions" in file.read_bytes() for file in files)
    for file in files:
        assert secret.encode() not in file.read_bytes()
        assert bytes.fromhex(secret) not in file.read_bytes()


def test_a_key_works_as_soon_as_it_is_made(locked: TestClient, make_key: MakeKey) -> None:
    for number in range(5):
        assert status(locked, make_key(f"key {number}", "read")) == 200


@pytest.mark.parametrize("change", ["the last digit", "another secret", "another id"])
def test_what_is_nearly_a_key_is_wrong(locked: TestClient, make_key: MakeKey, change: str) -> None:
    token, other = make_key("one", "read"), make_key("two", "read")
    match change:
        case "the last digit":
            token = token[:-1] + ("0" if token[-1] != "0" else "1")
        case "another secret":
            token = token[:16] + other[16:]
        case _:
            token = other[:16] + token[16:]
    assert status(locked, token) == 401


def test_a_revoked_key_is_refused_within_two_seconds(locked: TestClient, store: SqliteStore, make_key: MakeKey) -> None:
    token = make_key("one", "read")
    assert status(locked, token) == 200
    store.revoke_key("one", datetime.now(UTC))
    time.sleep(FRESH_SECONDS + 0.1)
    assert FRESH_SECONDS < 2
    assert status(locked, token) == 401
    assert status(locked, make_key("one", "read")) == 200, "its name is free again"


def test_when_a_key_was_last_used_is_noted(locked: TestClient, store: SqliteStore, make_key: MakeKey) -> None:
    make_key("unused", "read")
    before = datetime.now(UTC)
    token = make_key("used", "read")
    assert status(locked, token) == 200
    while (used := {key.name: key.last_used for key in store.api_keys()})["used"] is None:
        time.sleep(0.01)
    assert before <= used["used"] <= datetime.now(UTC)
    assert used["unused"] is None
    assert status(locked, token) == 200
    time.sleep(0.1)
    assert {key.name: key.last_used for key in store.api_keys()} == used, "not noted again within ten minutes"


def test_wrong_keys_are_429_after_a_while_and_say_when_to_come_back(locked: TestClient) -> None:
    answers = [
        locked.get("/api/sessions", headers={"Authorization": f"Bearer wrong-{n}"}) for n in range(MOST_AT_ONCE + 5)
    ]
    assert [answer.status_code for answer in answers[:5]] == [401] * 5
    limited = answers[-1]
    assert limited.status_code == 429
    assert limited.json()["error"] == "too_many_requests"
    assert int(limited.headers["retry-after"]) >= 1
    assert locked.get("/health").status_code == 200


def test_a_stored_key_is_let_in_from_an_address_that_is_limited(locked: TestClient, make_key: MakeKey) -> None:
    token = make_key("one", "read")
    for number in range(MOST_AT_ONCE + 5):
        status(locked, f"wrong-{number}")
    assert status(locked, "sesame") == 429, "a key that somebody thought up could be found by trying"
    assert status(locked, token) == 200


def test_a_long_key_of_the_configuration_is_let_in_from_an_address_that_is_limited(store: SqliteStore) -> None:
    """One wrong daemon must not shut out all others behind the same address."""
    right = "2b0c" * 8
    admission = Admission(store, Config(api_key=right, require_api_key=True))

    async def ask() -> None:
        for number in range(MOST_AT_ONCE + 5):
            with pytest.raises((NoKey, TooManyAttempts)):
                await admission.key(f"wrong-{number}", "192.0.2.1")
        assert (await admission.key(right, "192.0.2.1")).id == CONFIGURED

    asyncio.run(ask())


def test_who_is_limited_gets_attempts_back_while_trying(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the tallies is turned on: each try is three seconds after the one before."""
    clock = Clock(monkeypatch)
    admission = Admission(store, Config(api_key="sesame", require_api_key=True))

    async def ask() -> None:
        for _ in range(MOST_AT_ONCE):
            with pytest.raises(NoKey):
                await admission.key("wrong", "192.0.2.1")
        for _ in range(50):
            with pytest.raises(TooManyAttempts):
                await admission.key("sesame", "192.0.2.1")
        clock.turn(SECONDS_PER_ATTEMPT + 0.1)
        assert (await admission.key("sesame", "192.0.2.1")).id == CONFIGURED

    asyncio.run(ask())


def test_an_address_that_was_let_in_lately_is_not_shut_out_by_a_wrong_key(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two daemons behind one address, a try a second each; one of them has a wrong key."""
    clock = Clock(monkeypatch)
    admission = Admission(store, Config(api_key="sesame", require_api_key=True))

    async def ask() -> None:
        for _ in range(100):
            assert (await admission.key("sesame", "192.0.2.1")).id == CONFIGURED
            with pytest.raises(NoKey):
                await admission.key("wrong", "192.0.2.1")
            clock.turn(1)
        for number in range(1000):
            with pytest.raises((NoKey, TooManyAttempts)):
                await admission.key(f"wrong-{number}", "192.0.2.1")
        with pytest.raises(TooManyAttempts):
            await admission.key("sesame", "192.0.2.1")

    asyncio.run(ask())


def test_the_whole_of_a_burst_is_told_and_that_the_limit_is_reached(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for module in ("attempts", "admission"):
        monkeypatch.setattr(f"datacat_server.access.{module}.LOG_EVERY_SECONDS", 0.2)
    admission = Admission(store, Config(api_key="sesame", require_api_key=True))

    async def ask() -> None:
        for number in range(MOST_AT_ONCE + 5):
            with pytest.raises((NoKey, TooManyAttempts)):
                await admission.key(f"wrong-{number}", "192.0.2.1")
        while "turned away;" not in caplog.text:
            await asyncio.sleep(0.05)

    with caplog.at_level(logging.INFO):
        asyncio.run(asyncio.wait_for(ask(), 30))
    said = [record.getMessage() for record in caplog.records if record.name == "datacat.access"]
    assert sum(line.startswith("too many wrong API keys from 192.0.2.1") for line in said) == 1
    counted = [re.search(r"1: (\d+) since this was last said(?:, and (\d+) tries)?", line) for line in said]
    assert sum(int(found[1]) + int(found[2] or 0) for found in counted if found) == MOST_AT_ONCE + 5


def test_a_right_key_from_another_address_is_never_locked_out(store: SqliteStore) -> None:
    admission = Admission(store, Config(api_key="sesame", require_api_key=True))

    async def ask() -> None:
        for number in range(MOST_AT_ONCE + 5):
            with pytest.raises((NoKey, TooManyAttempts)):
                await admission.key(f"wrong-{number}", "192.0.2.1")
        with pytest.raises(TooManyAttempts):
            await admission.key("sesame", "192.0.2.1")
        assert (await admission.key("sesame", "192.0.2.2")).id == CONFIGURED

    asyncio.run(ask())


def test_no_key_at_all_is_no_attempt(locked: TestClient) -> None:
    for _ in range(MOST_AT_ONCE * 2):
        assert locked.get("/api/sessions").status_code == 401
    assert status(locked, "sesame") == 200


def test_wrong_keys_are_logged_once_a_minute_and_without_the_key(
    locked: TestClient, store: SqliteStore, make_key: MakeKey, caplog: pytest.LogCaptureFixture
) -> None:
    revoked = make_key("build", "ingest")
    store.revoke_key("build", datetime.now(UTC))
    with caplog.at_level(logging.INFO):
        for token in (revoked, "guess-1", "guess-2", revoked):
            assert status(locked, token) == 401
    said = [record.getMessage() for record in caplog.records if record.name == "datacat.access"]
    assert said == [
        "wrong API keys from testclient: 1 since this was last said; the last one was 'build', which is revoked"
    ]
    assert not any(secret in caplog.text for secret in ("guess", revoked))


def test_the_addresses_that_are_remembered_are_bounded() -> None:
    attempts = Attempts()
    for number in range(12_000):
        attempts.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(attempts) == 10_000


def test_the_addresses_of_one_ipv6_network_count_as_one() -> None:
    attempts = Attempts()
    for number in range(MOST_AT_ONCE + 5):
        attempts.failed(f"2001:db8::{number:x}")
    assert attempts.wait("2001:db8::ffff") > 0
    assert attempts.wait("2001:db8:0:1::1") == 0
    for _ in range(MOST_AT_ONCE + 5):
        attempts.failed("::ffff:192.0.2.1")
    assert attempts.wait("192.0.2.1") > 0


def test_the_key_of_the_configuration_opens_while_the_store_cannot_be_read(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "gone")) as store:
        admission = Admission(store, Config(api_key="sesame", require_api_key=True))
        for file in (tmp_path / "gone").iterdir():
            file.write_bytes(b"no longer a database" * 1000)
        assert asyncio.run(admission.key("sesame", "")).id == CONFIGURED
        with pytest.raises(StoreError):
            asyncio.run(admission.key("other", ""))
