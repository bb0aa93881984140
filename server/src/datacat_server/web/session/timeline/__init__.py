"""The time axis of a session's page: what it shows, how the server draws it, and what a script draws it from."""
