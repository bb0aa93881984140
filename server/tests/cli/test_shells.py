"""Shells, as somebody uses them who has installed what `datacat completion` prints."""

import json
import os
import shutil
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from support.terminals import Terminal

ODD = 'It\'s "odd" $(touch owned) `touch owned`; *'
READY = "ready> "

STARTED = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "--no-config", "-i", "-C", f"function fish_prompt; echo -n '{READY}'; end"],
}
INSTALLED = {
    "bash": "source ./script",
    "zsh": "fpath=($PWD $fpath); autoload -U compinit; compinit -u -D",
    "fish": "source ./script",
}


@pytest.mark.parametrize("shell", STARTED)
def test_a_shell_completes_and_quotes_whatever_a_product_is_called(
    shell: str,
    address: str,
    datacat: Callable[..., tuple[int, str, str]],
    terminal: Callable[..., Terminal],
    tmp_path: Path,
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    for product in (ODD, "Other"):
        body = json.dumps({"product": product, "version": "1"}).encode()
        request = urllib.request.Request(f"{address}/api/sessions", body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=30).close()
    script = datacat("completion", shell)[1]
    (tmp_path / ("_datacat" if shell == "zsh" else "script")).write_text(script)
    command = tmp_path / "bin" / "datacat"
    command.parent.mkdir()
    command.write_text(f"#!{sys.executable}\nfrom datacat_server.cli.main import main\nmain()\n")
    command.chmod(0o700)
    path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"
    opened = terminal(
        program=STARTED[shell], columns=200, PATH=path, HOME=str(tmp_path), PS1=READY, XDG_DATA_HOME=str(tmp_path)
    )
    opened.until(READY)
    opened.type(f"{INSTALLED[shell]}; echo in''stalled\n")
    opened.until("installed\n")
    opened.type("datacat ls --json --product It\t\n")
    opened.until('"total":1')
    opened.type("datacat sh\tlast --js\t--events 0\n")
    opened.until('"sentence":')
    opened.type("exit\n")
    opened.finish()
    assert not (tmp_path / "owned").exists()
