-- Sessions that were removed and whose records are still being cleared away in small steps: their numbers in `sessions`, which no new session takes meanwhile.
CREATE TABLE removals (
    session INTEGER PRIMARY KEY
);
