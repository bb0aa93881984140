"""The `DATACAT_*` variables that there are: what a mistyped one would set is not to be left out without a word."""

import difflib
from collections.abc import Collection, Mapping

PREFIX = "DATACAT_"

OF_OTHERS = frozenset(
    {
        # the client
        "URL", "PRODUCT", "VERSION", "DAEMON", "SPOOL", "JSON", "SESSION", "API_KEY", "PROCESS_SPOOL_MAX_MB",
        # the daemon
        "CONFIG", "DAEMON_PORT", "SERVER_URL", "BATCH_INTERVAL_SECONDS", "MAX_BATCH_SIZE", "HEARTBEAT_TIMEOUT_SECONDS",
        "ENABLE_COMPRESSION", "TLS_VERIFY", "TLS_INSECURE_SKIP_VERIFY", "VITALS_INTERVAL_SECONDS", "SPOOL_MAX_MB",
        # the tools of the sources, and Grafana's settings
        "BROWSER", "INTERPRETERS", "GRAFANA_KEY",
    }
)  # fmt: skip
"""Names, after the prefix, that are not settings of the server."""

_LIKENESS = 0.85


def unknown_variables(environment: Mapping[str, str], settings: Collection[str]) -> dict[str, str | None]:
    """The variables that nothing reads, each with the one that was meant, where it is like a setting of the server."""
    ours = {f"{PREFIX}{name.upper()}" for name in settings}
    known = ours | {f"{PREFIX}{name}" for name in OF_OTHERS}
    found = {}
    for variable in sorted(environment):
        # An empty variable is how a shell says that there is none.
        if variable.startswith(PREFIX) and variable not in known and environment[variable]:
            bare = {name.removeprefix(PREFIX): name for name in ours}
            close = difflib.get_close_matches(variable.removeprefix(PREFIX), bare, 1, _LIKENESS)
            found[variable] = bare[close[0]] if close else None
    return found
