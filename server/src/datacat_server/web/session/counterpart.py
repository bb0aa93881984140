"""The session that another is best compared with: the nearest of its product that ended well."""

from itertools import product

from datacat_server.filters import Filter
from datacat_server.model import Session, Status
from datacat_server.store.protocol import Store


def counterpart(store: Store, session: Session) -> str | None:
    """The id of the last session before this one that ended well, else of the first after it; None where none has.

    One of the same version is taken before one of another.
    """
    at = session.created_at
    for version, (sort, start, end) in product(
        (session.version, None), (("-created", None, at), ("created", at, None))
    ):
        wanted = Filter(product=session.product, version=version, status=Status.ENDED, start=start, end=end)
        # One that hung on its way did not end well, nor is it worth a long search for one that did not.
        found = [one for one in store.sessions(wanted, sort=sort, limit=5).sessions if one.id != session.id]
        if found:
            return next((one for one in found if not one.ever_hung), found[0]).id
    return None
