"""The file itself: connections to it, its lock, its migrations."""
