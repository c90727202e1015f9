-- The most tokens that a picture may take, for models that leave it open; 0: as usual.
ALTER TABLE message_pictures ADD COLUMN image_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE draft_pictures ADD COLUMN image_tokens INTEGER NOT NULL DEFAULT 0;

UPDATE program SET needs = 'Cabochon 0.6';
