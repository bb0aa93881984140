"""What a key may be used for."""

from collections.abc import Collection
from enum import StrEnum

PUBLIC = "public"
"""The option of a route handler that needs no key."""


class Scope(StrEnum):
    """`ingest` sends records, `read` reads everything, `admin` does both and removes and changes things."""

    INGEST = "ingest"
    READ = "read"
    ADMIN = "admin"


def permits(held: Collection[str], needed: Scope) -> bool:
    """Whether a key that holds these scopes may be used for what needs one."""
    return needed in held or Scope.ADMIN in held
