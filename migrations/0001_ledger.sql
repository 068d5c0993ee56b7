-- Entries are the truth; servers and fleet are their fold and can be made anew.
CREATE TABLE entries (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    at     TEXT NOT NULL,
    server TEXT,
    step   TEXT NOT NULL,
    event  TEXT NOT NULL CHECK (json_valid(event))
) STRICT;
CREATE INDEX entries_of_server ON entries (server, seq);

CREATE TABLE servers (
    server  TEXT PRIMARY KEY,
    record  TEXT NOT NULL CHECK (json_valid(record)),
    phase   TEXT NOT NULL,
    changed TEXT
) STRICT;

CREATE TABLE fleet (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    droplets INTEGER,
    team     TEXT
) STRICT;

CREATE TABLE passwords (
    server  TEXT NOT NULL REFERENCES servers (server),
    attempt INTEGER NOT NULL,
    blob    BLOB NOT NULL,
    hash    TEXT NOT NULL,
    made    TEXT NOT NULL,
    PRIMARY KEY (server, attempt)
) STRICT;
