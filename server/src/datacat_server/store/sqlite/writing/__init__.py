"""What the one writer does: records applied, sessions removed."""
