//! The steps of every request: id, limits, token, query, format, condition, permission, body,
//! handler, response.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, BodyStream, MessageBody as _, SizedStream};
use actix_web::http::ConnectionType;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::{Bytes, BytesMut};
use chrono::NaiveDate;
use futures_util::{FutureExt, StreamExt};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::answer::{Answer, Body, JSON};
use super::call::Call;
use super::connections::Connection;
use super::entity_tag::Conditions;
use super::formats::Format;
use super::limits::Room;
use super::openapi::API_VERSION;
use super::operation::{Access, Extension, Operation, Tag};
use super::query::Query;
use super::request_log::{Learnt, Outcome};
use super::routes::{Found, Params, Routes};
use super::stream::{self, Incoming};
use super::{provisioning, request_log};
use crate::access::caller::forbidden;
use crate::access::identity::{Vouched, unauthenticated};
use crate::access::{Caller, Known};
use crate::http::service::Service;
use crate::problem::{Code, Problem, Shed};
use crate::world::World;
use crate::world::calendar::today;
use crate::world::visible::{Clearance, visible_state};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Has every request find its operation. A method that a path does not accept returns 405, and an
/// unknown path returns 404.
///
/// The framework's own router would be built once for each worker, compile a regular expression for
/// each path, and try one path after another.
pub fn mount(config: &mut web::ServiceConfig, service: &Arc<Service>, routes: &Arc<Routes>) {
    let (service, routes) = (Arc::clone(service), Arc::clone(routes));
    config.default_service(web::to(
        move |request: HttpRequest, payload: web::Payload| {
            let (service, routes) = (Arc::clone(&service), Arc::clone(&routes));
            async move {
                if let Some(problem) = refusal(&request) {
                    let mut answer = outside(&service, &request, &problem);
                    answer.head_mut().set_connection_type(ConnectionType::Close);
                    return answer;
                }
                match routes.find(request.method(), request.match_info().as_str()) {
                    Found::Operation(operation, params) => {
                        let operation = Arc::clone(operation);
                        serve(service, operation, request, params, payload).await
                    }
                    Found::OtherMethod(allow) => other_method(&service, &request, allow),
                    Found::Nothing => outside(&service, &request, &Problem::not_found()),
                }
            }
        },
    ));
}

/// Why a request is refused before it is looked at: its connection is one too many.
fn refusal(request: &HttpRequest) -> Option<Problem> {
    request.conn_data::<Connection>()?.refusal()
}

fn other_method(service: &Service, request: &HttpRequest, allow: &str) -> HttpResponse {
    if request.method() == Method::OPTIONS {
        return HttpResponse::NoContent()
            .insert_header(("Allow", allow))
            .finish();
    }
    let problem = Problem::new(
        Code::MethodNotAllowed,
        format!("this URL accepts only {allow}"),
    )
    .header("Allow", allow);
    outside(service, request, &problem)
}

/// A refusal before an operation was found.
pub fn outside(service: &Service, request: &HttpRequest, problem: &Problem) -> HttpResponse {
    let (started, id) = (Instant::now(), request_id(request.headers()));
    let response = refuse(service, request.path(), &id, problem, None);
    let status = response.status().as_u16();
    let took = started.elapsed();
    let requests = &service.metrics.requests;
    requests.outside().answer(status, took);
    problem.limit().into_iter().for_each(|l| requests.shed(l));
    let outcome = Outcome {
        operation: "",
        path: "",
        status,
        bytes: length(&response),
        code: problem.code.slug(),
        took,
    };
    let (peer, learnt) = (peer(service, request), Learnt::default());
    request_log::write(request, &id, &peer, &learnt, &outcome);
    response
}

/// The length of the body, if it is known.
fn length(response: &HttpResponse) -> Option<u64> {
    match response.body().size() {
        BodySize::None => Some(0),
        BodySize::Sized(length) => Some(length),
        BodySize::Stream => None,
    }
}

