"""The daemon's HTTP endpoints, for clients in any language: each is a writer into the flight recorder."""
