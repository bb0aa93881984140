"""The page of releases: who uses which version, and how they fare."""
