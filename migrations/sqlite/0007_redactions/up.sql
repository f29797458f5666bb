-- The entry whose content an entry of the action `redact` removed. Its hash covers it.
ALTER TABLE journal ADD COLUMN redacts BIGINT;
