"""What `datacat doctor` looks at: each module one thing, without changing it. `examination` puts them in order."""
