"""The process folders of a spool.

A spool may have been laid into a folder that holds something else, too (`DATACAT_SPOOL=$HOME`): what no client has made
is not looked after, not counted and above all not cleared away.
"""

from __future__ import annotations

import re
from pathlib import Path

# As `datacat.spool.make_process_folder` gives it, and `datacat run` on Windows.
_NAME = re.compile(r"([0-9]+-[0-9]+|run)-[0-9a-f]{8}")


def process_folders(spool: Path) -> list[Path]:
    """The process folders, sorted. Raises OSError where the spool cannot be read."""
    return sorted(path for path in spool.iterdir() if _NAME.fullmatch(path.name) and path.is_dir())
