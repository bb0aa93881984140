"""The secret of sign-ins: made once, for its owner only."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from datacat_server.access.secret import load_secret
from datacat_server.store.errors import StoreError


def test_it_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    secret = load_secret(tmp_path)
    assert len(secret) == 32
    assert load_secret(tmp_path) == secret
    assert (tmp_path / "web_secret").stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["web_secret"]


def test_servers_that_start_together_have_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(load_secret, [tmp_path] * 64))) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_one_that_others_could_read_is_replaced(tmp_path: Path, mode: int) -> None:
    secret = load_secret(tmp_path)
    (tmp_path / "web_secret").chmod(mode)
    assert load_secret(tmp_path) != secret
    assert (tmp_path / "web_secret").stat().st_mode & 0o777 == 0o600


def test_one_that_was_cut_short_is_replaced(tmp_path: Path) -> None:
    load_secret(tmp_path)
    os.truncate(tmp_path / "web_secret", 5)
    assert len(load_secret(tmp_path)) == 32


def test_a_folder_that_cannot_hold_it_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="web_secret cannot be used"):
        load_secret(tmp_path / "none")
