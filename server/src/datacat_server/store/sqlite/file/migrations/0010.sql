-- What a path of `overflows` has had (store/sqlite/folds/past_values.py): digests of its values of 8 bytes each, in parts of at most 800 bytes.
CREATE TABLE past_values (
    path TEXT NOT NULL,
    session INTEGER NOT NULL,
    part INTEGER NOT NULL,
    digests BLOB NOT NULL,
    PRIMARY KEY (path, session, part)
) WITHOUT ROWID;
