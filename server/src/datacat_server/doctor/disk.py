"""Room on the disks that are written to."""

import shutil
from pathlib import Path

from datacat_server.doctor.findings import Finding, bad, ok, warn
from datacat_server.wording import size

ABOUT = "disk"
_LITTLE = 1_000_000_000
_TOO_LITTLE = 100_000_000


def look_at_disk(what: str, folder: Path) -> Finding:
    """How much room there is for `what`, which is kept in a folder, there or yet to be made."""
    place = folder
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        usage = shutil.disk_usage(place)
    except OSError as error:
        return bad(ABOUT, f"{what}: {folder} cannot be looked at: {error.strerror}", "look after the disk")
    text = f"{what}: {size(usage.free)} free of {size(usage.total)} at {folder}"
    if usage.free < _TOO_LITTLE:
        return bad(ABOUT, text, "free some space: what comes in is refused, or dropped, when there is none left")
    if usage.free < _LITTLE:
        return warn(ABOUT, text, "free some space soon, or keep less: `datacat prune`, retention_days")
    return ok(ABOUT, text)
