"""The DataCat server: takes in what daemons and clients send, keeps it, and shows it."""

__version__ = "0.1.0"
