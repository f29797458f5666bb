//! Files of documents: uploaded in pieces, checked by their hash, and downloaded whole or in part.
//!
//! A file is stored unchanged. It is hashed and its type is detected from its first bytes. It is
//! put in place before the journal names it. If the journal refuses it or the upload breaks off,
//! the file is removed; files left behind by a killed process are removed at a later start.

mod file_name;
mod media;
mod store;

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{
    ByteRangeSpec, ContentDisposition, DispositionParam, DispositionType, HeaderValue, Range,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use serde_json::{Map, Value, json};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

pub use store::Documents;

use self::media::{Media, Utf8};
use self::store::Upload;
use crate::access::caller::forbidden;
use crate::db::store as store_rows;
use crate::db::{Conn, DbError};
use crate::engine::{Engine, Outcome};
use crate::http::entity_tag::is_same;
use crate::http::operation::{Access, Operation, Tag};
use crate::http::parameters::{header, id_parameter, query};
use crate::http::resource::{BASE, as_of, idempotency, reason};
use crate::http::stream::Incoming;
use crate::http::{Answer, Call};
use crate::policy::{Act, Subject};
use crate::problem::{Code, Problem, Shed};
use crate::registers::evidence::{Document, DocumentVersion, next_number};
use crate::world::{Kind, Rec, Resource, World};

/// A mark older than this cannot belong to an upload that is still in progress.
const LEFT_OVER: TimeDelta = TimeDelta::days(1);

const UPLOAD: &str = "Send the file itself as the body, with its own media type. It is stored \
    unchanged. Its type is detected from its first bytes and must match the media type sent. \
    PDF, Office Open XML, OpenDocument, PNG, JPEG, GIF, CSV, plain text and Markdown (the last \
    three in UTF-8) are accepted; HTML, SVG, scripts and programs are not. With `Content-Digest` \
    or `Repr-Digest` (RFC 9530, sha-256) the service checks that the file arrived intact. \
    Nothing is kept of a file that is refused or incomplete. Each file becomes a new version of \
    the document and changes the document's ETag.";

const DOWNLOAD: &str = "Returns the bytes as they were uploaded, always as an attachment. The \
    ETag is the file's SHA-256. You can request one byte range (`Range`, with `If-Range`); a \
    request for several ranges returns the whole file. HEAD returns size and hash.";

fn octets() -> Value {
    json!({ "type": "string", "format": "binary", "minLength": 1, "maxLength": 1_073_741_824 })
}

/// The operations of this module.
#[must_use]
pub fn operations(documents: &Arc<Documents>) -> Vec<Operation> {
    let text = |most: usize| json!({ "type": "string", "minLength": 1, "maxLength": most });
    let digest = json!({ "type": "string", "maxLength": 500, "pattern": "sha-256=:[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=:" });
    vec![
        Operation::holding(
            "POST",
            format!("{BASE}/documents/{{id}}/versions"),
            "createDocumentVersion",
            Access::Needs(Subject::Document, Act::Create),
            documents,
            upload,
        )
        .says("Document versions", "Upload a version of a document", UPLOAD)
        .takes([
            id_parameter("document"),
            query("file_name", "Name of the file. If left out, the name in `Content-Disposition` \
                or else the document's reference. It is made safe for saving, and its extension \
                follows the media type.", text(255)),
            query("label", "Label that the document itself gives this version.", text(60)),
            query("what_changed", "What differs from the previous version.", text(2000)),
            query("reference", "Reference that people use. Generated if left out.", json!({ "type": "string", "minLength": 1, "maxLength": 60, "pattern": "^[A-Za-z0-9][A-Za-z0-9._/-]*$" })),
            query("marking", "Marking of the version, if fewer callers may see it than the \
                document.", json!({ "type": "string", "enum": ["official", "official_sensitive"], "default": "official" })),
            header("Content-Disposition", false, "Gives the name of the file (RFC 6266).", json!({ "type": "string", "maxLength": 1000, "pattern": "^attachment; filename=\"[A-Za-z0-9 ._-]{1,100}\"$" })),
            header("Content-Digest", false, "SHA-256 of the body (RFC 9530).", digest.clone()),
            header("Repr-Digest", false, "Same as `Content-Digest`: each body has only one \
                representation here.", digest),
            idempotency(),
            reason(),
        ])
        .body(media::names(), octets(), Value::Null)
        .streamed()
        .creates("version", "DocumentVersion")
        .refuses(&[Code::InvalidHeader, Code::Conflict, Code::ReferenceTaken, Code::RuleViolation, Code::IdempotencyKeyReused]),
        Operation::holding(
            "GET",
            format!("{BASE}/document-versions/{{id}}/content"),
            "getDocumentVersionContent",
            Access::Needs(Subject::Document, Act::Read),
            documents,
            download,
        )
        .says("Document versions", "Download a version of a document", DOWNLOAD)
        .takes([
            id_parameter("document version"),
            as_of(),
            header("Range", false, "One range of bytes (RFC 9110).", json!({ "type": "string", "maxLength": 200, "example": "bytes=0-1023" })),
            header("If-Range", false, "Return the range only if the ETag matches; otherwise \
                return the whole file.", json!({ "type": "string", "maxLength": 200 })),
        ])
        .answers(200, "The file.", octets())
        .answers(206, "The requested range, with `Content-Range`.", octets())
        .refuses(&[Code::RangeNotSatisfiable])
        .etag(Tag::Version)
        .media_type("*/*"),
    ]
}

/// Fields of a version that the caller sets in the query.
const GIVEN: [&str; 4] = ["label", "what_changed", "reference", "marking"];

/// What is known about a file before its first byte.
struct Announced {
    media: &'static Media,
    digest: Option<[u8; 32]>,
    file_name: String,
    /// Fields of the record that the caller sets.
    fields: Map<String, Value>,
    /// What distinguishes one request from another, apart from the bytes.
    told: String,
}

impl Announced {
    fn of(call: &Call, document: &Rec<Document>) -> Result<Self, Problem> {
        let media = media::named(&call.media_type).ok_or_else(|| {
            Problem::new(
                Code::UnsupportedMediaType,
                "this media type is not accepted; send one of the accepted types",
            )
        })?;
        let disposition = call
            .header("content-disposition")
            .map(name_in)
            .transpose()?
            .flatten();
        let given = call
            .query
            .get("file_name")
            .map(str::to_owned)
            .or(disposition);
        let fields = GIVEN
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), call.query.get(name)?.into())))
            .collect();
        let digest = match (
            digest_in(call, "content-digest")?,
            digest_in(call, "repr-digest")?,
        ) {
            (Some(one), Some(other)) if one != other => {
                return Err(mismatch(
                    "Repr-Digest",
                    "names a different hash from Content-Digest",
                ));
            }
            (one, other) => one.or(other),
        };
        Ok(Self {
            media,
            digest,
            file_name: file_name::safe(given.as_deref().unwrap_or(&document.meta.reference), media),
            fields,
            told: format!("{} {given:?}", media.name),
        })
    }

    fn draft(&self, document: Uuid, number: i64, size: u64, sha256: &str) -> Value {
        let mut draft = json!({
            "document_id": document, "number": number, "file_name": self.file_name, "media_type": self.media.name,
            "byte_size": size, "sha256": sha256,
        });
        if let Value::Object(map) = &mut draft {
            map.extend(self.fields.clone());
        }
        draft
    }
}

