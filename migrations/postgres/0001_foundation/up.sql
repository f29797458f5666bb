-- The journal is the truth; `records` holds each record's latest state; the rest is what may never enter the journal.
CREATE TABLE journal (
    seq         BIGINT      NOT NULL PRIMARY KEY,
    at          TIMESTAMPTZ NOT NULL,
    actor       UUID        NOT NULL,
    request_id  TEXT        NOT NULL,
    kind        TEXT        NOT NULL,
    record_id   UUID        NOT NULL,
    version     BIGINT      NOT NULL,
    action      TEXT        NOT NULL,
    shape       INTEGER     NOT NULL,
    reason      TEXT,
    snapshot    TEXT,
    salt        BYTEA,
    digest      BYTEA       NOT NULL,
    previous    BYTEA       NOT NULL,
    hash        BYTEA       NOT NULL
);
CREATE UNIQUE INDEX journal_record_version ON journal (record_id, version);
CREATE INDEX journal_at ON journal (at);

CREATE TABLE records (
    id          UUID        NOT NULL PRIMARY KEY,
    kind        TEXT        NOT NULL,
    reference   TEXT        NOT NULL,
    version     BIGINT      NOT NULL,
    seq         BIGINT      NOT NULL REFERENCES journal (seq),
    shape       INTEGER     NOT NULL,
    body        TEXT        NOT NULL
);
CREATE UNIQUE INDEX records_kind_reference ON records (kind, reference);

CREATE TABLE idempotency_keys (
    account_id  UUID        NOT NULL,
    key         TEXT        NOT NULL,
    request     BYTEA       NOT NULL,
    status      INTEGER     NOT NULL,
    headers     TEXT        NOT NULL,
    body        BYTEA       NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);

-- Personal data: the one erasable place.
CREATE TABLE people (
    account_id   UUID NOT NULL PRIMARY KEY,
    display_name TEXT NOT NULL,
    email        TEXT
);

CREATE TABLE credentials (
    id          UUID        NOT NULL PRIMARY KEY,
    account_id  UUID        NOT NULL,
    kind        TEXT        NOT NULL,
    login       TEXT,
    hash        TEXT        NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    expires_at  TIMESTAMPTZ,
    revoked_at  TIMESTAMPTZ
);
CREATE UNIQUE INDEX credentials_login ON credentials (login);
CREATE INDEX credentials_account ON credentials (account_id);

CREATE TABLE refresh_tokens (
    hash        BYTEA       NOT NULL PRIMARY KEY,
    family      UUID        NOT NULL,
    account_id  UUID        NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    expires_at  TIMESTAMPTZ NOT NULL,
    used_at     TIMESTAMPTZ,
    revoked_at  TIMESTAMPTZ
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family);
CREATE INDEX refresh_tokens_account ON refresh_tokens (account_id);

CREATE TABLE signing_keys (
    kid         TEXT        NOT NULL PRIMARY KEY,
    private_key BYTEA       NOT NULL,
    created_at  TIMESTAMPTZ NOT NULL,
    retired_at  TIMESTAMPTZ
);
