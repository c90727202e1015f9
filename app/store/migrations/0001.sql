-- One row: what of the program itself is kept. `needs` names the Cabochon that can read this schema, `draft` is what is
-- being written in a new chat.
CREATE TABLE program (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    needs TEXT NOT NULL,
    settings TEXT NOT NULL DEFAULT '{}',
    draft TEXT NOT NULL DEFAULT '',
    opened INTEGER REFERENCES conversations (number) ON DELETE SET NULL
) STRICT;

-- `touched` orders the list, so that a clock set back does not; `leaf` is the last message of the branch that is shown.
CREATE TABLE conversations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    created_at REAL NOT NULL,
    changed_at REAL NOT NULL,
    touched INTEGER NOT NULL,
    leaf INTEGER REFERENCES messages (number) ON DELETE SET NULL,
    settings TEXT NOT NULL DEFAULT '{}',
    draft TEXT NOT NULL DEFAULT '',
    trashed_at REAL
) STRICT;

CREATE INDEX conversations_touched ON conversations (touched);

-- A tree: messages with one parent are versions of each other. `owner` names the process that a queued or streaming
-- message belongs to; `tokens` are the ids an answer was sampled as, of the vocabulary `fingerprint`.
CREATE TABLE messages (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    conversation INTEGER NOT NULL REFERENCES conversations (number) ON DELETE CASCADE,
    parent INTEGER REFERENCES messages (number) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('system', 'user', 'assistant')),
    text TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'streaming', 'complete', 'interrupted')),
    created_at REAL NOT NULL,
    owner TEXT NOT NULL DEFAULT '',
    model TEXT NOT NULL DEFAULT '',
    finish_reason TEXT NOT NULL DEFAULT '',
    error TEXT NOT NULL DEFAULT '',
    usage TEXT NOT NULL DEFAULT '{}',
    timings TEXT NOT NULL DEFAULT '{}',
    fingerprint TEXT NOT NULL DEFAULT '',
    tokens BLOB,
    deletion INTEGER REFERENCES deletions (number)
) STRICT;

CREATE INDEX messages_tree ON messages (conversation, parent, deletion);
CREATE INDEX messages_parent ON messages (parent);
CREATE INDEX messages_owned ON messages (owner) WHERE owner <> '';
CREATE INDEX messages_deletion ON messages (deletion) WHERE deletion IS NOT NULL;

-- What one act of deleting took away, and the branch that was shown before it.
CREATE TABLE deletions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    conversation INTEGER NOT NULL REFERENCES conversations (number) ON DELETE CASCADE,
    leaf INTEGER REFERENCES messages (number) ON DELETE SET NULL,
    deleted_at REAL NOT NULL
) STRICT;

INSERT INTO program (id, needs) VALUES (1, 'Cabochon 0.1');
