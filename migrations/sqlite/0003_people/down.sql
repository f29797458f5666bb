DROP TABLE secrets;
ALTER TABLE people DROP COLUMN telephone;
ALTER TABLE people RENAME COLUMN person_id TO account_id;
