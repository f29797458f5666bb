//! How long anything waits for a PostgreSQL server.

use std::time::Duration;

/// How long anything waits for a PostgreSQL server before it gives up. A server that was frozen, or
/// cut off by the network, does not say that it is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waits {
    /// For a connection, to each host that the URL names.
    pub connect: Duration,
    /// For a statement. The server ends it then; if the server says nothing for a second more, the
    /// connection is given up.
    pub statement: Duration,
    /// For the right to write, which one replica has at a time.
    pub lock: Duration,
    /// For the next statement of a transaction, or of a connection that has the right to write. The
    /// server ends the connection then, so that a replica that was stopped holds up no other.
    pub idle_in_transaction: Duration,
    /// For the network to deliver what was sent.
    pub network: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            statement: Duration::from_secs(5),
            lock: Duration::from_secs(5),
            idle_in_transaction: Duration::from_secs(8),
            network: Duration::from_secs(8),
        }
    }
}

impl Waits {
    /// How long a connection may be silent while a statement runs. With the time that it takes to find
    /// out that the same server takes no new connection either, that is less than ten seconds.
    pub(super) fn silence(&self) -> Duration {
        self.statement.max(self.lock) + Duration::from_secs(1)
    }

    /// The URL with what libpq is to do. What the URL says itself stays.
    pub(super) fn url(&self, url: &str) -> String {
        let whole = |time: Duration| time.as_secs().max(1).to_string();
        let mut parameters = vec![
            ("connect_timeout", whole(self.connect)),
            ("tcp_user_timeout", self.network.as_millis().to_string()),
            ("keepalives_idle", whole(self.network / 2)),
            ("keepalives_interval", whole(self.network / 4)),
            ("keepalives_count", "2".to_owned()),
        ];
        let (before, after) = url.split_once('?').unwrap_or((url, ""));
        let hosts = after
            .split('&')
            .filter(|parameter| parameter.starts_with("host"));
        if hosts.chain([before]).any(|hosts| hosts.contains(',')) {
            // Of several servers, the one that takes changes.
            parameters.push(("target_session_attrs", "read-write".to_owned()));
        }
        let mut whole = url.to_owned();
        for (name, value) in parameters {
            if !url.contains(&format!("{name}=")) {
                whole.push(if whole.contains('?') { '&' } else { '?' });
                whole.push_str(&format!("{name}={value}"));
            }
        }
        whole
    }

    /// What the server is told when a session begins. The settings for TCP have no effect on a
    /// local socket.
    pub(super) fn session(&self) -> String {
        let ms = Duration::as_millis;
        let network = ms(&self.network);
        format!(
            "SET client_min_messages TO warning; SET timezone TO 'UTC'; SET statement_timeout TO \
                {}; SET lock_timeout TO {}; SET idle_in_transaction_session_timeout TO {}; SET \
                tcp_user_timeout TO {network}; SET tcp_keepalives_idle TO {idle}; SET \
                tcp_keepalives_interval TO {interval}; SET tcp_keepalives_count TO 2",
            ms(&self.statement),
            ms(&self.lock),
            ms(&self.idle_in_transaction),
            idle = (network / 2_000).max(1),
            interval = (network / 4_000).max(1),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_keeps_what_it_says() {
        let url = Waits::default().url("postgres://stride@a,b/stride?connect_timeout=9");
        assert_eq!(
            url,
            "postgres://stride@a,b/stride?connect_timeout=9&tcp_user_timeout=8000&\
                keepalives_idle=4&keepalives_interval=2&keepalives_count=2&\
                target_session_attrs=read-write"
        );
        let url = Waits::default().url("postgres://stride@a/stride");
        assert!(url.contains("?connect_timeout=2&") && !url.contains("target_session_attrs"));
    }
}
