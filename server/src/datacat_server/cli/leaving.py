"""How a command that reads ends: 0, 1 with what is wrong in words, 130 by Ctrl-C; 2 is what Typer makes of misuse."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from datacat_server.cli.addressing import ServerError
from datacat_server.cli.settings import fail

INTERRUPTED = 130
"""What a shell makes of Ctrl-C."""


@contextmanager
def leaving_well() -> Iterator[None]:
    """Around what asks a server and prints. Ends the command where either goes no further."""
    try:
        yield
        sys.stdout.flush()
    except ServerError as error:
        fail(error)
    except BrokenPipeError:
        leave_a_broken_pipe()
    except KeyboardInterrupt:
        if sys.stderr.isatty():
            print(file=sys.stderr)  # the prompt is not to stand behind ^C
        raise typer.Exit(INTERRUPTED) from None


def leave_a_broken_pipe() -> None:
    """End the command: whoever reads the other end has seen enough."""
    # Python would complain when it closes standard output.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(1) from None
