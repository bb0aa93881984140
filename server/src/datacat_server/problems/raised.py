"""What was raised, as far as what a program printed tells of it."""

from dataclasses import dataclass, field

from datacat_server.problems.frames import Frame


@dataclass
class Raised:
    """An exception as it was printed: its type and message, its stack innermost frame first, and its parts.

    Parts are those of an exception group, or what it was caused by where the one who threw it says little of that.
    """

    type: str = ""
    message: str = ""
    stack: list[Frame] = field(default_factory=list)
    parts: list["Raised"] = field(default_factory=list)
