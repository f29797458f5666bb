-- The highest number that a made reference of the kind has had, noted when a record is given another reference: no other record is to
-- have a reference that a paper may have cited.
CREATE TABLE last_numbers (
    kind   TEXT   NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL
);
