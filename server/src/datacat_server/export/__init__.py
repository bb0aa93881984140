"""Sessions as files, and back: the records of an export, its three formats, and what reads them again.

Knows no storage engine and no web framework.
"""
