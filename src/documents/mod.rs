//! Files of documents: sent piece by piece, kept under their hash's watch, and handed out again whole or in part.
//!
//! A file comes in as it is: it is hashed, its type is told from its first bytes, and it is put in its place before the journal names it.
//! When the journal refuses, or the file breaks off, it is taken away again; what a killed process left is swept at a later start.

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
use self::store::{Upload, hex};
use crate::access::caller::forbidden;
use crate::engine::{Engine, Outcome};
use crate::http::operation::{Access, Operation, Tag, header, id_parameter, query, schema_ref};
use crate::http::resource::{BASE, as_of, idempotency, reason};
use crate::http::stream::Incoming;
use crate::http::{Answer, Call};
use crate::policy::{Act, Subject};
use crate::problem::{Code, Problem};
use crate::registers::evidence::{Document, DocumentVersion, next_number};
use crate::world::{Kind, Rec, Resource, World};

/// A mark older than this belongs to no upload that is still on its way.
const LEFT_OVER: TimeDelta = TimeDelta::days(1);

const UPLOAD: &str = "The body is the file itself, in its own media type; it is kept as it comes. Its type is told from its first bytes and must be the one it is sent as: \
PDF, Office Open XML, OpenDocument, PNG, JPEG, GIF, CSV, plain text and Markdown (the last three in UTF-8) are taken; HTML, SVG, scripts and programs are not. \
With `Content-Digest` or `Repr-Digest` (RFC 9530, sha-256) the service checks that it got what was sent. Nothing is kept of a file that breaks off or is refused. \
Each file becomes a new version; the document's ETag changes with it.";

const DOWNLOAD: &str = "The bytes as they were uploaded, always as an attachment. The ETag is the file's SHA-256. One range of bytes may be asked for (`Range`, with `If-Range`); \
of several ranges the whole is answered. HEAD tells size and hash.";

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
            query("file_name", "Name of the file, else `Content-Disposition` says it, else it is the document's reference. Made safe to be saved under; its ending follows the media type.", text(255)),
            query("label", "What the document itself calls this version.", text(60)),
            query("what_changed", "What differs from the version before.", text(2000)),
            query("reference", "What people call it; given one when left out.", json!({ "type": "string", "minLength": 1, "maxLength": 60, "pattern": "^[A-Za-z0-9][A-Za-z0-9._/-]*$" })),
            query("marking", "Who may see it, where that is fewer than may see the document.", json!({ "type": "string", "enum": ["official", "official_sensitive"], "default": "official" })),
            header("Content-Disposition", false, "Names the file (RFC 6266).", json!({ "type": "string", "maxLength": 1000, "pattern": "^attachment; filename=\"[A-Za-z0-9 ._-]{1,100}\"$" })),
            header("Content-Digest", false, "SHA-256 of the body (RFC 9530).", digest.clone()),
            header("Repr-Digest", false, "The same: a body has one representation here.", digest),
            idempotency(),
            reason(),
        ])
        .body(media::names(), octets(), Value::Null)
        .streamed()
        .answers(201, "The version, with `Location` and `ETag`.", schema_ref("DocumentVersion"))
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
            header("If-Range", false, "ETag that the range is to be of; of another file the whole is answered.", json!({ "type": "string", "maxLength": 200 })),
        ])
        .answers(200, "The file.", octets())
        .answers(206, "The range that was asked for, with `Content-Range`.", octets())
        .refuses(&[Code::RangeNotSatisfiable])
        .etag(Tag::Version)
        .media_type("*/*"),
    ]
}

/// The fields of a version that its uploader gives, in the query.
const GIVEN: [&str; 4] = ["label", "what_changed", "reference", "marking"];

/// What is known of a file before its first byte.
struct Announced {
    media: &'static Media,
    digest: Option<[u8; 32]>,
    file_name: String,
    /// The fields of the record that the caller gives.
    fields: Map<String, Value>,
    /// What tells one request from another beside the bytes.
    told: String,
}

