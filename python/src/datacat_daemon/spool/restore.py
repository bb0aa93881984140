"""Makes a session's folder again that somebody has deleted while its process lives.

The process finds the folder when it makes its next segment, and the daemon has room for its verdict. What was committed
before is read on through the files that are still open; what the process had to drop meanwhile its control page counts.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from datacat._compat import make_private_folders, replace_file

from datacat_daemon.spool.manifest import FORMAT, Manifest
from datacat_daemon.spool.removal import MANIFEST


def restore_session(folder: Path, manifest: Manifest) -> None:
    """Make the folder with its manifest in it. Raises OSError."""
    make_private_folders(str(folder))
    content = {"format": FORMAT, **dataclasses.asdict(manifest)}
    replace_file(str(folder / MANIFEST), json.dumps(content, indent=1).encode("ascii"))
