-- When an entry was really made, where it is recorded under an earlier time.
ALTER TABLE journal ADD COLUMN entered_at BIGINT;
