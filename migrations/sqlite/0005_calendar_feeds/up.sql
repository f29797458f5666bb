-- Addresses at which a calendar program reads what their owner may see. The secret in an address is kept as its SHA-256 alone; an address
-- that is revoked loses its row.
CREATE TABLE calendar_feeds (
    id           BLOB        NOT NULL PRIMARY KEY,
    owner_id     BLOB        NOT NULL,
    title        TEXT        NOT NULL,
    filters      TEXT        NOT NULL,
    digest       BLOB        NOT NULL,
    created_at   BIGINT      NOT NULL,
    last_used_at BIGINT
);
CREATE UNIQUE INDEX calendar_feeds_digest ON calendar_feeds (digest);
CREATE INDEX calendar_feeds_owner ON calendar_feeds (owner_id, id);
