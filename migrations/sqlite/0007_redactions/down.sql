ALTER TABLE journal DROP COLUMN redacts;
