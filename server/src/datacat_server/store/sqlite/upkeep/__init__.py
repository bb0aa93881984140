"""Backup, examination and compaction of the file."""
