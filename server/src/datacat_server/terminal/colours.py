"""Whether what is printed has colours: on a terminal, unless somebody says otherwise."""

import os
from typing import TextIO

_WITHOUT = ("dumb", "unknown")


def wants_colours(stream: TextIO) -> bool:
    """Whether a stream is to have colours.

    In this order: $NO_COLOR says no, $FORCE_COLOR and $CLICOLOR_FORCE yes, `TERM=dumb` and `CLICOLOR=0` no; else
    a terminal has them, and a pipe or a file has none. An empty variable says nothing, and `0` unsays what forces.
    See no-color.org, force-color.org and bixense.com/clicolors.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if any(os.environ.get(name, "0") not in ("", "0") for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
        return True
    if os.environ.get("TERM") in _WITHOUT or os.environ.get("CLICOLOR") == "0":
        return False
    return stream.isatty()
