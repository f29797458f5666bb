//! Calendar feeds: addresses at which a calendar program, which can send no token, reads what their owner may see.
//!
//! The secret in an address is shown once; only its SHA-256 is kept, beside the journal, which says that an address was made and that it
//! was revoked. Whose address it is, and what that account may see, is looked up anew at each request. Marked records never stand in a
//! feed, whatever its owner is cleared for: an address lies in programs and on servers that are not this organisation's.

use std::fmt::Write as _;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::access::caller::{Identity, forbidden, today};
use crate::access::{Caller, secrets};
use crate::auth::accounts::noted;
use crate::db::store::{self, CalendarFeedRow, Side};
use crate::engine::{Author, Outcome, Write};
use crate::http::formats::Format;
use crate::http::operation::{Access, Operation, Tag, id_parameter, query, schema_ref};
use crate::http::{Answer, Call, page};
use crate::policy::{Act, Subject};
use crate::problem::{Code, Problem};
use crate::registers::governance::Board;
use crate::registers::organisation::Unit;
use crate::views::calendar::{DateKind, for_feed, write as write_calendar};
use crate::world::schema::{self, Schemas, add_answer, add_input};
use crate::world::seen::{Seen, Sight};
use crate::world::{Rec, World};

/// Feeds that one account may have.
const MOST: usize = 20;
/// What a feed's owner must be allowed to do for it to show anything.
const SHOWN: (Subject, Act) = (Subject::PlanItem, Act::Read);

/// What a feed shows: with nothing said, every date.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct CalendarFeedFilters {
    /// Dates of these kinds; none: of every kind.
    #[serde(default)]
    #[schema(max_items = 30)]
    pub kinds: Vec<DateKind>,
    /// Dates of what this unit owns, or a unit below it.
    #[serde(default)]
    pub unit_id: Option<Uuid>,
    /// Dates of what belongs to this board or concerns it.
    #[serde(default)]
    pub board_id: Option<Uuid>,
}

/// A feed to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MakeCalendarFeed {
    /// What the calendar is called, in calendar programs too.
    #[schema(min_length = 1, max_length = 200)]
    title: String,
    /// What it shows.
    #[serde(default)]
    filters: CalendarFeedFilters,
}

/// A feed, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct CalendarFeed {
    /// Its id.
    pub id: Uuid,
    /// The account whose it is, and with whose grants it reads.
    pub owner_id: Uuid,
    /// What the calendar is called.
    #[schema(max_length = 200)]
    pub title: String,
    /// What it shows.
    pub filters: CalendarFeedFilters,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was read last, to the day: the first time on that day. Null: never.
    #[schema(required)]
    pub last_used_at: Option<DateTime<Utc>>,
}

/// A new feed with its address, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewCalendarFeed {
    /// The feed.
    pub feed: CalendarFeed,
    /// The address to give to a calendar program. Whoever has it reads the calendar.
    #[schema(max_length = 2000)]
    pub address: String,
}