/// Returns the file name in a Content-Disposition header. The extended name, which may contain any
/// letter, takes precedence.
fn name_in(text: &str) -> Result<Option<String>, Problem> {
    let refused = || {
        let detail = "must follow RFC 6266, for example attachment; filename=\"report.pdf\"";
        Problem::field(
            Code::InvalidHeader,
            "Content-Disposition",
            "invalid",
            detail,
        )
    };
    let value = HeaderValue::from_str(text).map_err(|_| refused())?;
    let parsed = ContentDisposition::from_raw(&value).map_err(|_| refused())?;
    let extended = parsed
        .get_filename_ext()
        .and_then(|e| String::from_utf8(e.value.clone()).ok());
    Ok(extended.or_else(|| parsed.get_filename().map(str::to_owned)))
}

/// Returns the SHA-256 in a digest header (RFC 9530: a dictionary of algorithms).
fn digest_in(call: &Call, name: &'static str) -> Result<Option<[u8; 32]>, Problem> {
    let Some(text) = call.header(name) else {
        return Ok(None);
    };
    let members = text.split(',').filter_map(|m| m.trim().split_once('='));
    let found = members
        .filter(|(algorithm, _)| *algorithm == "sha-256")
        .find_map(|(_, value)| {
            STANDARD
                .decode(value.strip_prefix(':')?.strip_suffix(':')?)
                .ok()
        })
        .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    found.map(Some).ok_or_else(|| {
        let detail = "must contain a SHA-256 as in RFC 9530: sha-256=:<base64>:";
        Problem::field(Code::InvalidHeader, proper(name), "invalid", detail)
    })
}

