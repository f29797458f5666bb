-- The journal is the truth; `records` holds each record's latest state; the rest is what may never enter the journal.
CREATE TABLE journal (
    seq         INTEGER     NOT NULL PRIMARY KEY,
    at          BIGINT      NOT NULL,
    actor       BLOB        NOT NULL,
    request_id  TEXT        NOT NULL,
    kind        TEXT        NOT NULL,
    record_id   BLOB        NOT NULL,
    version     BIGINT      NOT NULL,
    action      TEXT        NOT NULL,
    shape       INTEGER     NOT NULL,
    reason      TEXT,
    snapshot    TEXT,
    salt        BLOB ,
    digest      BLOB        NOT NULL,
    previous    BLOB        NOT NULL,
    hash        BLOB        NOT NULL
);
CREATE UNIQUE INDEX journal_record_version ON journal (record_id, version);
CREATE INDEX journal_at ON journal (at);

CREATE TABLE records (
    id          BLOB        NOT NULL PRIMARY KEY,
    kind        TEXT        NOT NULL,
    reference   TEXT        NOT NULL,
    version     BIGINT      NOT NULL,
    seq         BIGINT      NOT NULL REFERENCES journal (seq),
    shape       INTEGER     NOT NULL,
    body        TEXT        NOT NULL
);
CREATE UNIQUE INDEX records_kind_reference ON records (kind, reference);

CREATE TABLE idempotency_keys (
    account_id  BLOB        NOT NULL,
    key         TEXT        NOT NULL,
    request     BLOB        NOT NULL,
    status      INTEGER     NOT NULL,
    headers     TEXT        NOT NULL,
    body        BLOB        NOT NULL,
    created_at  BIGINT      NOT NULL,
    PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_keys_created_at ON idempotency_keys (created_at);

-- Personal data: the one erasable place.
CREATE TABLE people (
    account_id   BLOB NOT NULL PRIMARY KEY,
    display_name TEXT NOT NULL,
    email        TEXT
);

CREATE TABLE credentials (
    id          BLOB        NOT NULL PRIMARY KEY,
    account_id  BLOB        NOT NULL,
    kind        TEXT        NOT NULL,
    login       TEXT,
    hash        TEXT        NOT NULL,
    created_at  BIGINT      NOT NULL,
    expires_at  BIGINT     ,
    revoked_at  BIGINT     
);
CREATE UNIQUE INDEX credentials_login ON credentials (login);
CREATE INDEX credentials_account ON credentials (account_id);

CREATE TABLE refresh_tokens (
    hash        BLOB        NOT NULL PRIMARY KEY,
    family      BLOB        NOT NULL,
    account_id  BLOB        NOT NULL,
    created_at  BIGINT      NOT NULL,
    expires_at  BIGINT      NOT NULL,
    used_at     BIGINT     ,
    revoked_at  BIGINT     
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family);
CREATE INDEX refresh_tokens_account ON refresh_tokens (account_id);

CREATE TABLE signing_keys (
    kid         TEXT        NOT NULL PRIMARY KEY,
    private_key BLOB        NOT NULL,
    created_at  BIGINT      NOT NULL,
    retired_at  BIGINT     
);
