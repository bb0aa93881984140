"""The pages of problems: all of them, and one with what its sessions have in common."""
