DROP TABLE signing_keys;
DROP TABLE refresh_tokens;
DROP TABLE credentials;
DROP TABLE people;
DROP TABLE idempotency_keys;
DROP TABLE records;
DROP TABLE journal;
