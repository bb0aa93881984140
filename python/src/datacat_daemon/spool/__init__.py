"""What lies in the spool, as the daemon reads and keeps it: manifests, segments, control pages, locks, logs."""
