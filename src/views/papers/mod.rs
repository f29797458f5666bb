//! The panel paper: the author's words, and between them what the registers hold; computed while it is a draft, frozen once it is issued.
//!
//! `compute` makes the content, a pure function of the paper and of the world that it reports on. `layout` puts it into headings,
//! paragraphs, lists and tables, and of those Markdown, HTML and DOCX are written. `issuing` freezes it, `compared` sets it beside
//! the paper before.

mod actions;
mod compared;
mod compute;
mod content;
mod docx;
mod html;
mod issuing;
mod layout;
mod markdown;
mod markup;
mod priorities;
mod progress;
mod queries;
mod references;

use std::sync::Arc;

use chrono::NaiveDate;
use uuid::Uuid;

pub use compute::{Scope, Sources};
pub use content::{PaperContent, UnresolvedReference};
pub use issuing::issue_loaded;
pub use queries::Basis;
pub use references::Found;

use crate::http::formats::{self, Format};
use crate::http::operation::{Access, Operation, Tag, id_parameter, schema_ref};
use crate::http::resource::{BASE, as_of};
use crate::http::{Answer, Call};
use crate::policy::{Act, Subject};
use crate::problem::Problem;
use crate::registers::papers::{Paper, PaperIssue};
use crate::world::Rec;
use crate::world::schema::{Schemas, add_answer};
use crate::world::seen::Seen;
use content::PaperState;

/// The forms that a paper is written in beside JSON.
const FORMS: &[Format] = &[Format::Markdown, Format::Html, Format::Docx];

/// What a paper says, as its reader may know of it.
enum Says {
    /// What was frozen.
    Frozen(Box<PaperIssue>),
    Now(Box<PaperContent>),
}

impl Says {
    /// The content, to be written in another form.
    fn content(self) -> Result<PaperContent, Problem> {
        match self {
            Self::Now(content) => Ok(*content),
            Self::Frozen(issue) => serde_json::from_str(&issue.content).map_err(Problem::internal),
        }
    }
}

/// The issue of a paper, also one that was withdrawn: a recalled paper still says what it said.
fn issue_of<'a>(seen: &'a Seen, paper: &Rec<Paper>) -> Option<&'a Rec<PaperIssue>> {
    let id = paper.meta.id;
    let issues = seen
        .pointing_to(id)
        .filter_map(|r| r.as_any().downcast_ref::<Rec<PaperIssue>>());
    issues
        .filter(|i| i.data.paper_id == id)
        .max_by_key(|i| (i.is_live(), i.meta.created_at))
}

/// What a paper says. `(seen, on)`: the world that its record stands in, and the day that this is.
async fn says(call: &Call, (seen, on): (&Seen, NaiveDate), id: Uuid) -> Result<Says, Problem> {
    let paper = seen.get::<Paper>(id).ok_or_else(Problem::not_found)?;
    if paper.is_frozen() {
        // An issue that is marked more strictly than its paper is there only for who may see it.
        let issue = issue_of(seen, paper).ok_or_else(Problem::not_found)?;
        return Ok(Says::Frozen(Box::new(issue.data.clone())));
    }
    let basis = match paper.data.as_of_on.filter(|d| *d < on) {
        Some(day) => {
            let found = call.service.engine.world_at(queries::end_of(day)).await?;
            Basis::of_day(call.seen_at(found), day)
        }
        None => match call.query.moment("as_of")? {
            Some(_) if call.query.get("as_of").is_some_and(|t| t.len() == 10) => {
                Basis::of_day(seen.clone(), on)
            }
            Some(at) => Basis::of_moment(seen.clone(), on, at),
            None => Basis::of_moment(seen.clone(), on, call.last_entry_at()),
        },
    };
    let seen = seen.clone();
    let work = move || {
        let paper = seen.get::<Paper>(id).ok_or_else(Problem::not_found)?;
        let sources = Sources {
            paper,
            seen: &seen,
            basis: &basis,
        };
        Ok(Says::Now(Box::new(compute::content(
            &sources,
            PaperState::Draft,
        ))))
    };
    actix_web::web::block(work)
        .await
        .map_err(Problem::internal)?
}

async fn read(call: Call) -> Result<Answer, Problem> {
    let key = call.tag.clone().unwrap_or_default();
    let (seen, on) = call.world().await?;
    let says = says(&call, (&seen, on), call.id()?).await?;
    let (service, format) = (Arc::clone(&call.service), call.format);
    let work = move || service.answers.kept(key, || written(says, format));
    actix_web::web::block(work)
        .await
        .map_err(Problem::internal)?
}

fn written(says: Says, format: Format) -> Result<Answer, Problem> {
    match (format, says) {
        (Format::Json, Says::Frozen(issue)) => Ok(Answer::json(200, issue.content.into())),
        (Format::Json, Says::Now(content)) => Answer::of(200, &content),
        (Format::Markdown, Says::Frozen(issue)) => Ok(formats::document(
            Format::Markdown,
            "paper",
            issue.markdown.into_bytes(),
        )),
        (format, says) => {
            let content = says.content()?;
            let nodes = layout::nodes(&content);
            let title = &content.paper.name;
            let bytes = match format {
                Format::Html => html::write(&nodes, title, &content.language).into_bytes(),
                Format::Docx => {
                    let about = docx::About {
                        title,
                        author: content.author.as_ref().map_or("", |a| a.name.as_str()),
                        language: &content.language,
                        at: content.as_of,
                    };
                    docx::write(&nodes, &about)?
                }
                _ => markdown::write(&nodes).into_bytes(),
            };
            let answer = formats::document(format, &content.paper.reference, bytes);
            Ok(if format == Format::Html {
                answer.header("Content-Security-Policy", html::policy())
            } else {
                answer
            })
        }
    }
}

/// The operations of papers beside those of every kind.
pub fn operations() -> Vec<Operation> {
    let content = Operation::new(
        "GET",
        format!("{BASE}/papers/{{id}}/content"),
        "getPaperContent",
        Access::Needs(Subject::Paper, Act::Read),
        read,
    )
    .says(
        "Papers",
        "What a paper says",
        "The paper in the order of its template: the author's words, and what the registers hold of what is in scope. A draft is computed from what you may see, as recorded by the end of its `as_of_on`, or now; an issued paper is answered byte for byte as it was frozen, so that the SHA-256 of the JSON and of the Markdown is the one in its issue. Every row and figure bears the query that leads to it. Beside JSON: Markdown, HTML to read and print, and DOCX.",
    )
    .takes([id_parameter("paper"), as_of(), formats::parameter(FORMS)])
    .answers(200, "The paper.", schema_ref("PaperContent"))
    .etag(Tag::Journal)
    .formats(FORMS);
    vec![content, issuing::operation(), compared::operation()]
}

/// The schemas that they use.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<PaperContent>(schemas);
    compared::schemas(schemas);
}
