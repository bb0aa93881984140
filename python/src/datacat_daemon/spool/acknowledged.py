"""`acked.json`: what the server has acknowledged of a session (docs/design/records.md)."""

from __future__ import annotations

import json
from pathlib import Path


def positions_in(folder: Path) -> dict[str, int]:
    """The next ordinal of each writer that the server has acknowledged; empty where nothing is known."""
    try:
        content = json.loads((folder / "acked.json").read_bytes())
        return {str(writer): int(ordinal) for writer, ordinal in content.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
