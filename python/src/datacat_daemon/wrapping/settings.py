"""What `datacat run` is told of the session, and what it takes where it is told nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_INTERPRETERS = re.compile(r"(python|pypy|perl|ruby|node|php|lua|sh|bash|dash|zsh|ksh)[\d.]*")


@dataclass(frozen=True)
class Settings:
    """The options of `datacat run`; None where nothing was said.

    Attributes:
        product, version: of the session.
        server_url: where it is shipped to.
        capture_output: each line that the program prints becomes an event.
    """

    product: str | None = None
    version: str | None = None
    server_url: str | None = None
    capture_output: bool = False


def product_of(command: Sequence[str]) -> str:
    """What a session is called where nobody says it: $DATACAT_PRODUCT, else the program's name.

    Of an interpreter it is the script's name: `game` for `python3 -u game.py`, and for `python3 -m game`.
    """
    if os.environ.get("DATACAT_PRODUCT"):
        return os.environ["DATACAT_PRODUCT"]
    if _INTERPRETERS.fullmatch(Path(command[0]).name):
        for option, word in zip(command, command[1:]):
            if option == "-m":
                return word
            # Path.is_file raises for a word, such as a whole program behind -c, that is too long for a name.
            if not word.startswith("-") and os.path.isfile(word):
                return Path(word).stem
    return Path(command[0]).stem
