-- boot_id: another one after every start of the machine. presumed: since when, by the machine's clock, its crash is only presumed.
ALTER TABLE sessions ADD COLUMN boot_id TEXT;
ALTER TABLE sessions ADD COLUMN presumed INTEGER;
UPDATE sessions SET boot_id = substr(json_extract(facts, '$.boot_id'), 1, 200) WHERE ended IS NULL AND json_type(facts, '$.boot_id') = 'text';
CREATE INDEX sessions_suspended ON sessions (machine_id) WHERE suspended = 1;

-- Suspended sessions whose machine has come back without them. `since`: when, by the server's clock; `successor`: the machine's new session, `began`: its beginning.
CREATE TABLE returns (
    session INTEGER PRIMARY KEY,
    since INTEGER NOT NULL,
    successor TEXT NOT NULL,
    began INTEGER NOT NULL
);

-- What somebody may want to be told, in the order in which it came in. A number is never used again: it is how far each webhook has come. `noticed` by the server's clock.
CREATE TABLE alerts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    session INTEGER NOT NULL,
    noticed INTEGER NOT NULL,
    time INTEGER NOT NULL,
    kind TEXT NOT NULL,
    why TEXT NOT NULL,
    problem TEXT
);
CREATE INDEX alerts_by_session ON alerts (session);

-- How far each webhook is: `position` is the last alert that is settled. What is under way has a delivery id, and is sent as it is until it is taken.
CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    last INTEGER,
    delivery TEXT,
    event TEXT,
    body TEXT,
    attempts INTEGER NOT NULL,
    since INTEGER
) WITHOUT ROWID;
