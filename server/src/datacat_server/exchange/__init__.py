"""The lines of an export: their shapes, their order, and the records that they are replayed as."""