impl Announced {
    fn of(call: &Call, document: &Rec<Document>) -> Result<Self, Problem> {
        let media = media::named(&call.media_type)
            .ok_or_else(|| Problem::new(Code::UnsupportedMediaType, "this type is not taken"))?;
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
                    "names another hash than Content-Digest",
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

/// The file's name in a Content-Disposition; the one that may hold any letter goes first.
fn name_in(text: &str) -> Result<Option<String>, Problem> {
    let refused = || {
        let detail = "must be as in RFC 6266, such as attachment; filename=\"report.pdf\"";
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

/// The SHA-256 that a digest header names (RFC 9530: a dictionary of algorithms).
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
        let detail = "must name a SHA-256 as in RFC 9530: sha-256=:<base64>:";
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
    // What came in is put in its place or taken away even when the caller goes: the work does not end with the connection.
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
    let _on_its_way = documents.admit()?;
    let id = Uuid::now_v7();
    let mut upload = documents.begin(id).await?;
    let deadline = Instant::now() + Duration::from_secs(service.config.serving.stream_seconds);
    if let Err(problem) = take(&mut stream, &mut upload, &announced, deadline).await {
        documents.give_up(id, upload).await;
        return Err(problem);
    }
    let (size, hash) = (upload.size(), upload.sha256());
    // Then the mark stays: a sweep takes away whatever part of it the store may hold.
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
        // Whether the journal holds it is not certain (the connection may have gone with the commit): the mark stays for a sweep.
        Err(_) => {}
    }
    result.map(Into::into)
}

/// Everything that can be refused before the first byte is read.
fn permitted(call: &Call, document: Uuid) -> Result<Announced, Problem> {
    let seen = call.now();
    let found = seen
        .get::<Document>(document)
        .ok_or_else(Problem::not_found)?;
    let (caller, world) = (call.caller()?, seen.reading(call.on).world);
    if !caller.may_on(world, Subject::Document, Act::Create, document) {
        return Err(forbidden(caller, Subject::Document, Act::Create));
    }
    if !found.is_live() {
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

/// What stands in the query is named as such.
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

/// Takes the whole file, and tells whether it is what it was said to be.
async fn take(
    stream: &mut Incoming,
    upload: &mut Upload,
    announced: &Announced,
    deadline: Instant,
) -> Result<(), Problem> {
    let mut head: Vec<u8> = Vec::new();
    let mut text = announced.media.is_text().then(Utf8::default);
    let no_text = || {
        let detail = "a text must be UTF-8 without NUL; convert it, or send it as what it is";
        Problem::field(
            Code::UnsupportedMediaType,
            "Content-Type",
            "not_utf8",
            detail,
        )
    };
    let late = |_| Problem::unavailable("the file took too long and was given up");
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
            "what arrived has the SHA-256 {}; send it again",
            STANDARD.encode(found)
        );
        return Err(mismatch("Content-Digest", &detail));
    }
    Ok(())
}

/// Has the journal name the file.
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
            next_number(&txn.world, document),
            size,
            &hex(&hash),
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
            "file {id} has {size} bytes and was uploaded with {}",
            version.byte_size
        )));
    }
    let etag = format!("\"{}\"", version.sha256);
    let part = part(&call, size, &etag)?;
    let (status, first, last) = part.map_or((200, 0, size.saturating_sub(1)), |(first, last)| {
        (206, first, last)
    });
    let mut answer = Answer {
        status,
        headers: Vec::new(),
        content_type: media::named(&version.media_type)
            .map_or("application/octet-stream", |m| m.name),
        body: crate::http::answer::Body::Pieces(documents.read(id, first, last - first + 1)),
    };
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

/// First and last byte of the range that is asked for, if one is.
fn part(call: &Call, size: u64, etag: &str) -> Result<Option<(u64, u64)>, Problem> {
    // A date would be compared with when the file was last changed, which is not told: it never is the same.
    let is_of_another = call
        .header("if-range")
        .is_some_and(|tag| tag.trim() != etag);
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

/// Says that a file is to be saved, and under which name: in plain letters, and as it is where it has others (RFC 8187).
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

/// Takes away what uploads left behind that were cut short with their process.
pub async fn sweep(engine: &Engine, documents: &Documents) {
    let Ok(world) = engine.fresh().await else {
        return;
    };
    match documents
        .sweep(LEFT_OVER, |id| world.any(id).is_some())
        .await
    {
        Ok(0) => {}
        Ok(n) => log::info!("{n} files were taken away that uploads had left behind"),
        Err(e) => log::warn!("what uploads left behind was not looked for: {e}"),
    }
}

/// What is wrong with the files that the journal names: each that is gone or is not what was uploaded; and how many there are.
///
/// # Errors
/// The store is away.
pub async fn verify(
    world: &World,
    documents: &Documents,
) -> Result<(usize, Vec<String>), object_store::Error> {
    let rows = world
        .table_of::<DocumentVersion>()
        .into_iter()
        .flat_map(|t| t.rows());
    let versions: Vec<&Rec<DocumentVersion>> =
        rows.filter_map(|r| r.as_any().downcast_ref()).collect();
    let mut faults = Vec::new();
    for version in &versions {
        let (meta, data) = (&version.meta, &version.data);
        let what = match documents.measure(meta.id).await? {
            None => "its file is gone".to_owned(),
            Some((size, _)) if i64::try_from(size) != Ok(data.byte_size) => {
                format!(
                    "its file has {size} bytes and was uploaded with {}",
                    data.byte_size
                )
            }
            Some((_, hash)) if hash != data.sha256 => format!(
                "its file has the SHA-256 {hash} and was uploaded with {}",
                data.sha256
            ),
            Some(_) => continue,
        };
        faults.push(format!(
            "document_version {} ({}): {what}",
            meta.id, meta.reference
        ));
    }
    Ok((versions.len(), faults))
}
