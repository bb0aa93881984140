"""The page of settings: what this server does, keeps, tells whom, and lets whom in."""
