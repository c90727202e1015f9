-- PDFs without words that go with what is being written and of which nothing was decided yet; NULL is the new chat.
-- `path` is as core.paths.encode_path writes it.
CREATE TABLE draft_scans (
    conversation INTEGER REFERENCES conversations (number) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    path TEXT NOT NULL,
    name TEXT NOT NULL,
    pages INTEGER NOT NULL
) STRICT;

CREATE INDEX draft_scans_conversation ON draft_scans (conversation, place);

UPDATE program SET needs = 'Cabochon 0.5';
