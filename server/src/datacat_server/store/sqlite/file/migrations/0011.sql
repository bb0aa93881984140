-- The sessions that are active now, counted by release.
CREATE INDEX sessions_active ON sessions (product, version, created, status) WHERE status = 'active';
