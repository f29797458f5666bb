//! The panel paper: the author's text combined with what the registers hold. It is computed while
//! it is a draft and frozen once it is issued.
//!
//! `compute` makes the content, a pure function of the paper and of the world that it reports on.
//! `layout` turns it into headings, paragraphs, lists and tables, from which Markdown, HTML, DOCX
//! and PDF are written. `issuing` freezes it, and `compared` compares it with the previous paper.

mod actions;
mod compared;
mod compute;
pub mod content;
mod issuing;
mod layout;
mod priorities;
mod progress;
mod queries;
mod reading;
mod references;
mod scope;
mod words;

use std::sync::Arc;

use reading::{Says, says};

pub use content::{PaperContent, PaperUnresolvedReference};
pub use issuing::issue_loaded;
pub use queries::Basis;
pub use references::Found;
pub use scope::{Scope, Sources};

use crate::http::formats::{self, Format};
use crate::http::operation::{Access, Operation, Tag};
use crate::http::parameters::{id_parameter, schema_ref};
use crate::http::resource::{BASE, as_of};
use crate::http::{Answer, Call};
use crate::policy::{Act, Subject};
use crate::problem::Problem;
#[cfg(feature = "pdf")]
use crate::render::document::pdf;
use crate::render::document::{About, docx, html, markdown};
use crate::world::schema::{Schemas, add_answer};
use crate::world::vocabulary::Coded;

/// Formats of a paper other than JSON.
const FORMS: &[Format] = &[Format::Markdown, Format::Html, Format::Docx, Format::Pdf];

async fn read(call: Call) -> Result<Answer, Problem> {
    let key = call.tag.clone().unwrap_or_default();
    let (seen, on) = call.world().await?;
    let says = says(&call, (&seen, on), call.id()?).await?;
    let (service, format) = (Arc::clone(&call.service), call.format);
    let work = move || {
        let base = service.config.serving.public_url.as_deref();
        let base = base.map(|url| url.trim_end_matches('/'));
        let make = || written(says, format, base);
        service.answers.get_or_make(key, make)
    };
    actix_web::web::block(work)
        .await
        .map_err(Problem::internal)?
}

fn written(says: Says, format: Format, base: Option<&str>) -> Result<Answer, Problem> {
    match (format, says) {
        (Format::Json, Says::Frozen(issue, _)) => {
            Ok(Answer::json(200, String::from(issue.content).into()))
        }
        (Format::Json, Says::Now(content)) => Answer::of(200, &content),
        (Format::Markdown, Says::Frozen(issue, _)) => Ok(formats::document(
            Format::Markdown,
            "paper",
            String::from(issue.markdown).into_bytes(),
        )),
        (format, says) => {
            let content = says.content()?;
            let nodes = layout::nodes(&content);
            let marking = content.marking.unwrap_or_default().label();
            let about = About {
                title: &content.paper.title,
                author: content.author.as_ref().map_or("", |a| a.title.as_str()),
                language: &content.language,
                at: content.as_of,
                reference: &content.paper.reference,
                marking: &marking,
                base,
            };
            let bytes = match format {
                Format::Html => html::write(&nodes, &about).into_bytes(),
                Format::Docx => docx::write(&nodes, &about)?,
                #[cfg(feature = "pdf")]
                Format::Pdf => pdf::write(&nodes, &about)?,
                _ => markdown::write(&nodes).into_bytes(),
            };
            let answer = formats::document(format, &content.paper.reference, bytes);
            Ok(if format == Format::Html {
                answer.header("Content-Security-Policy", html::policy(&about))
            } else {
                answer
            })
        }
    }
}

/// Operations on papers, in addition to those of every kind.
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
        "Get the content of a paper",
        "Returns the paper in the order of its template: the author's text, and what the \
            registers hold about what is in scope. A draft is computed from what you may see, as \
            recorded by the end of its `as_of_on`, or now. An issued paper is returned byte for \
            byte as it was frozen, so that the SHA-256 of the JSON and of the Markdown is the \
            one in its issue. Every row and figure has the query that returns it. Formats other \
            than JSON: Markdown, HTML to read and print, DOCX, and PDF (PDF/UA-1). A service \
            built without PDF refuses it with 406.",
    )
    .takes([id_parameter("paper"), as_of(), formats::parameter(FORMS)])
    .answers(200, "The paper.", schema_ref("PaperContent"))
    .etag(Tag::Journal)
    .formats(FORMS);
    vec![content, issuing::operation(), compared::operation()]
}

/// Schemas used by these operations.
pub fn schemas(schemas: &mut Schemas) {
    add_answer::<PaperContent>(schemas);
    compared::schemas(schemas);
}
