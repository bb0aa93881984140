"""What DataCat says of one game of the demo so far, and whether that is right."""

from dataclasses import dataclass
from typing import Any

from datacat_server.demo.cast import Instance, says
from datacat_server.demo.records import Records, compare
from datacat_server.demo.services import Services
from datacat_server.demo.swarm import Player
from datacat_server.model import Session


@dataclass(frozen=True)
class Outcome:
    """One row of the demo's table.

    Attributes:
        page: address of the session's page in the web UI.
        records: there from when the game has met its fate.
    """

    instance: Instance
    session_id: str | None
    page: str | None
    session: Session | None
    records: Records | None

    @property
    def status(self) -> str | None:
        return says(self.session) if self.session else None

    @property
    def reason(self) -> str:
        return (self.session and self.session.reason) or ""

    @property
    def right(self) -> bool:
        """The verdict is what it must be, with its evidence, and no record is missing."""
        if self.session is None or self.records is None:
            return False
        return self.instance.understood(self.session) and self.records.complete

    def as_dict(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "instance": self.instance.number,
            "does": self.instance.does,
            "session_id": self.session_id,
            "page": self.page,
            "expected": self.instance.expected,
            "status": self.status,
            "reason": self.reason,
            "records_logged": self.records.logged if self.records else None,
            "records_arrived": self.records.arrived if self.records else None,
            "right": self.right,
        }


def look(player: Player, services: Services) -> Outcome:
    """Ask the server for a game's session as it is now."""
    session_id, tally = player.session_id, player.tally
    session = services.session(session_id, whole=tally is not None) if session_id else None
    records = compare(tally, session) if tally is not None and session is not None else None
    page = f"{services.web_url}/sessions/{session_id}" if session_id else None
    return Outcome(player.instance, session_id, page, session, records)
