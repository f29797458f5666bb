//! Calendar feeds. Calendar programs cannot send tokens, so each feed has a URL at which they can
//! read what the feed's owner may see.
//!
//! The secret in the URL is returned once. Only its SHA-256 is kept, outside the journal; the
//! journal records that the URL was created and that it was revoked. The owner and what the owner's
//! account may see are looked up again for every request. Marked records are never in a feed, even
//! if they are visible to the owner: programs and servers of other organisations store the URL.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::caller::forbidden;
use crate::access::identity::Identity;
use crate::access::{Caller, secrets};
use crate::auth::accounts::noted;
use crate::db::store::{self, CalendarFeedRow, Side};
use crate::engine::{Author, Outcome, Write};
use crate::http::formats::Format;
use crate::http::operation::{Access, Operation, Tag};
use crate::http::parameters::{id_parameter, query, schema_ref};
use crate::http::{Answer, Call, page};
use crate::policy::{Act, Subject};
use crate::problem::{Code, Problem};
use crate::registers::governance::Board;
use crate::registers::organisation::Unit;
use crate::views::calendar::{for_feed, write as write_calendar};
use crate::world::calendar::{day_of, today};
use crate::world::calendar_entry_kind::CalendarEntryKind;
use crate::world::schema::{Schemas, add_answer, add_input};
use crate::world::visible::{Visibility, VisibleWorld};
use crate::world::{Page, Text, World};

/// Maximum number of feeds of one account.
const MOST: usize = 20;
/// What a feed's owner must be allowed to do for the feed to be served.
const SHOWN: (Subject, Act) = (Subject::PlanItem, Act::Read);

/// Filters for the dates in a feed. Without filters, it has every date.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct CalendarFeedFilters {
    /// Only dates of these kinds. If empty, dates of every kind.
    #[serde(default)]
    #[schema(max_items = 30)]
    pub kinds: Vec<CalendarEntryKind>,
    /// Only dates of records owned by this unit or a unit below it.
    #[serde(default)]
    pub unit_id: Option<Uuid>,
    /// Only dates of records that belong to this board or concern it.
    #[serde(default)]
    pub board_id: Option<Uuid>,
}

/// A feed to be created.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MakeCalendarFeed {
    /// Name of the calendar, also displayed in calendar programs.
    title: Text<200, 1>,
    /// Which dates the feed contains.
    #[serde(default)]
    filters: CalendarFeedFilters,
}

/// A calendar feed, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct CalendarFeed {
    /// Id.
    pub id: Uuid,
    /// Account that owns the feed. The feed is read with the grants of this account.
    pub owner_id: Uuid,
    /// Name of the calendar.
    pub title: Text<200>,
    /// Which dates the feed contains.
    pub filters: CalendarFeedFilters,
    /// When the feed was created.
    pub created_at: DateTime<Utc>,
    /// Time of the first read on the most recent day the feed was read. Null if it was never read.
    #[schema(required)]
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A new feed with its URL, which is returned only once.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewCalendarFeed {
    /// The new feed.
    pub feed: CalendarFeed,
    /// URL to enter in a calendar program. Anyone who has it can read the calendar.
    pub address: Text<2000>,
}

impl CalendarFeed {
    fn of(row: &CalendarFeedRow) -> Result<Self, Problem> {
        Ok(Self {
            id: row.id.0,
            owner_id: row.owner_id.0,
            title: Text::cut(row.title.clone()),
            filters: serde_json::from_str(&row.filters).map_err(Problem::internal)?,
            created_at: row.created_at.0,
            last_used_at: row.last_used_at.map(|at| at.0),
        })
    }
}

/// The schemas of this module.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<NewCalendarFeed>(schemas);
    add_input::<MakeCalendarFeed>(schemas);
    add_answer::<Page<CalendarFeed>>(schemas);
}

