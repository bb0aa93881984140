"""The commands: `datacat`, `datacat-server` and `datacat-web`."""
