-- Pictures are files of the data folder, each kept once under the SHA-256 of its bytes. Sizes in pixels.
CREATE TABLE pictures (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    sha256 TEXT NOT NULL UNIQUE,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL
) STRICT;

-- The pictures of a message of the person, in their order.
CREATE TABLE message_pictures (
    message INTEGER NOT NULL REFERENCES messages (number) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    picture INTEGER NOT NULL REFERENCES pictures (number),
    pan_and_scan TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (message, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX message_pictures_picture ON message_pictures (picture);

-- The pictures of what is being written; NULL is the new chat.
CREATE TABLE draft_pictures (
    conversation INTEGER REFERENCES conversations (number) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    picture INTEGER NOT NULL REFERENCES pictures (number),
    pan_and_scan TEXT NOT NULL,
    name TEXT NOT NULL
) STRICT;

CREATE INDEX draft_pictures_conversation ON draft_pictures (conversation, place);

-- The documents of a message of the person, in their order; their text is a file named by its SHA-256.
CREATE TABLE message_documents (
    message INTEGER NOT NULL REFERENCES messages (number) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    pages INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (message, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE draft_documents (
    conversation INTEGER REFERENCES conversations (number) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    pages INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL
) STRICT;

CREATE INDEX draft_documents_conversation ON draft_documents (conversation, place);

UPDATE program SET needs = 'Cabochon 0.2';
