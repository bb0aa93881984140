"""Everything that the doctor looks at, in order."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from datacat_server.config import Config
from datacat_server.doctor.database import look_at_database
from datacat_server.doctor.disk import look_at_disk
from datacat_server.doctor.findings import Finding, bad, ok
from datacat_server.doctor.folds import look_at_folds
from datacat_server.doctor.ports import look_at_ports
from datacat_server.doctor.progress import Progress, untold
from datacat_server.doctor.settings import look_at_settings
from datacat_server.doctor.spool import ABOUT as SPOOL
from datacat_server.doctor.spool import can_hold_records, look_at_spool, spool_folders
from datacat_server.doctor.versions import look_at_versions


def examine(
    file: Path | None,
    flags: Mapping[str, Any],
    environment: Mapping[str, str],
    *,
    full: bool,
    recount: bool = False,
    mend: bool = False,
    progress: Progress = untold,
) -> Iterator[Finding]:
    """Look at everything, one thing after the other. `file`, `flags`: as of `load_config`.

    `full`, `recount`: look at the indexes and the folds of the database too. `mend`: fold anew what is amiss there.
    `progress` is told of what takes long.
    """
    findings, config = look_at_settings(file, flags, environment)
    yield from findings
    yield from look_at_versions()
    folder = Path(config.data_path).absolute()
    yield from look_at_ports(config, folder, environment.get("DATACAT_URL"))
    progress("Looking at every page of the database" + (" and its indexes" if full else ""))
    yield from look_at_database(folder, full=full, named=flags.get("data_path") is not None)
    if recount or mend:
        yield from look_at_folds(folder, mend=mend, progress=progress)
    progress("Looking at the spool")
    yield from _look_at_spools()
    yield from _look_at_disks(config, folder)


def _look_at_spools() -> Iterator[Finding]:
    roots = spool_folders()
    usable = False
    for root in roots:
        with suppress(OSError):
            usable |= can_hold_records(root)
        if not root.is_dir():
            yield ok(SPOOL, f"{root}: nothing was ever logged here")
            continue
        try:
            yield from look_at_spool(root)
        except OSError as error:
            yield bad(SPOOL, f"{root} cannot be read: {error.strerror}", "make it readable for this user")
    if roots and not usable:
        yield bad(
            SPOOL,
            "programs of this user drop all that they log: there is no folder that it can be kept in",
            "name a folder of your own in $DATACAT_SPOOL",
        )


def _look_at_disks(config: Config, folder: Path) -> Iterator[Finding]:
    yield look_at_disk("data", folder)
    for root in filter(Path.is_dir, spool_folders()):
        yield look_at_disk("spool", root)
    if config.log_file:
        yield look_at_disk("log", Path(config.log_file).absolute().parent)
