-- Times are whole microseconds since 1970 UTC, by the clock of whoever sent them; flags are 0 or 1; columns named after a JSON thing hold JSON text.

CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    ended INTEGER,
    last_heartbeat INTEGER,
    status TEXT NOT NULL,
    suspended INTEGER NOT NULL,
    crashed INTEGER NOT NULL,
    hung INTEGER NOT NULL,
    ever_hung INTEGER NOT NULL,
    reason TEXT,
    product TEXT NOT NULL,
    version TEXT NOT NULL,
    machine_id TEXT,
    hostname TEXT,
    pid INTEGER,
    facts TEXT NOT NULL,
    event_count INTEGER NOT NULL,
    metric_count INTEGER NOT NULL,
    exception_count INTEGER NOT NULL,
    refused_count INTEGER NOT NULL,
    dropped_count INTEGER NOT NULL,
    lost_count INTEGER NOT NULL,
    received INTEGER NOT NULL -- when something last came in, by the server's clock
);
CREATE INDEX sessions_by_creation ON sessions (created, id);
CREATE INDEX sessions_by_product ON sessions (product, created, id);
CREATE INDEX sessions_by_receipt ON sessions (received);
CREATE INDEX sessions_by_status ON sessions (status, created, id);

-- The next ordinal of each writer: what makes a record arrive once, however often it is sent.
CREATE TABLE writers (
    session INTEGER NOT NULL,
    writer TEXT NOT NULL,
    next INTEGER NOT NULL,
    PRIMARY KEY (session, writer)
) WITHOUT ROWID;

-- level: 0 debug .. 4 critical. exception: the fields that only exceptions have, as one object.
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL,
    time INTEGER NOT NULL,
    level INTEGER NOT NULL,
    is_exception INTEGER NOT NULL,
    name TEXT NOT NULL,
    category TEXT,
    grp TEXT,
    labels TEXT,
    message TEXT,
    data TEXT,
    exception TEXT
);
-- Covers the folds of a timeline, so that they never touch the events themselves.
CREATE INDEX events_by_time ON events (session, time, level, is_exception);

-- The state after change N of a session is the last snapshot up to N and the patches after it.
CREATE TABLE state_changes (
    session INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    time INTEGER NOT NULL,
    patch TEXT NOT NULL,
    PRIMARY KEY (session, seq)
);
CREATE INDEX state_changes_by_time ON state_changes (session, time, seq);
CREATE TABLE snapshots (
    session INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (session, seq)
);

-- bounds and buckets are set for histograms only; buckets has one count more than bounds.
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL,
    vital INTEGER NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    tags TEXT NOT NULL,
    bounds TEXT NOT NULL,
    unit TEXT,
    points INTEGER NOT NULL,
    count INTEGER NOT NULL,
    sum REAL NOT NULL,
    min REAL NOT NULL,
    max REAL NOT NULL,
    last REAL NOT NULL,
    last_time INTEGER NOT NULL,
    metadata TEXT,
    buckets TEXT
);
CREATE UNIQUE INDEX series_identity ON series (session, vital, name, type, tags, bounds);

-- A counter's value is its running total. A histogram has one point for all the samples of a batch: their mean.
CREATE TABLE points (
    series INTEGER NOT NULL,
    time INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    value REAL NOT NULL,
    count INTEGER,
    metadata TEXT,
    PRIMARY KEY (series, time, seq)
) WITHOUT ROWID;

CREATE TABLE verdicts (
    session INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    time INTEGER NOT NULL,
    status TEXT NOT NULL,
    reason TEXT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (session, seq)
);

CREATE TABLE refusals (
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL,
    time INTEGER NOT NULL,
    writer TEXT,
    ordinal INTEGER,
    error TEXT NOT NULL,
    details TEXT NOT NULL
);
CREATE INDEX refusals_by_session ON refusals (session, id);
