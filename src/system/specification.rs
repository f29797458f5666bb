//! The OpenAPI documents as they are served: the whole one, and one for each register. Each is made
//! when it is first asked for, and kept as bytes, plain and compressed.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use actix_web::http::header::{Encoding, Preference, Quality, QualityItem};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::http::operation::{Access, Operation, Tag};
use crate::http::{Answer, Call, openapi, resource};
use crate::problem::Problem;
use crate::registers::{REGISTERS, catalogue, register_of};

/// The documents of one build.
pub struct Specification {
    /// Makes the whole document.
    build: fn() -> Value,
    /// What is in front of every path as callers see it.
    prefix: String,
    whole: OnceLock<Published>,
    parts: Mutex<HashMap<&'static str, Published>>,
    files: Mutex<HashMap<String, Published>>,
}

/// What never changes while the service runs, as bytes.
#[derive(Clone)]
pub struct Published {
    plain: Bytes,
    gzip: Bytes,
    digest: String,
}

/// What is no register and has a document of its own.
const OTHERS: [&str; 6] = [
    "views",
    "service",
    "sign-in",
    "journal",
    "jobs",
    "calendar-feeds",
];

/// The names of the parts, as used in the URLs.
pub fn parts() -> impl Iterator<Item = &'static str> {
    REGISTERS.iter().map(|(name, _)| *name).chain(OTHERS)
}

/// The part that a group of operations belongs to.
fn part_of(tag: &str) -> String {
    let kind = catalogue().kinds().iter().find(|k| resource::tag(k) == tag);
    match kind {
        Some(kind) => register_of(kind).to_owned(),
        // The views of papers share the group of their records.
        None => tag.to_lowercase().replace(' ', "-"),
    }
}

impl Specification {
    /// Documents that are cut out of what this makes.
    #[must_use]
    pub fn of(build: fn() -> Value, prefix: &str) -> Self {
        Self {
            build,
            prefix: prefix.to_owned(),
            whole: OnceLock::new(),
            parts: Mutex::default(),
            files: Mutex::default(),
        }
    }

    fn whole(&self) -> &Published {
        self.whole.get_or_init(|| {
            let mut document = (self.build)();
            if let Some(url) = document
                .pointer_mut("/servers/0/url")
                .filter(|_| !self.prefix.is_empty())
            {
                *url = self.prefix.as_str().into();
            }
            Published::of(document.to_string())
        })
    }

    /// A part is cut out of the whole when it is first asked for.
    fn part(&self, name: &'static str) -> Result<Published, serde_json::Error> {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = parts.get(name) {
            return Ok(known.clone());
        }
        let whole: Value = serde_json::from_slice(&self.whole().plain)?;
        let part = openapi::part(&whole, name, |tag| part_of(tag) == name);
        let made = Published::of(part.to_string());
        parts.insert(name, made.clone());
        Ok(made)
    }

    /// A file of the documentation page, from `make` when it is first asked for.
    ///
    /// # Errors
    /// What making it fails with.
    pub fn file(
        &self,
        name: &str,
        make: impl FnOnce() -> Result<Vec<u8>, Problem>,
    ) -> Result<Published, Problem> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = files.get(name) {
            return Ok(known.clone());
        }
        let made = Published::of(make()?);
        files.insert(name.to_owned(), made.clone());
        Ok(made)
    }
}

impl Published {
    fn of(plain: impl Into<Bytes>) -> Self {
        let plain = plain.into();
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        // Writing into memory cannot fail.
        let gzip = gzip
            .write_all(&plain)
            .and_then(|()| gzip.finish())
            .unwrap_or_default();
        let mut digest = hex::encode(Sha256::digest(&plain));
        digest.truncate(16);
        Self {
            digest,
            plain,
            gzip: gzip.into(),
        }
    }

    /// As the caller accepts it. Other bytes have another tag.
    #[must_use]
    pub fn answer(&self, call: &Call) -> Answer {
        let (body, encoding, mark) = if call.header("accept-encoding").is_some_and(accepts_gzip) {
            (&self.gzip, "gzip", "-gzip")
        } else {
            (&self.plain, "identity", "")
        };
        Answer::json(200, body.clone())
            .header("ETag", format!("\"{}{mark}\"", self.digest))
            .header("Content-Encoding", encoding)
    }
}