fn proper(name: &str) -> &'static str {
    if name == "repr-digest" {
        "Repr-Digest"
    } else {
        "Content-Digest"
    }
}

fn mismatch(name: &'static str, detail: &str) -> Problem {
    Problem::field(Code::RuleViolation, name, "mismatch", detail)
}

fn version_kind(world: &World) -> Result<&'static Kind, Problem> {
    let found = world.catalogue().named(DocumentVersion::KIND);
    found.ok_or_else(|| Problem::internal("the catalogue has no document versions"))
}

async fn upload(call: Call, documents: Arc<Documents>) -> Result<Answer, Problem> {
    // The upload is stored or removed even if the caller disconnects: the work does not end with
    // the connection.
    actix_web::rt::spawn(receive(call, documents))
        .await
        .map_err(Problem::internal)?
}

async fn receive(mut call: Call, documents: Arc<Documents>) -> Result<Answer, Problem> {
    let document = call.id()?;
    let announced = permitted(&call, document)?;
    let service = Arc::clone(&call.service);
    let mut stream = call
        .stream
        .take()
        .ok_or_else(|| Problem::internal("the body was not streamed"))?;
    let _on_its_way = documents.admit(call.caller()?.account)?;
    let id = Uuid::now_v7();
    let mut upload = documents.begin(id).await?;
    let deadline = Instant::now() + Duration::from_secs(service.config.serving.stream_seconds);
    if let Err(problem) = take(&mut stream, &mut upload, &announced, deadline).await {
        documents.give_up(id, upload).await;
        return Err(problem);
    }
    let (size, hash) = (upload.size(), upload.sha256());
    // If this fails, the mark remains: a sweep removes any part of the file that the store may
    // hold.
    upload.finish().await?;
    let result = record(&call, document, id, announced, size, hash).await;
    match &result {
        Ok(outcome)
            if outcome
                .headers
                .iter()
                .any(|(name, _)| name == "Idempotency-Replayed") =>
        {
            documents.remove(id).await
        }
        Ok(_) => documents.keep(id).await,
        Err(problem) if problem.code.status() < 500 => documents.remove(id).await,
        // It is not certain whether the journal has it (the connection may have failed during the
        // commit), so the mark remains for a sweep.
        Err(_) => {}
    }
    result.map(Into::into)
}

/// Makes every check that is possible before the first byte is read.
fn permitted(call: &Call, document: Uuid) -> Result<Announced, Problem> {
    let seen = call.now();
    let found = seen
        .get::<Document>(document)
        .ok_or_else(Problem::not_found)?;
    let (caller, world) = (call.caller()?, seen.reading(call.on).world);
    if !caller.may_on(world, Subject::Document, Act::Create, document) {
        return Err(forbidden(caller, Subject::Document, Act::Create));
    }
    if !seen.is_live(found) {
        return Err(Problem::new(
            Code::Conflict,
            "the document is withdrawn; restore it first",
        ));
    }
    call.write()?;
    let announced = Announced::of(call, found)?;
    let sample = announced.draft(document, 1, 1, &"0".repeat(64));
    version_kind(world)?
        .check_schema(&sample)
        .map_err(in_query)?;
    Ok(announced)
}

/// Makes errors in query parameters name the parameter.
fn in_query(problem: Problem) -> Problem {
    if problem.errors.is_empty() {
        return problem;
    }
    let mut errors = problem.errors;
    for error in &mut errors {
        if let Some(name) = error
            .pointer
            .strip_prefix('/')
            .filter(|name| GIVEN.contains(name))
        {
            error.pointer = format!("?{name}");
        }
    }
    let is_form = problem.code == Code::InvalidBody;
    Problem::with_errors(
        if is_form {
            Code::InvalidQuery
        } else {
            problem.code
        },
        errors,
    )
}

