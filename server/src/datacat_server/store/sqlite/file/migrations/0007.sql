-- What a long session's events and state changes come to, counted by stretches of 2^shift microseconds: a time belongs to bucket `time >> shift`. Short sessions have neither row.
CREATE TABLE timelines (
    session INTEGER PRIMARY KEY,
    shift INTEGER NOT NULL
);
CREATE TABLE timeline_buckets (
    session INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    debug INTEGER NOT NULL,
    info INTEGER NOT NULL,
    warning INTEGER NOT NULL,
    error INTEGER NOT NULL,
    critical INTEGER NOT NULL,
    exceptions INTEGER NOT NULL,
    changes INTEGER NOT NULL,
    PRIMARY KEY (session, bucket)
) WITHOUT ROWID;

-- The course of a long series likewise: the least and the greatest reading of each stretch. `iterations`: what a timer's readings say they were made of.
CREATE TABLE courses (
    series INTEGER PRIMARY KEY,
    shift INTEGER NOT NULL
);
CREATE TABLE course_stretches (
    series INTEGER NOT NULL,
    stretch INTEGER NOT NULL,
    count INTEGER NOT NULL,
    iterations INTEGER NOT NULL,
    least REAL NOT NULL,
    least_time INTEGER NOT NULL,
    least_seq INTEGER NOT NULL,
    greatest REAL NOT NULL,
    greatest_time INTEGER NOT NULL,
    greatest_seq INTEGER NOT NULL,
    PRIMARY KEY (series, stretch)
) WITHOUT ROWID;

-- What is looked for most often is rare: found without reading the events between.
CREATE INDEX events_that_matter ON events (session, time) WHERE level >= 2;
CREATE INDEX exceptions_by_time ON events (session, time) WHERE is_exception = 1;

-- Covers the questions about one metric of many sessions. By session first, so that a batch changes one page of it.
CREATE INDEX series_by_session ON series (session, vital, name, type, count, sum, min, max);