/// Whether an `Accept-Encoding` (RFC 9110, section 12.5.3) takes gzip, by name or else by `*`.
fn accepts_gzip(header: &str) -> bool {
    let items: Vec<QualityItem<Preference<Encoding>>> = header
        .split(',')
        .filter_map(|item| item.parse().ok())
        .collect();
    let quality = |of| items.iter().find(|i| i.item == of).map(|i| i.quality);
    quality(Preference::Specific(Encoding::gzip()))
        .or_else(|| quality(Preference::Any))
        .is_some_and(|quality| quality > Quality::ZERO)
}

/// The operations of this module.
#[must_use]
pub fn operations(specification: &Arc<Specification>) -> Vec<Operation> {
    let names: Vec<&str> = parts().collect();
    let register = json!({
        "name": "register", "in": "path", "required": true, "description": format!("One of {}.", names.join(", ")),
        "schema": { "type": "string", "maxLength": 40 }, "example": "governance",
    });
    let any = || json!({ "type": "object" });
    vec![
        Operation::holding(
            "GET",
            "/openapi.json",
            "getOpenApi",
            Access::Public,
            specification,
            whole,
        )
        .says(
            "Service",
            "Get the OpenAPI document",
            "Returns the whole OpenAPI document, from which clients can be generated.",
        )
        .reads("accept-encoding")
        .answers(200, "The OpenAPI document.", any())
        .etag(Tag::Version),
        Operation::holding(
            "GET",
            "/openapi/{register}.json",
            "getRegisterOpenApi",
            Access::Public,
            specification,
            part,
        )
        .says(
            "Service",
            "Get the OpenAPI document of one register",
            "Returns the operations of one register, with the components that they use.",
        )
        .takes([register])
        .reads("accept-encoding")
        .answers(200, "The OpenAPI document.", any())
        .etag(Tag::Version),
    ]
}

async fn whole(call: Call, own: Arc<Specification>) -> Result<Answer, Problem> {
    answer(call, own, |specification| Ok(specification.whole().clone())).await
}

async fn part(call: Call, own: Arc<Specification>) -> Result<Answer, Problem> {
    let name = call.param("register").unwrap_or_default();
    let name = parts().find(|part| *part == name);
    let name = name.ok_or_else(Problem::not_found)?;
    answer(call, own, move |specification| specification.part(name)).await
}

/// Making a document takes a while, in which others are answered.
async fn answer(
    call: Call,
    own: Arc<Specification>,
    get: impl FnOnce(&Specification) -> Result<Published, serde_json::Error> + Send + 'static,
) -> Result<Answer, Problem> {
    let made = tokio::task::spawn_blocking(move || get(&own));
    let published = made.await.map_err(Problem::internal)?;
    Ok(published.map_err(Problem::internal)?.answer(&call))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lists::some;

    #[test]
    fn every_operation_belongs_to_a_part() {
        let known: Vec<&str> = parts().collect();
        let documents = crate::documents::Documents::in_memory();
        for operation in some(crate::app::operations(&crate::app::Parts::with(
            documents, "",
        ))) {
            let part = part_of(&operation.tag);
            assert!(known.contains(&part.as_str()), "{}: {part}", operation.id);
        }
    }

    #[test]
    fn gzip_is_sent_to_callers_that_accept_it() {
        for takes in [
            "gzip",
            "br, GZIP;q=0.5",
            "*",
            "zstd, gzip ; q=1",
            "*;q=0, gzip",
        ] {
            assert!(accepts_gzip(takes), "{takes}");
        }
        for refuses in [
            "",
            "identity",
            "gzip;q=0",
            "zstd, gzip; q=0.0",
            "xgzip",
            "gzip;q=0, *",
            "*, gzip;q=0",
        ] {
            assert!(!accepts_gzip(refuses), "{refuses}");
        }
    }
}