/// Receives the whole file and checks that it is what the request announced.
async fn take(
    stream: &mut Incoming,
    upload: &mut Upload,
    announced: &Announced,
    deadline: Instant,
) -> Result<(), Problem> {
    let mut head: Vec<u8> = Vec::new();
    let mut text = announced.media.is_text().then(Utf8::default);
    let no_text = || {
        let detail = "a text file must be UTF-8 without NUL; convert it, or send it with its own \
            media type";
        Problem::field(
            Code::UnsupportedMediaType,
            "Content-Type",
            "not_utf8",
            detail,
        )
    };
    let late =
        |_| Problem::unavailable("the upload took too long and was cancelled").shed(Shed::Time);
    while let Some(piece) = timeout_at(deadline, stream.next()).await.map_err(late)?? {
        if head.len() < media::HEAD {
            head.extend(piece.iter().take(media::HEAD - head.len()));
            if head.len() == media::HEAD {
                announced.media.check(&head)?;
            }
        }
        if text.as_mut().is_some_and(|t| !t.takes(&piece)) {
            return Err(no_text());
        }
        upload.put(piece).await?;
    }
    if upload.size() == 0 {
        let detail = "the file is empty; send its bytes as the body";
        return Err(Problem::field(Code::RuleViolation, "", "empty", detail));
    }
    if head.len() < media::HEAD {
        announced.media.check(&head)?;
    }
    if text.is_some_and(|t| !t.is_whole()) {
        return Err(no_text());
    }
    let found = upload.sha256();
    if announced.digest.is_some_and(|wanted| wanted != found) {
        let detail = format!(
            "the file received has the SHA-256 {}; send it again",
            STANDARD.encode(found)
        );
        return Err(mismatch("Content-Digest", &detail));
    }
    Ok(())
}

/// Records the file in the journal.
async fn record(
    call: &Call,
    document: Uuid,
    id: Uuid,
    announced: Announced,
    size: u64,
    hash: [u8; 32],
) -> Result<Outcome, Problem> {
    let write = call.write_of(&[&hash, announced.told.as_bytes()].concat())?;
    let job = move |txn: &mut crate::engine::Txn<'_>| {
        let kind = version_kind(&txn.world)?;
        let draft = announced.draft(
            document,
            next_number(&txn.visible_world(), document),
            size,
            &hex::encode(hash),
        );
        let record = txn.create(kind, Some(id), draft).map_err(in_query)?;
        let location = format!("{BASE}/{}/{id}", kind.path);
        Ok(Answer::record(201, &txn.show(&record)?)
            .header("Location", location)
            .into())
    };
    call.service.engine.write(write, job).await
}

async fn download(call: Call, documents: Arc<Documents>) -> Result<Answer, Problem> {
    let id = call.id()?;
    let (seen, _) = call.world().await?;
    let version = seen
        .get::<DocumentVersion>(id)
        .map(|v| v.data.clone())
        .ok_or_else(Problem::not_found)?;
    let size = documents.size(id).await?;
    if i64::try_from(size) != Ok(version.byte_size) {
        return Err(Problem::internal(format!(
            "file {id} has {size} bytes but was uploaded with {}",
            version.byte_size
        )));
    }
    let etag = format!("\"{}\"", version.sha256);
    let part = part(&call, size, &etag)?;
    let (status, first, last) = part.map_or((200, 0, size.saturating_sub(1)), |(first, last)| {
        (206, first, last)
    });
    let media = media::named(&version.media_type);
    let mut answer = Answer {
        status,
        headers: Vec::new(),
        content_type: media.map_or("application/octet-stream", |m| m.name),
        body: crate::http::answer::Body::Pieces(documents.read(id, first, last - first + 1)),
    };
    if let Some(text) = media.filter(|m| m.is_text()) {
        answer = answer.header("Content-Type", format!("{}; charset=utf-8", text.name));
    }
    if part.is_some() {
        answer = answer.header("Content-Range", format!("bytes {first}-{last}/{size}"));
    }
    Ok(answer
        .header("ETag", etag)
        .header("Accept-Ranges", "bytes")
        .header("Content-Disposition", attachment(&version.file_name))
        .header(
            "Content-Security-Policy",
            "default-src 'none'; frame-ancestors 'none'; sandbox",
        ))
}

