-- Sessions that were deleted by somebody: what their daemons still send is dropped. `time`: of the deletion, or of the last time that something came (to the hour), in microseconds by the server's clock.
CREATE TABLE deleted (
    session_id TEXT PRIMARY KEY,
    time INTEGER NOT NULL
) WITHOUT ROWID;