/// The operations of this module.
#[must_use]
pub fn operations() -> Vec<Operation> {
    const TAG: &str = "Calendar feeds";
    let secret = json!({ "name": "secret", "in": "path", "required": true, "description": "The secret part of the feed's URL.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 100 }, "example": "uM6bX1nKZr0bO0Yz1mC4xw2oJq5TgHfLd8sVYkPaE9I" });
    vec![
        Operation::new("POST", "/api/v1/calendar-feeds", "createCalendarFeed", Access::Authenticated, make)
            .says(TAG, "Create a calendar feed", &format!(
                "Calendar programs cannot send tokens, so each feed has a URL with a secret in \
                    it. The URL is returned only once; only a hash of the secret is kept. The \
                    feed contains what the account that created it may see at the time of \
                    reading, using only the grants recorded here. The URL returns 404 if the \
                    account has no such grants, is disabled, or has a `tokens_valid_from` set \
                    after the feed was created. Records marked official_sensitive are never in a \
                    feed. An account has at most {MOST} feeds. Anyone who has the URL can read \
                    the calendar, so revoke the feed if the URL is disclosed."
            ))
            .body(&["application/json"], schema_ref("MakeCalendarFeedInput"), json!({ "title": "Audit deadlines", "filters": { "kinds": ["recommendation_deadline", "meeting"] } }))
            .answers(201, "The feed and its URL.", schema_ref("NewCalendarFeed"))
            .refuses(&[Code::Forbidden, Code::Conflict]),
        Operation::new("GET", "/api/v1/calendar-feeds", "listCalendarFeeds", Access::Authenticated, list)
            .says(TAG, "List calendar feeds", "Returns the caller's own feeds, newest first, \
                without their secrets. Administrators and auditors see all feeds.")
            .takes([
                page::limit_parameter("Feeds"),
                query("cursor", "`next_cursor` of the previous page.", json!({ "type": "string", "format": "uuid", "maxLength": 36 })),
            ])
            .answers(200, "A page of feeds.", schema_ref("CalendarFeedPage")),
        Operation::new("POST", "/api/v1/calendar-feeds/{id}/revoke", "revokeCalendarFeed", Access::Authenticated, revoke)
            .says(TAG, "Revoke a calendar feed", "Allowed for the feed's owner and for \
                administrators. From then on the URL returns 404 on every replica. A revoked \
                feed cannot be restored.")
            .takes([id_parameter("calendar feed")])
            .answers(204, "The feed is revoked.", serde_json::Value::Null)
            .refuses(&[Code::Forbidden]),
        Operation::new("GET", "/api/v1/calendar-feeds/{secret}/calendar.ics", "getCalendarFeed", Access::Public, read)
            .says(TAG, "Read a calendar feed", "Returns iCalendar (RFC 5545) with all-day \
                entries, from a month ago to a year ahead, at most 10,000. Needs no token, only \
                the secret in the URL. Returns 404 if the URL is unknown or revoked, or if its \
                owner may no longer see anything.")
            .takes([secret])
            .media_type(Format::Ics.essence())
            .answers(200, "The calendar.", json!({ "type": "string" }))
            .etag(Tag::Version),
    ]
}

/// A feed uses only the grants recorded for its owner, because roles from a token end with the
/// token.
fn lasting(world: &World, who: &Identity) -> Result<Caller, Problem> {
    let recorded = Identity {
        acting_as: None,
        external: None,
        ..who.clone()
    };
    let caller = Caller::resolve(world, &recorded, today())?;
    if caller.may(SHOWN.0, SHOWN.1) {
        return Ok(caller);
    }
    Err(Problem::new(
        Code::Forbidden,
        "a feed uses the grants recorded for its account, and this account has none that allow \
            reading; roles from a token do not count, because they end with the token",
    ))
}

/// What a feed may contain: nothing that is marked.
fn seen(world: Arc<World>) -> VisibleWorld {
    VisibleWorld::now(world, Visibility::least())
}

fn check(seen: &VisibleWorld, filters: &CalendarFeedFilters) -> Result<(), Problem> {
    let unit = filters
        .unit_id
        .is_none_or(|id| seen.get::<Unit>(id).is_some_and(|u| seen.is_live(u)));
    let board = filters
        .board_id
        .is_none_or(|id| seen.get::<Board>(id).is_some_and(|b| seen.is_live(b)));
    let detail = "does not name a record that a feed may contain";
    match (unit, board) {
        (false, _) => Err(Problem::field(
            Code::InvalidBody,
            "/filters/unit_id",
            "not_found",
            detail,
        )),
        (_, false) => Err(Problem::field(
            Code::InvalidBody,
            "/filters/board_id",
            "not_found",
            detail,
        )),
        _ => Ok(()),
    }
}

/// A change that an account makes for itself. It is noted in the journal on the account, which the
/// owner cannot change otherwise.
fn own(call: &Call) -> Result<(Identity, Write), Problem> {
    let (who, mut write) = (call.who()?, call.write()?);
    write.author = Author::System(who.account);
    Ok((who, write))
}

async fn make(call: Call) -> Result<Answer, Problem> {
    call.caller()?.require_write()?;
    let asked: MakeCalendarFeed = call.input()?;
    let (who, write) = own(&call)?;
    let base = call.service.config.serving.base();
    let secret = secrets::random();
    call.change(write, move |txn| {
        let caller = lasting(&txn.world, &who)?;
        check(&seen(Arc::new(txn.world.clone())), &asked.filters)?;
        let account = caller.account;
        let most = i64::try_from(MOST).unwrap_or(i64::MAX);
        let has = txn.ask(|c| store::calendar_feeds_before(c, Some(account), Uuid::max(), most))?;
        if has.len() >= MOST {
            return Err(Problem::new(
                Code::Conflict,
                format!("an account can have at most {MOST} calendar feeds; revoke one first"),
            ));
        }
        noted(txn, account, "a calendar feed was created")?;
        let row = CalendarFeedRow {
            id: Uuid::now_v7().into(),
            owner_id: account.into(),
            title: asked.title.to_string(),
            filters: serde_json::to_string(&asked.filters).map_err(Problem::internal)?,
            digest: secrets::digest(&secret),
            created_at: txn.now().into(),
            last_used_at: None,
        };
        let body = NewCalendarFeed {
            feed: CalendarFeed::of(&row)?,
            address: Text::known(format!(
                "{base}/api/v1/calendar-feeds/{secret}/calendar.ics"
            )),
        };
        txn.beside(Side::CalendarFeed(row));
        Ok(Answer::of(201, &body)?.into())
    })
    .await
}

async fn list(call: Call) -> Result<Answer, Problem> {
    let limit = page::limit(&call.query)?;
    let before = call
        .query
        .value::<Uuid>("cursor", "the next_cursor of the previous page")?;
    let before = before.unwrap_or(Uuid::max());
    let caller = call.caller()?;
    let owner = (!caller.may(Subject::Access, Act::Read)).then_some(caller.account);
    let take = i64::try_from(limit).unwrap_or(200) + 1;
    let found = call
        .service
        .engine
        .read(move |c| store::calendar_feeds_before(c, owner, before, take));
    let page = Page::of(found.await?, limit, |r| r.id.0.to_string());
    page::answer(&call, &page.try_map(|r| CalendarFeed::of(&r))?)
}

async fn revoke(call: Call) -> Result<Answer, Problem> {
    call.caller()?.require_write()?;
    let (id, (who, write)) = (call.id()?, own(&call)?);
    call.change(write, move |txn| {
        let caller = Caller::resolve(&txn.world, &who, today())?;
        let row = txn
            .ask(|c| store::calendar_feed(c, id))?
            .ok_or_else(Problem::not_found)?;
        let owner = row.owner_id.0;
        if owner != caller.account {
            if !caller.may(Subject::Access, Act::Read) {
                return Err(Problem::not_found());
            }
            if !caller.may_on(&txn.world, Subject::Access, Act::Update, owner) {
                return Err(forbidden(&caller, Subject::Access, Act::Update));
            }
        }
        // A withdrawn account cannot have new notes, and its feeds no longer work anyway.
        if txn
            .world
            .any(owner)
            .is_some_and(|a| a.meta().withdrawn_at.is_none())
        {
            noted(txn, owner, "a calendar feed was revoked")?;
        }
        txn.beside(Side::EndCalendarFeed(id));
        Ok(Outcome {
            status: 204,
            ..Outcome::default()
        })
    })
    .await
}

async fn read(call: Call) -> Result<Answer, Problem> {
    let service = Arc::clone(&call.service);
    let digest = secrets::digest(call.param("secret").unwrap_or_default());
    let row = service
        .engine
        .read(move |c| store::calendar_feed_by_digest(c, &digest))
        .await?;
    let row = row.ok_or_else(Problem::not_found)?;
    // One limit for each feed, however many programs use its URL.
    service
        .limits
        .call(&format!("calendar feed {}", row.id.0))?;
    let world = service.engine.fresh().await?;
    let owner = Identity {
        account: row.owner_id.0,
        issued_at: row.created_at.0.timestamp(),
        acting_as: None,
        read_only: true,
        external: None,
    };
    lasting(&world, &owner).map_err(|_| Problem::not_found())?;
    note_use(&call, &row).await;
    let (on, serving) = (call.on, service.config.serving.public_url.clone());
    let key = format!("calendar feed {} {} {on}", row.id.0, world.seq);
    let service = Arc::clone(&call.service);
    let work = move || {
        service.answers.get_or_make(key, || {
            let filters = CalendarFeed::of(&row)?.filters;
            let things = for_feed(
                &seen(world),
                on,
                filters.kinds,
                filters.unit_id,
                filters.board_id,
            );
            let text = write_calendar(&row.title, serving.as_deref(), &things);
            let mut digest = hex::encode(Sha256::digest(&text));
            digest.truncate(32);
            let answer = Answer {
                status: 200,
                headers: vec![("ETag".into(), format!("\"{digest}\""))],
                content_type: Format::Ics.sent(),
                body: text.into_bytes().into(),
            };
            Ok(answer.header("Content-Disposition", "inline; filename=\"stride.ics\""))
        })
    };
    actix_web::web::block(work)
        .await
        .map_err(Problem::internal)?
}

/// Records that a feed was read, once a day: calendar programs ask every hour, and writes are
/// costly. If this fails, the feed is still returned.
async fn note_use(call: &Call, row: &CalendarFeedRow) {
    if row.last_used_at.is_some_and(|at| day_of(at.0) >= call.on) {
        return;
    }
    let id = row.id.0;
    let write = Write::system(Uuid::nil(), "a calendar feed was read");
    let noted = call.service.engine.write(write, move |txn| {
        let at = txn.now();
        txn.beside(Side::CalendarFeedUsed { id, at });
        Ok(Outcome::default())
    });
    if noted.await.is_err() {
        log::warn!("the use of calendar feed {id} could not be recorded");
    }
}