/// Returns the first and last byte of the requested range, if any.
fn part(call: &Call, size: u64, etag: &str) -> Result<Option<(u64, u64)>, Problem> {
    // Whether the caller has the file already, or wants another, is decided before any range.
    if !call.wants(etag) {
        return Ok(None);
    }
    // A date would be compared with the file's time of last change, which is not sent, so a date
    // never matches.
    let is_of_another = call
        .header("if-range")
        .is_some_and(|tag| !is_same(tag, etag));
    let asked = call
        .header("range")
        .filter(|_| !is_of_another)
        .and_then(|r| r.parse::<Range>().ok());
    let Some(Range::Bytes(ranges)) = asked else {
        return Ok(None);
    };
    let [one]: &[ByteRangeSpec] = ranges.as_slice() else {
        return Ok(None);
    };
    one.to_satisfiable_range(size).map(Some).ok_or_else(|| {
        Problem::new(
            Code::RangeNotSatisfiable,
            format!("the file has {size} bytes"),
        )
        .header("Content-Range", format!("bytes */{size}"))
    })
}

/// Returns the header that says the file is to be saved, and its name: in ASCII, and also in full
/// if it has other letters (RFC 8187).
fn attachment(name: &str) -> String {
    use actix_web::http::header::{Charset, ExtendedValue};
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii() && !matches!(c, '"' | '\\' | '%') {
                c
            } else {
                '_'
            }
        })
        .collect();
    let mut parameters = vec![DispositionParam::Filename(plain)];
    if !name.is_ascii() {
        parameters.push(DispositionParam::FilenameExt(ExtendedValue {
            charset: Charset::Ext("UTF-8".into()),
            language_tag: None,
            value: name.as_bytes().to_vec(),
        }));
    }
    let disposition = ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters,
    };
    disposition.to_string()
}

/// Removes what uploads left behind when their process ended.
pub async fn sweep(engine: &Engine, documents: &Documents) {
    let Ok(world) = engine.fresh().await else {
        return;
    };
    match documents
        .sweep(LEFT_OVER, |id| world.any(id).is_some())
        .await
    {
        Ok(0) => {}
        Ok(n) => log::info!("removed {n} files left behind by uploads"),
        Err(e) => log::warn!("could not check for files left behind by uploads: {e}"),
    }
}

/// A file that the journal names.
pub struct NamedFile {
    pub id: Uuid,
    reference: String,
    byte_size: i64,
    sha256: String,
}

impl NamedFile {
    /// What is wrong with a file that was found with this size in bytes and this SHA-256, or was not
    /// found.
    #[must_use]
    pub fn fault(&self, found: Option<(u64, String)>) -> Option<String> {
        let what = match found {
            None => "its file is missing".to_owned(),
            Some((size, _)) if i64::try_from(size) != Ok(self.byte_size) => format!(
                "its file has {size} bytes but was uploaded with {}",
                self.byte_size
            ),
            Some((_, hash)) if self.sha256 != hash => format!(
                "its file has the SHA-256 {hash} but was uploaded with {}",
                self.sha256
            ),
            Some(_) => return None,
        };
        Some(format!(
            "document_version {} ({}): {what}",
            self.id, self.reference
        ))
    }
}

/// Returns the files that the journal names, without reading other records.
///
/// # Errors
/// The database cannot be read.
pub fn named(conn: &mut Conn) -> Result<Vec<NamedFile>, DbError> {
    const PAGE: i64 = 1_000;
    let mut all: Vec<NamedFile> = Vec::new();
    loop {
        let after = all.last().map_or_else(Uuid::nil, |last| last.id);
        let rows = store_rows::records_of(conn, DocumentVersion::KIND, after, PAGE)?;
        if rows.is_empty() {
            return Ok(all);
        }
        for row in rows {
            let damaged = |e: serde_json::Error| {
                DbError::Damaged(format!("document_version {}: {e}", row.id.0))
            };
            let record = Rec::<DocumentVersion>::from_snapshot(&row.body, row.shape, row.seq, 0)
                .map_err(damaged)?;
            let version: Option<&Rec<DocumentVersion>> = record.as_any().downcast_ref();
            all.extend(version.map(|version| NamedFile {
                id: version.meta.id,
                reference: version.meta.reference.to_string(),
                byte_size: version.data.byte_size,
                sha256: version.data.sha256.to_string(),
            }));
        }
    }
}

/// Checks these files. Returns what is wrong with each that is missing or differs from the upload.
///
/// # Errors
/// The store is unavailable.
pub async fn verify(
    files: &[NamedFile],
    documents: &Documents,
) -> Result<Vec<String>, object_store::Error> {
    let mut faults = Vec::new();
    for file in files {
        faults.extend(file.fault(documents.measure(file.id).await?));
    }
    Ok(faults)
}
