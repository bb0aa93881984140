"""A server's address as people write it: what is meant is taken, and what cannot be one is told."""

import sys

import pytest
from datacat.address import server_address
from support.spools import run_program, sessions_in

NONE = [
    "notaurl",
    "http://localhost:99999",
    "http://localhost:0",
    "https://",
    "http://[::1",
    "ftp://host",
    "http://a b",
    "",
]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("localhost:9090", "http://localhost:9090"),
        ("localhost", "http://localhost"),
        (" 10.0.0.7:9090/ ", "http://10.0.0.7:9090"),
        ("HTTPS://Cats.example/base/", "https://Cats.example/base"),
        ("http://[::1]:9090", "http://[::1]:9090"),
        ("http://datacat", "http://datacat"),
        *((text, None) for text in NONE),
    ],
)
def test_what_is_written_is_what_was_meant(written, meant):
    assert server_address(written) == meant


def left_by(interpreter, spool, url):
    code = "import datacat; datacat.create_session(product='p')"
    done = run_program(spool, [interpreter, "-c", code], DATACAT_URL=url)
    assert done.returncode == 0, done.stderr
    (left,) = sessions_in(spool)
    return left.manifest["server_url"], done.stderr


def test_an_address_without_a_scheme_is_taken_by_every_python(interpreter, tmp_path):
    assert left_by(interpreter, tmp_path / "spool", "localhost:9191") == ("http://localhost:9191", "")


@pytest.mark.parametrize("url", ["notaurl", "http://localhost:99999", "http://[::1"])
def test_for_what_cannot_be_an_address_there_is_one_warning_and_the_default(tmp_path, url):
    taken, said = left_by(sys.executable, tmp_path / "spool", url)
    assert taken == "http://localhost:9090"
    assert said.count("RuntimeWarning") == 1
    assert url in said