impl CalendarFeed {
    fn of(row: &CalendarFeedRow) -> Result<Self, Problem> {
        Ok(Self {
            id: row.id.0,
            owner_id: row.owner_id.0,
            title: row.title.clone(),
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
    schemas.insert(
        "CalendarFeedPage".into(),
        schema::page(&schema_ref("CalendarFeed")),
    );
}

/// The operations of this module.
#[must_use]
pub fn operations() -> Vec<Operation> {
    const TAG: &str = "Calendar feeds";
    let secret = json!({ "name": "secret", "in": "path", "required": true, "description": "The secret part of the address.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 100 }, "example": "uM6bX1nKZr0bO0Yz1mC4xw2oJq5TgHfLd8sVYkPaE9I" });
    vec![
        Operation::new("POST", "/api/v1/calendar-feeds", "makeCalendarFeed", Access::Authenticated, make)
            .says(TAG, "Make an address for a calendar program", &format!(
                "Calendar programs send no tokens: they are given an address with a secret in it. It is shown this once; only its hash is kept. What the calendar shows is what the account that made it may see at each moment, by the grants recorded here: without them, disabled, or after `tokens_valid_from` was set, the address leads nowhere. Records marked official_sensitive never stand in a feed. An account has at most {MOST}; who has an address reads the calendar, so revoke one that went astray."
            ))
            .body(&["application/json"], schema_ref("MakeCalendarFeedInput"), json!({ "title": "Audit deadlines", "filters": { "kinds": ["recommendation_deadline", "meeting"] } }))
            .answers(201, "The feed and its address.", schema_ref("NewCalendarFeed"))
            .refuses(&[Code::Forbidden, Code::Conflict]),
        Operation::new("GET", "/api/v1/calendar-feeds", "listCalendarFeeds", Access::Authenticated, list)
            .says(TAG, "List calendar feeds", "The caller's own, youngest first, without their secrets; administrators and auditors see all.")
            .takes([
                page::limit_parameter("Feeds"),
                query("cursor", "`next_cursor` of the page before.", json!({ "type": "string", "format": "uuid", "maxLength": 36 })),
            ])
            .answers(200, "A page of feeds.", schema_ref("CalendarFeedPage")),
        Operation::new("POST", "/api/v1/calendar-feeds/{id}/revoke", "revokeCalendarFeed", Access::Authenticated, revoke)
            .says(TAG, "Revoke a calendar feed", "For its owner and administrators. Once it is answered the address leads nowhere, at whatever replica it is asked; nothing brings it back.")
            .takes([id_parameter("calendar feed")])
            .answers(204, "It is gone.", serde_json::Value::Null)
            .refuses(&[Code::Forbidden]),
        Operation::new("GET", "/api/v1/calendar-feeds/{secret}/calendar.ics", "getCalendarFeed", Access::Public, read)
            .says(TAG, "Read a calendar feed", "iCalendar (RFC 5545): whole days, a month back and a year ahead of today, 10,000 dates at most. Needs no token: the secret in the address is all. An address that is unknown, was revoked, or whose owner may see nothing any more is not found.")
            .takes([secret])
            .media_type(Format::Ics.essence())
            .answers(200, "The calendar.", json!({ "type": "string" }))
            .etag(Tag::Version),
    ]
}

/// A feed lives by the grants recorded for its owner: what a token brings is gone with it.
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
        "a feed reads with the grants recorded for its account, and this one has none to read with; roles that a token brings end with it",
    ))
}

/// What a feed sees: nothing that is marked.
fn seen(world: Arc<World>) -> Seen {
    Seen::now(world, Sight::least())
}

fn check(seen: &Seen, filters: &CalendarFeedFilters) -> Result<(), Problem> {
    let unit = filters
        .unit_id
        .is_none_or(|id| seen.get::<Unit>(id).is_some_and(Rec::is_live));
    let board = filters
        .board_id
        .is_none_or(|id| seen.get::<Board>(id).is_some_and(Rec::is_live));
    let detail = "leads to no record that a feed may show";
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

/// A change that its account makes for itself: the journal notes it on the account, which its owner may not change otherwise.
fn own(call: &Call) -> Result<(Identity, Write), Problem> {
    let (who, mut write) = (call.who()?, call.write()?);
    write.author = Author::System(who.account);
    Ok((who, write))
}

async fn make(call: Call) -> Result<Answer, Problem> {
    call.caller()?.require_write()?;
    let asked: MakeCalendarFeed = call.input()?;
    let (who, write) = own(&call)?;
    let serving = &call.service.config.serving;
    let base = serving
        .public_url
        .clone()
        .unwrap_or_else(|| format!("http://{}", serving.bind));
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
                format!("an account has at most {MOST} feeds; revoke one first"),
            ));
        }
        noted(txn, account, "an address for a calendar program was made")?;
        let row = CalendarFeedRow {
            id: Uuid::now_v7().into(),
            owner_id: account.into(),
            title: asked.title,
            filters: serde_json::to_string(&asked.filters).map_err(Problem::internal)?,
            digest: secrets::digest(&secret),
            created_at: txn.now().into(),
            last_used_at: None,
        };
        let body = NewCalendarFeed {
            feed: CalendarFeed::of(&row)?,
            address: format!(
                "{}/api/v1/calendar-feeds/{secret}/calendar.ics",
                base.trim_end_matches('/')
            ),
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
        .value::<Uuid>("cursor", "the next_cursor of the page before")?;
    let before = before.unwrap_or(Uuid::max());
    let caller = call.caller()?;
    let owner = (!caller.may(Subject::Access, Act::Read)).then_some(caller.account);
    let take = i64::try_from(limit).unwrap_or(200) + 1;
    let found = call
        .service
        .engine
        .read(move |c| store::calendar_feeds_before(c, owner, before, take));
    let mut rows = found.await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|r| r.id.0.to_string());
    let items: Vec<CalendarFeed> = rows
        .iter()
        .map(CalendarFeed::of)
        .collect::<Result<_, _>>()?;
    let answer = Answer::of(
        200,
        &json!({ "items": items, "next_cursor": next, "total": null }),
    )?;
    Ok(match next {
        Some(cursor) => answer.header("Link", page::next_link(&call, &cursor)),
        None => answer,
    })
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
        // An account that was withdrawn takes no more notes; its feeds are dead already.
        if txn
            .world
            .any(owner)
            .is_some_and(|a| a.meta().withdrawn_at.is_none())
        {
            noted(txn, owner, "an address for a calendar program was revoked")?;
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
    // However many programs were given the address.
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
        service.answers.kept(key, || {
            let filters = CalendarFeed::of(&row)?.filters;
            let things = for_feed(
                &seen(world),
                on,
                filters.kinds,
                filters.unit_id,
                filters.board_id,
            );
            let text = write_calendar(&row.title, serving.as_deref(), &things);
            let mut tag = String::from("\"");
            for byte in Sha256::digest(&text).iter().take(16) {
                let _ = write!(tag, "{byte:02x}");
            }
            tag.push('"');
            let answer = Answer {
                status: 200,
                headers: vec![("ETag".into(), tag)],
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

/// Notes that a feed was read, once a day: a calendar program asks every hour, and a write is dear. When it cannot be noted the feed is
/// read all the same.
async fn note_use(call: &Call, row: &CalendarFeedRow) {
    if row
        .last_used_at
        .is_some_and(|at| at.0.date_naive() >= call.on)
    {
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
        log::warn!("the use of calendar feed {id} could not be noted");
    }
}
