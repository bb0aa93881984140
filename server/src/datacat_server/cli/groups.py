"""The commands of `datacat` in the order and the groups in which the overview shows them."""

GROUPS = {
    "Look": ("ls", "show", "tail"),
    "Record": ("run", "sync"),
    "Serve": ("up", "demo", "keys", "doctor"),
    "Keep": ("export", "import", "backup", "restore", "prune"),
    "Shell": ("completion",),
}

COMMANDS = tuple(name for names in GROUPS.values() for name in names)


def group_of(command: str) -> str:
    """The group that a command stands in."""
    return next(group for group, names in GROUPS.items() if command in names)