/// The caller's address.
fn peer(service: &Service, request: &HttpRequest) -> String {
    let trusted = &service.config.serving.trusted_proxies;
    super::limits::peer(request.peer_addr(), request.headers(), trusted)
}

async fn serve(
    service: Arc<Service>,
    operation: Arc<Operation>,
    request: HttpRequest,
    params: Params,
    payload: web::Payload,
) -> HttpResponse {
    let started = Instant::now();
    let requests = &service.metrics.requests;
    let _in_flight = requests.in_flight();
    let id = request_id(request.headers());
    let serving = &service.config.serving;
    let asked = asked(&operation, &request);
    let is_table = asked.as_ref().is_ok_and(|(_, format)| format.is_table());
    let seconds = if operation.is_streamed || is_table {
        serving.stream_seconds
    } else {
        serving.request_seconds
    };
    let limit = Duration::from_secs(seconds);
    let (peer, learnt) = (peer(&service, &request), Arc::new(Learnt::default()));
    let from = From {
        id: &id,
        params: &params,
        peer: &peer,
        learnt: &learnt,
    };
    let work = AssertUnwindSafe(answer(
        &service,
        &operation,
        &request,
        payload,
        (from, asked),
    ))
    .catch_unwind();
    let (result, limits) = match tokio::time::timeout(limit, work).await {
        Ok(Ok(done)) => done,
        Ok(Err(_)) => (
            Err(Problem::internal(format!(
                "{} panicked (request {id})",
                operation.id
            ))),
            Vec::new(),
        ),
        Err(_) => (Err(too_long(&operation)), Vec::new()),
    };
    if let Some(limit) = result.as_ref().err().and_then(Problem::limit) {
        requests.shed(limit);
    }
    let code = result.as_ref().map_or_else(|p| p.code.slug(), |_| "ok");
    let mut response = match result {
        Ok(answer) => respond(&service, &request, answer),
        Err(problem) => refuse(&service, request.path(), &id, &problem, operation.extension),
    };
    if learnt.may_contain_marked() {
        put(response.headers_mut(), "cache-control", NO_STORE);
    }
    for (name, value) in limits {
        put(response.headers_mut(), name, &value);
    }
    put_value(response.headers_mut(), REQUEST_ID, &id);
    let took = started.elapsed();
    let counted = || requests.of(&operation.id);
    (operation.counted.get_or_init(counted)).answer(response.status().as_u16(), took);
    let outcome = Outcome {
        operation: &operation.id,
        path: &operation.path,
        status: response.status().as_u16(),
        bytes: length(&response),
        code,
        took,
    };
    request_log::write(&request, &id, &peer, &learnt, &outcome);
    response
}

/// Where a request comes from, and the parts of its path.
#[derive(Clone, Copy)]
struct From<'a> {
    id: &'a str,
    params: &'a Params,
    peer: &'a str,
    learnt: &'a Arc<Learnt>,
}

/// The query of a request, and the format of its answer.
type Asked = Result<(Query, Format), Problem>;

fn asked(operation: &Operation, request: &HttpRequest) -> Asked {
    let query = Query::parse(request.query_string(), &operation.in_query)?;
    let format = if operation.media_type == JSON {
        Format::choose(
            query.get("format"),
            header_text(request.headers(), "accept").as_deref(),
            operation.formats,
        )?
    } else {
        Format::Json
    };
    Ok((query, format))
}

type Limited = (Result<Answer, Problem>, super::limits::LimitHeaders);

/// The problem of a request that took too long. A change that is waiting then is not made; one that
/// is being written may still be.
fn too_long(operation: &Operation) -> Problem {
    if matches!(operation.method, "GET" | "HEAD") {
        return Problem::unavailable("the request took too long and was stopped").shed(Shed::Time);
    }
    let detail = "the request took too long and was stopped";
    Problem::new(Code::OutcomeUnknown, detail)
        .header("Retry-After", "1")
        .shed(Shed::Time)
}

