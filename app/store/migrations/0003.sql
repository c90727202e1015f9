-- What an answer wrote to call tools, after its words: it is part of what was sampled and not shown.
ALTER TABLE messages ADD COLUMN call_text TEXT NOT NULL DEFAULT '';

-- The calls of an answer, in their order. `arguments` are the model's, `used` those of the person ('': the same);
-- `place` is the file that it is about, `owner` names the process that runs it.
CREATE TABLE calls (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    message INTEGER NOT NULL REFERENCES messages (number) ON DELETE CASCADE,
    name TEXT NOT NULL,
    origin TEXT NOT NULL,
    arguments TEXT NOT NULL,
    used TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'denied')),
    decision TEXT NOT NULL DEFAULT '',
    why TEXT NOT NULL DEFAULT '',
    result TEXT NOT NULL DEFAULT '',
    pictures TEXT NOT NULL DEFAULT '[]',
    place TEXT NOT NULL DEFAULT '',
    milliseconds REAL NOT NULL DEFAULT 0,
    owner TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE INDEX calls_message ON calls (message);
CREATE INDEX calls_open ON calls (state) WHERE state IN ('waiting', 'running');

-- Everything that was decided about calls and how they ended. It only grows; chats that are gone leave their entries.
CREATE TABLE call_log (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at REAL NOT NULL,
    conversation TEXT NOT NULL,
    call TEXT NOT NULL,
    tool TEXT NOT NULL,
    origin TEXT NOT NULL,
    arguments TEXT NOT NULL,
    event TEXT NOT NULL,
    why TEXT NOT NULL,
    milliseconds REAL NOT NULL
) STRICT;

CREATE TRIGGER call_log_is_not_changed BEFORE UPDATE ON call_log
BEGIN
    SELECT raise(ABORT, 'the log of calls only grows');
END;

CREATE TRIGGER call_log_is_not_shortened BEFORE DELETE ON call_log
BEGIN
    SELECT raise(ABORT, 'the log of calls only grows');
END;

UPDATE program SET needs = 'Cabochon 0.3';
