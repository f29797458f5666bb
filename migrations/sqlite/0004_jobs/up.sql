-- Loads that run beside requests. What they change is in the journal; this is how far they came.
CREATE TABLE jobs (
    id           BLOB        NOT NULL PRIMARY KEY,
    owner_id     BLOB        NOT NULL,
    request_id   TEXT        NOT NULL,
    mode         TEXT        NOT NULL,
    dry_run      INTEGER     NOT NULL,
    state        TEXT        NOT NULL,
    total        INTEGER     NOT NULL,
    done         INTEGER     NOT NULL,
    failed       INTEGER     NOT NULL,
    errors       TEXT        NOT NULL,
    failure      TEXT,
    detail       TEXT,
    created_at   BIGINT NOT NULL,
    started_at   BIGINT,
    finished_at  BIGINT,
    heartbeat_at BIGINT NOT NULL
);
CREATE INDEX jobs_owner ON jobs (owner_id, id);
CREATE INDEX jobs_finished_at ON jobs (finished_at);
