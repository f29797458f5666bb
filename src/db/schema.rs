//! The tables, defined once for both databases.

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::{Guid, UtcMicros};
    journal (seq) {
        seq -> BigInt,
        at -> UtcMicros,
        actor -> Guid,
        request_id -> Text,
        kind -> Text,
        record_id -> Guid,
        version -> BigInt,
        action -> Text,
        shape -> Integer,
        reason -> Nullable<Text>,
        snapshot -> Nullable<Text>,
        salt -> Nullable<Binary>,
        digest -> Binary,
        previous -> Binary,
        hash -> Binary,
        entered_at -> Nullable<UtcMicros>,
        redacts -> Nullable<BigInt>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::Guid;
    records (id) {
        id -> Guid,
        kind -> Text,
        reference -> Text,
        version -> BigInt,
        seq -> BigInt,
        shape -> Integer,
        body -> Text,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::{Guid, UtcMicros};
    idempotency_keys (account_id, key) {
        account_id -> Guid,
        key -> Text,
        request -> Binary,
        status -> Integer,
        headers -> Text,
        body -> Binary,
        created_at -> UtcMicros,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::Guid;
    people (person_id) {
        person_id -> Guid,
        display_name -> Text,
        email -> Nullable<Text>,
        telephone -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    secrets (name) {
        name -> Text,
        value -> Binary,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::{Guid, UtcMicros};
    credentials (id) {
        id -> Guid,
        account_id -> Guid,
        kind -> Text,
        login -> Nullable<Text>,
        hash -> Text,
        created_at -> UtcMicros,
        expires_at -> Nullable<UtcMicros>,
        revoked_at -> Nullable<UtcMicros>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::{Guid, UtcMicros};
    refresh_tokens (hash) {
        hash -> Binary,
        family -> Guid,
        account_id -> Guid,
        created_at -> UtcMicros,
        expires_at -> UtcMicros,
        used_at -> Nullable<UtcMicros>,
        revoked_at -> Nullable<UtcMicros>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::UtcMicros;
    signing_keys (kid) {
        kid -> Text,
        private_key -> Binary,
        created_at -> UtcMicros,
        retired_at -> Nullable<UtcMicros>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::{Guid, UtcMicros};
    jobs (id) {
        id -> Guid,
        owner_id -> Guid,
        request_id -> Text,
        mode -> Text,
        dry_run -> Integer,
        state -> Text,
        total -> Integer,
        done -> Integer,
        failed -> Integer,
        errors -> Text,
        failure -> Nullable<Text>,
        detail -> Nullable<Text>,
        created_at -> UtcMicros,
        started_at -> Nullable<UtcMicros>,
        finished_at -> Nullable<UtcMicros>,
        heartbeat_at -> UtcMicros,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::{Guid, UtcMicros};
    calendar_feeds (id) {
        id -> Guid,
        owner_id -> Guid,
        title -> Text,
        filters -> Text,
        digest -> Binary,
        created_at -> UtcMicros,
        last_used_at -> Nullable<UtcMicros>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::Guid;
    earlier_persons (account_id) {
        account_id -> Guid,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use crate::db::types::sql::Guid;
    former_links (target_id, record_id) {
        target_id -> Guid,
        record_id -> Guid,
    }
}

diesel::table! {
    markings (seq) {
        seq -> BigInt,
    }
}

diesel::table! {
    last_numbers (kind) {
        kind -> Text,
        number -> BigInt,
    }
}
