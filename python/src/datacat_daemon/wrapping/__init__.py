"""`datacat run`: any program in any language as a session, by a parent that waits for it."""
