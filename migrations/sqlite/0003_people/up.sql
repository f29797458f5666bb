-- Personal data, the one erasable place: who a person is, by the id of the person's own record, which says nothing of it.
-- A row that was kept by an account carries the account's id until the next start gives the person a record.
ALTER TABLE people RENAME COLUMN account_id TO person_id;
ALTER TABLE people ADD COLUMN telephone TEXT;

-- Keys that make pseudonyms: what they are made of cannot be guessed back from the journal.
CREATE TABLE secrets (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
);