async fn answer(
    service: &Arc<Service>,
    operation: &Operation,
    request: &HttpRequest,
    payload: web::Payload,
    (from, asked): (From<'_>, Asked),
) -> Limited {
    let bearer = identify(service, operation, request.headers()).await;
    let key = match &bearer {
        Ok(Some(Bearer::Own(who))) => {
            from.learnt.is_account(who.identity.account);
            who.identity.account.to_string()
        }
        Ok(Some(Bearer::External(vouched))) => {
            from.learnt.is_subject(&vouched.external_id);
            vouched.external_id.clone()
        }
        _ => from.peer.to_owned(),
    };
    let limits = match service.limits.call(&key) {
        Ok(headers) => headers,
        Err(problem) => return (Err(problem), Vec::new()),
    };
    let result = async {
        let who = match bearer? {
            None => None,
            Some(Bearer::Own(who)) => Some(who),
            Some(Bearer::External(vouched)) => Some(Arc::new(
                provisioning::recognise(service, vouched, from.id)
                    .await?
                    .into(),
            )),
        };
        let call = prepare(service, operation, request, payload, (who, from, asked)).await?;
        match call {
            Prepared::Answered(answer) => Ok(answer),
            Prepared::Go(call, tag) => {
                finish(operation, request, (operation.handler)(*call).await?, tag)
            }
        }
    };
    (result.await, limits)
}

enum Prepared {
    /// The journal has not changed since this response was last given: the stored response, or an
    /// empty 304 if the caller already has it.
    Answered(Answer),
    Go(Box<Call>, Option<String>),
}

async fn prepare(
    service: &Arc<Service>,
    operation: &Operation,
    request: &HttpRequest,
    payload: web::Payload,
    (who, from, asked): (Option<Arc<Known>>, From<'_>, Asked),
) -> Result<Prepared, Problem> {
    let headers = request.headers();
    let text = |name: &str| header_text(headers, name).map(Cow::into_owned);
    let (world, caller) = admit(service, operation, who.as_deref(), headers).await?;
    if (caller.as_deref()).is_some_and(|caller| caller.clearance() != Clearance::None) {
        from.learnt.sees_marked();
    }
    let (query, format) = asked?;
    let address = request
        .uri()
        .path_and_query()
        .map_or_else(|| request.path().to_owned(), ToString::to_string);
    let on = today();
    let tag = (operation.etag == Tag::Journal)
        .then(|| journal_tag(&world, &address, format, caller.as_deref(), on));
    let conditions = Conditions::of(request);
    // Without a version that the caller wants, the handler decides first: what does not exist is not
    // found, whatever the conditions (RFC 9110, section 13.2.1).
    if let Some(tag) = tag.as_ref().filter(|t| conditions.wants(t)) {
        if conditions.has_already(tag) {
            return Ok(Prepared::Answered(
                Answer::json(304, Bytes::new()).header("ETag", tag),
            ));
        }
        if let Some(cached) = service.answers.get(tag) {
            return Ok(Prepared::Answered(cached.header("ETag", tag)));
        }
    }
    let mut room = service
        .limits
        .room(who.as_ref().map(|who| who.identity.account));
    let (body, stream) = take_body(service, operation, headers, payload, &mut room).await?;
    Ok(Prepared::Go(
        Box::new(Call {
            service: Arc::clone(service),
            request_id: from.id.to_owned(),
            method: operation.method,
            params: from.params.clone(),
            address,
            query,
            format,
            conditions,
            // A secret that is returned only once is never stored in order to be returned again, so
            // such operations accept no key.
            idempotency_key: text("idempotency-key").filter(|_| operation.takes_key()),
            authorization: text("authorization"),
            headers: operation
                .header_names
                .iter()
                // A range is of the body, which HEAD does not have (RFC 9110, section 14.2).
                .filter(|name| *name != "range" || request.method() != Method::HEAD)
                .filter_map(|name| Some((name.clone(), text(name)?)))
                .collect(),
            media_type: essence(headers),
            body,
            stream,
            _room: room,
            tag: tag.clone(),
            peer: from.peer.to_owned(),
            learnt: Arc::clone(from.learnt),
            who,
            caller,
            world,
            on,
        }),
        tag,
    ))
}

/// The identity in a valid token.
enum Bearer {
    /// An account, from a token of this service.
    Own(Arc<Known>),
    /// A subject of a trusted issuer.
    External(Arc<Vouched>),
}

/// Returns the world to answer from and the caller, after checking that the caller may call the
/// operation.
async fn admit(
    service: &Service,
    operation: &Operation,
    who: Option<&Known>,
    headers: &HeaderMap,
) -> Result<(Arc<World>, Option<Arc<Caller>>), Problem> {
    let admitted = |world: Arc<World>| {
        let caller = who.map(|w| w.caller(&world)).transpose()?;
        permit(operation.access, caller.as_deref())?;
        Ok((world, caller))
    };
    // Public reads reveal nothing about records, so they need no fresh data. Sign-in does: another
    // replica may just have changed the account.
    if operation.access == Access::Public && operation.body.is_none() {
        return admitted(service.engine.now());
    }
    // The writer checks again against current data, so possibly outdated data may admit the request
    // here. It must not be used to refuse one, or to return a response stored for repeats.
    if operation.is_settled_by_writer
        && !headers.contains_key("idempotency-key")
        && let Ok(good) = admitted(service.engine.now())
    {
        return Ok(good);
    }
    admitted(service.engine.fresh().await?)
}

/// Identifies the caller by the token. An operation that needs no token does not read it.
async fn identify(
    service: &Service,
    operation: &Operation,
    headers: &HeaderMap,
) -> Result<Option<Bearer>, Problem> {
    if operation.access == Access::Public {
        return Ok(None);
    }
    let missing = || {
        Problem::new(
            Code::Unauthenticated,
            "send `Authorization: Bearer` with an access token",
        )
        .header("WWW-Authenticate", "Bearer")
    };
    let value = headers.get("authorization").ok_or_else(missing)?;
    let token = value
        .to_str()
        .ok()
        .and_then(|v| v.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(|| {
            unauthenticated("the Authorization header must be `Bearer` followed by an access token")
        })?;
    match service.issuers.check(token).await {
        Some(vouched) => vouched.map(|v| Some(Bearer::External(v))),
        None => service
            .tokens
            .check(token)
            .map(|who| Some(Bearer::Own(who))),
    }
}

fn permit(access: Access, caller: Option<&Caller>) -> Result<(), Problem> {
    match (access, caller) {
        (Access::Needs(subject, act), Some(caller)) if !caller.may(subject, act) => {
            Err(forbidden(caller, subject, act))
        }
        _ => Ok(()),
    }
}

/// An ETag that changes with what is recorded and visible to the caller, the day, the URL, the
/// format, and what the caller may see.
fn journal_tag(
    world: &World,
    address: &str,
    format: Format,
    caller: Option<&Caller>,
    on: NaiveDate,
) -> String {
    let mut hash = Sha256::new();
    hash.update(address);
    hash.update([format as u8]);
    hash.update(on.to_string());
    if let Some(caller) = caller {
        hash.update(caller.fingerprint());
    }
    let clearance = caller.map_or(Clearance::None, Caller::clearance);
    let state = visible_state(world, &clearance);
    hash.update(state.digest.to_be_bytes());
    let mut digest = hex::encode(hash.finalize());
    digest.truncate(16);
    format!("\"{}-{digest}\"", state.entries)
}

/// The text of a header. A value that is not valid text must not be treated as a missing header.
fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cow<'a, str>> {
    headers
        .get(name)
        .map(|v| String::from_utf8_lossy(v.as_bytes()))
}

/// The media type of the request body, without its parameters.
fn essence(headers: &HeaderMap) -> String {
    let kind = headers
        .get("content-type")
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    kind.split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// Returns the body in the form that the operation needs: whole, or piece by piece.
async fn take_body(
    service: &Service,
    operation: &Operation,
    headers: &HeaderMap,
    mut payload: web::Payload,
    room: &mut Room,
) -> Result<(Bytes, Option<Incoming>), Problem> {
    let Some(body) = &operation.body else {
        return Ok((Bytes::new(), None));
    };
    if !body.media_types.contains(&essence(headers).as_str()) {
        let accept = if operation.method == "PATCH" {
            "Accept-Patch"
        } else {
            "Accept-Post"
        };
        let types = body.media_types.join(", ");
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            format!("the media type must be one of {types}"),
        )
        .header(accept, types));
    }
    // A body that was compressed would be stored, hashed and limited as something else than it is.
    let codings = headers.get_all("content-encoding");
    let is_plain = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"identity");
    if codings.into_iter().any(|coding| !is_plain(coding)) {
        let detail = "the body must not be compressed; send it without Content-Encoding";
        return Err(
            Problem::new(Code::UnsupportedMediaType, detail).header("Accept-Encoding", "identity")
        );
    }
    let idle = Duration::from_secs(service.config.serving.body_idle_seconds);
    let announced = headers
        .get("content-length")
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse::<usize>().ok());
    if operation.is_streamed {
        let limit = service.config.serving.stream_limit;
        return Ok((
            Bytes::new(),
            Some(Incoming::new(
                payload,
                announced.map(|n| n as u64),
                limit,
                idle,
            )?),
        ));
    }
    let limit = operation.body_limit(service.config.serving.body_limit);
    let too_large = || {
        Problem::new(
            Code::PayloadTooLarge,
            format!("the body must not be longer than {limit} bytes"),
        )
    };
    if announced.is_some_and(|n| n > limit) {
        return Err(too_large());
    }
    // What is announced is kept free, so that bodies that are slow to come are counted too.
    room.grow(announced.unwrap_or(0))?;
    let mut bytes = BytesMut::with_capacity(announced.unwrap_or(0));
    while let Some(chunk) = stream::piece(&mut payload, idle).await? {
        if bytes.len() + chunk.len() > limit {
            return Err(too_large());
        }
        room.grow(bytes.len() + chunk.len())?;
        bytes.extend_from_slice(&chunk);
    }
    Ok((bytes.freeze(), None))
}

