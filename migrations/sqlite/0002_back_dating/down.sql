ALTER TABLE journal DROP COLUMN entered_at;
