"""From the spool to the server: reading on, cutting batches, sending them until they are acknowledged."""
