DROP INDEX records_kind_reference;
CREATE UNIQUE INDEX records_kind_reference ON records (kind, reference);
DROP TABLE earlier_persons;
DROP TABLE markings;
