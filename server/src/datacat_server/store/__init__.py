"""Where sessions are kept: one protocol, and one package per storage engine."""
