"""The Go toolchain, as tests use it."""

import os
import subprocess

import pytest
from go_toolchain import CLIENT, find_go, settings


def go(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the Go command in the client's module, without any network. Skips the test where there is no Go."""
    command = find_go()
    if command is None:
        pytest.skip("there is no Go: neither on the PATH nor from `make test`, which fetches one where it can")
    return subprocess.run(
        [command, *words],
        cwd=CLIENT,
        env={**os.environ, **settings(), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
