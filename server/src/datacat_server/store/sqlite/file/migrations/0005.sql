-- Migrations whose tables do not hold all sessions yet (store/sqlite/file/backfill.py); last: the last session that is in them.
CREATE TABLE backfills (
    number INTEGER PRIMARY KEY,
    last INTEGER NOT NULL
);

-- Finding sessions: by what they are, by a part of their texts, and by what is or was in their state.
CREATE INDEX sessions_by_version ON sessions (version, created, id);
CREATE INDEX sessions_by_machine ON sessions (machine_id, created, id);
CREATE INDEX sessions_by_hostname ON sessions (hostname, created, id);
CREATE INDEX sessions_that_hung ON sessions (created, id, hung, crashed, ended) WHERE ever_hung = 1;
CREATE INDEX sessions_by_update ON sessions (updated, id);
CREATE INDEX sessions_by_duration ON sessions (max(coalesce(ended, updated) - created, 0), id);
CREATE INDEX sessions_by_events ON sessions (event_count, id);
CREATE INDEX sessions_by_exceptions ON sessions (exception_count, id);

-- What is looked through for text, in folded case (store/sqlite/folds/session_text.py), and the index of its trigrams, which follows it.
CREATE TABLE session_texts (
    session INTEGER PRIMARY KEY,
    text TEXT NOT NULL
);
CREATE VIRTUAL TABLE session_search USING fts5(text, content = 'session_texts', content_rowid = 'session', columnsize = 0, tokenize = 'trigram case_sensitive 1');
CREATE TRIGGER session_texts_added AFTER INSERT ON session_texts BEGIN INSERT INTO session_search (rowid, text) VALUES (new.session, new.text); END;
CREATE TRIGGER session_texts_changed AFTER UPDATE ON session_texts BEGIN INSERT INTO session_search (session_search, rowid, text) VALUES ('delete', old.session, old.text); INSERT INTO session_search (rowid, text) VALUES (new.session, new.text); END;
CREATE TRIGGER session_texts_removed AFTER DELETE ON session_texts BEGIN INSERT INTO session_search (session_search, rowid, text) VALUES ('delete', old.session, old.text); END;

-- What was ever at a path of a state (store/sqlite/folds/search_terms.py). kind: 0 the value, 1 an element of an array. text: canonical JSON.
CREATE TABLE terms (
    id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,
    kind INTEGER NOT NULL,
    text TEXT NOT NULL
);
CREATE UNIQUE INDEX terms_identity ON terms (path, kind, text);
CREATE TABLE postings (
    term INTEGER NOT NULL,
    session INTEGER NOT NULL,
    now INTEGER NOT NULL, -- whether the state is so now, or only was
    PRIMARY KEY (term, session)
) WITHOUT ROWID;
CREATE INDEX postings_by_session ON postings (session);

-- The paths of a session that have had too many values to index them; now: the present one, of kind 0. Path '\': all of the session's.
CREATE TABLE overflows (
    path TEXT NOT NULL,
    kind INTEGER NOT NULL,
    session INTEGER NOT NULL,
    now TEXT,
    PRIMARY KEY (path, kind, session)
) WITHOUT ROWID;
CREATE INDEX overflows_by_session ON overflows (session);
CREATE INDEX overflows_by_value ON overflows (path, kind, now);
