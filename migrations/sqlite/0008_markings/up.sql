-- The journal entries by which a record was marked, or its marking removed.
CREATE TABLE markings (
    seq BIGINT NOT NULL PRIMARY KEY
);
INSERT INTO markings (seq)
SELECT j.seq
FROM journal AS j
LEFT JOIN journal AS p ON p.record_id = j.record_id AND p.version = j.version - 1
WHERE (CASE WHEN j.snapshot LIKE '%"marking":"official_sensitive"%' THEN 1 ELSE 0 END)
   <> (CASE WHEN p.snapshot LIKE '%"marking":"official_sensitive"%' THEN 1 ELSE 0 END);

-- Accounts of which the journal says to whom they have belonged, and the account itself does not yet.
CREATE TABLE earlier_persons (
    account_id BLOB NOT NULL PRIMARY KEY
);
INSERT INTO earlier_persons (account_id)
SELECT DISTINCT record_id
FROM journal
WHERE kind = 'account' AND snapshot LIKE '%"person_id":"%';

-- A record may have the reference of one that its author cannot see.
DROP INDEX records_kind_reference;
CREATE INDEX records_kind_reference ON records (kind, reference);
