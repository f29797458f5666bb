-- Addresses at which a calendar program reads what their owner may see. The secret in an address is kept as its SHA-256 alone; an address
-- that is revoked loses its row.
CREATE TABLE calendar_feeds (
    id           UUID        NOT NULL PRIMARY KEY,
    owner_id     UUID        NOT NULL,
    title        TEXT        NOT NULL,
    filters      TEXT        NOT NULL,
    digest       BYTEA       NOT NULL,
    created_at   TIMESTAMPTZ NOT NULL,
    last_used_at TIMESTAMPTZ
);
CREATE UNIQUE INDEX calendar_feeds_digest ON calendar_feeds (digest);
CREATE INDEX calendar_feeds_owner ON calendar_feeds (owner_id, id);
