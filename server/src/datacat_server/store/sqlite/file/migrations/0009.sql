-- Sessions that are being imported stand in `removals` too, until they are whole: `until` is then when their records are to be cleared away if nobody is heard to be at it any more, in microseconds by the server's clock. Null: at once.
ALTER TABLE removals ADD COLUMN until INTEGER;