/// Headers that describe a body.
const OF_BODY: [&str; 4] = [
    "Content-Disposition",
    "Content-Encoding",
    "Content-Range",
    "Content-Type",
];

/// What a caller who may see marked records may keep of an answer: nothing.
const NO_STORE: &str = "private, no-store, no-cache";

/// Sets the ETag of the response, and turns it into a 304 if the caller already has this version.
fn finish(
    operation: &Operation,
    request: &HttpRequest,
    mut answer: Answer,
    tag: Option<String>,
) -> Result<Answer, Problem> {
    if let Some(tag) = tag {
        Conditions::of(request).check(&tag)?;
        answer = answer.header("ETag", tag);
    }
    if operation.etag == Tag::Version {
        let etag = answer
            .headers
            .iter()
            .find(|(n, _)| n == "ETag")
            .map(|(_, v)| v.clone())
            .unwrap_or_default();
        let conditions = Conditions::of(request);
        conditions.check(&etag)?;
        if conditions.has_already(&etag) {
            (answer.status, answer.body) = (304, Bytes::new().into());
            // Nothing about a body that is not sent (RFC 9110, section 15.4.5).
            answer
                .headers
                .retain(|(n, _)| !OF_BODY.contains(&n.as_str()));
        }
    }
    Ok(answer)
}

