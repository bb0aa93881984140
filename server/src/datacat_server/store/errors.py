"""What can go wrong with a store, in the words that its user is told."""


class StoreError(Exception):
    """The store cannot be used; the message says what to do."""


class StoreUnavailable(StoreError):
    """The store could not take it now (disk full, file locked); nothing of it was kept. Try again."""


class StoreBusy(StoreError):
    """More is waiting to be written than may wait. Try again in a moment."""


class StoreDamaged(StoreError):
    """What is stored does not hold together any more; it is not written to. For an administrator to look after."""
