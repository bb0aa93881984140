"""What DataCat samples by itself (docs/design/records.md), in words: the process first, then what DataCat costs."""

PROCESS = {
    "process_cpu_percent": "CPU",
    "process_resident_memory_bytes": "memory",
    "process_threads": "threads",
    "process_open_files": "open files",
}
DAEMON = {"daemon_cpu_percent": "CPU", "daemon_resident_memory_bytes": "memory"}

_ORDER = [*PROCESS, *DAEMON]


def is_cost(name: str) -> bool:
    """Whether a vital is the daemon's own, not the process's."""
    return name.startswith("daemon_")


def words(name: str) -> str:
    """What to call a vital; one that is not known keeps its name."""
    return PROCESS.get(name) or DAEMON.get(name) or name


def order(name: str) -> tuple[bool, int, str]:
    """Sorts vitals: the process's before the daemon's, and what is asked for most first."""
    return is_cost(name), _ORDER.index(name) if name in _ORDER else len(_ORDER), name