fn respond(service: &Service, request: &HttpRequest, answer: Answer) -> HttpResponse {
    let is_head = request.method() == Method::HEAD;
    let mut response =
        HttpResponse::build(StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK));
    if answer.status != 304 {
        response.insert_header(("content-type", answer.content_type));
    }
    let mut response = match answer.body {
        _ if answer.status == 304 => response.finish(),
        Body::Whole(bytes) => response.body(bytes),
        Body::Pieces(pieces) => {
            let body = match is_head {
                true => futures_util::stream::empty().boxed(),
                false => (pieces.open)(),
            };
            let activity = request.conn_data::<Connection>().map(Connection::activity);
            let body = body.inspect(move |_| {
                if let Some(activity) = &activity {
                    activity.note();
                }
            });
            match pieces.length {
                // Its ranges and hash refer to the original bytes, so it must not be compressed on
                // the way.
                Some(length) => response
                    .insert_header(("content-encoding", "identity"))
                    .body(SizedStream::new(length, body)),
                None => response.body(BodyStream::new(body)),
            }
        }
    };
    let headers = response.headers_mut();
    common(service, headers);
    let prefix = service.config.serving.prefix();
    for (name, value) in &answer.headers {
        match name.as_str() {
            "Location" if value.starts_with('/') => put(headers, name, &format!("{prefix}{value}")),
            "Link" => put(headers, name, &value.replace("</", &format!("<{prefix}/"))),
            _ => put(headers, name, value),
        }
    }
    response
}

