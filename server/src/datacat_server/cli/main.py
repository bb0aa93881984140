"""`datacat`: the one command for people."""

import sys

COMMANDS = ("up", "demo", "run", "sync", "export", "import", "backup", "restore", "prune", "doctor", "keys")


def main() -> None:
    """Entry point of the command.

    Who names a command waits for that one alone: `datacat run` is not to take longer for all that a server needs.
    """
    match sys.argv[1:]:
        case ["up", *arguments]:
            from datacat_server.cli.up import up

            if up.run_if_plain(arguments):
                return
            needed: tuple[str, ...] = ("up",)
        case [name, *_] if name in COMMANDS:
            needed = (name,)
        case ["--version"]:
            needed = ()
        case _:
            needed = COMMANDS
    from datacat_server.cli.commands import application

    application(needed)()
