-- Problems: sessions that crashed, hung or logged an exception, grouped by what went wrong. `id` is derived from product, kind and cause, `cause` from type and frames, so both are the same in every store; `words` is what a search looks through, `new_in` the version in which it was first seen. Only what some session counts in is there.
CREATE TABLE problems (
    id TEXT PRIMARY KEY,
    product TEXT NOT NULL,
    kind TEXT NOT NULL,
    cause TEXT NOT NULL,
    type TEXT NOT NULL,
    culprit TEXT NOT NULL,
    frames TEXT NOT NULL,
    words TEXT NOT NULL,
    count INTEGER NOT NULL,
    sessions INTEGER NOT NULL,
    machines INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    new_in TEXT NOT NULL,
    status TEXT NOT NULL,
    resolved INTEGER,
    resolved_in TEXT,
    regressed INTEGER,
    regressed_in TEXT
) WITHOUT ROWID;
CREATE INDEX problems_by_last ON problems (last, id);
CREATE INDEX problems_by_product ON problems (product, last, id);
CREATE INDEX problems_by_release ON problems (product, new_in);

-- What a session counts in a problem: how often, when, and how often on each day (an object of UTC days since 1970). `time`, `first_before` and `last_before` are of what came last of it, so that it can be taken back. `source` is the time of the event or verdict that shows it.
CREATE TABLE problem_sessions (
    session INTEGER NOT NULL,
    problem TEXT NOT NULL,
    version TEXT NOT NULL,
    count INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    days TEXT NOT NULL,
    message TEXT,
    time INTEGER NOT NULL,
    first_before INTEGER NOT NULL,
    last_before INTEGER NOT NULL,
    source INTEGER NOT NULL,
    PRIMARY KEY (session, problem)
) WITHOUT ROWID;
CREATE INDEX problem_sessions_by_last ON problem_sessions (problem, last, session);
CREATE INDEX problem_sessions_by_version_first ON problem_sessions (problem, version, first);
CREATE INDEX problem_sessions_by_version_last ON problem_sessions (problem, version, last);

CREATE TABLE problem_versions (
    problem TEXT NOT NULL,
    version TEXT NOT NULL,
    count INTEGER NOT NULL,
    sessions INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (problem, version)
) WITHOUT ROWID;

-- machine: its id, else its hostname.
CREATE TABLE problem_machines (
    problem TEXT NOT NULL,
    machine TEXT NOT NULL,
    hostname TEXT,
    count INTEGER NOT NULL,
    sessions INTEGER NOT NULL,
    PRIMARY KEY (problem, machine)
) WITHOUT ROWID;
CREATE INDEX problem_machines_by_count ON problem_machines (problem, count);

CREATE TABLE problem_days (
    problem TEXT NOT NULL,
    day INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (problem, day)
) WITHOUT ROWID;

-- Release health. A session is counted where it is in `sessions`: `day` is that of its creation, UTC, since 1970; hung: ever; ended: without a crash.
CREATE TABLE releases (
    product TEXT NOT NULL,
    version TEXT NOT NULL,
    sessions INTEGER NOT NULL,
    crashed INTEGER NOT NULL,
    hung INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (product, version)
) WITHOUT ROWID;
CREATE TABLE release_days (
    product TEXT NOT NULL,
    version TEXT NOT NULL,
    day INTEGER NOT NULL,
    sessions INTEGER NOT NULL,
    crashed INTEGER NOT NULL,
    hung INTEGER NOT NULL,
    ended INTEGER NOT NULL,
    PRIMARY KEY (product, version, day)
) WITHOUT ROWID;
CREATE INDEX sessions_by_release ON sessions (product, version, created);

-- How many events of each name and level a session has: of its first thousand pairs.
CREATE TABLE event_counts (
    session INTEGER NOT NULL,
    name TEXT NOT NULL,
    level INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (session, name, level)
);
