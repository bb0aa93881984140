"""`python -m datacat_daemon`: the same as the command `datacat-daemon`."""

from __future__ import annotations

import sys

from datacat_daemon.cli import main

if __name__ == "__main__":
    sys.exit(main())
