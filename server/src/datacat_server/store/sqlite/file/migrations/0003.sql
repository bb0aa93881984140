-- API keys: `digest` is the SHA-256 of the whole key; `scopes` are parted by blanks; `revoked` is null while the key holds. Times in microseconds.
CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    digest BLOB NOT NULL,
    created INTEGER NOT NULL,
    last_used INTEGER,
    revoked INTEGER
) WITHOUT ROWID;

CREATE UNIQUE INDEX keys_in_force ON keys (name) WHERE revoked IS NULL;
