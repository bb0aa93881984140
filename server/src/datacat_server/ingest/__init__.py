"""From the bytes of a request to batches that a store can apply. Knows no storage engine and no web framework."""