fn refuse(
    service: &Service,
    path: &str,
    id: &str,
    problem: &Problem,
    extension: Option<Extension>,
) -> HttpResponse {
    let code = problem.code;
    let prefix = service.config.serving.prefix();
    let instance: String = prefix.chars().chain(path.chars()).take(2_000).collect();
    let mut body = json!({
        "type": format!("{prefix}/problems/{}", code.slug()), "title": code.title(), "status": code.status(), "detail": problem.detail,
        "instance": instance, "code": code.slug(), "request_id": id, "errors": problem.errors,
    });
    if let Some(extension) = extension.filter(|e| (e.covers)(code.status()))
        && let (Some(body), Value::Object(members)) =
            (body.as_object_mut(), (extension.members)(problem))
    {
        body.extend(members);
    }
    let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponse::build(status)
        .insert_header(("content-type", "application/problem+json"))
        .body(body.to_string());
    let headers = response.headers_mut();
    common(service, headers);
    put_value(headers, REQUEST_ID, id);
    for (name, value) in &problem.headers {
        put(headers, name, value);
    }
    response
}

/// Headers of every response.
fn common(service: &Service, headers: &mut HeaderMap) {
    for (name, value) in [
        ("api-version", API_VERSION),
        ("cache-control", "private, no-cache"),
        ("vary", "Accept, Accept-Encoding, Authorization"),
        ("x-content-type-options", "nosniff"),
        (
            "content-security-policy",
            "default-src 'none'; frame-ancestors 'none'",
        ),
        ("referrer-policy", "no-referrer"),
    ] {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    if service.config.serving.behind_tls {
        headers.insert(
            HeaderName::from_static("strict-transport-security"),
            HeaderValue::from_static("max-age=63072000; includeSubDomains"),
        );
    }
}

fn put(headers: &mut HeaderMap, name: &str, value: &str) {
    if let Ok(name) = HeaderName::try_from(name) {
        put_value(headers, name, value);
    }
}

fn put_value(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::try_from(value) {
        headers.insert(name, value);
    }
}

/// The caller's request id, if it has the documented form, or a new one.
fn request_id(headers: &HeaderMap) -> String {
    let fits = |id: &&str| {
        (1..=64).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    headers
        .get("x-request-id")
        .and_then(|v| v.to_str().ok())
        .filter(fits)
        .map_or_else(|| uuid::Uuid::now_v7().simple().to_string(), str::to_owned)
}
