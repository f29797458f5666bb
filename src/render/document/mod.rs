//! Documents: headings, paragraphs, lists and tables ([`markup`]), written as Markdown, HTML, Word
//! and, in builds with the feature `pdf`, PDF.

pub mod docx;
pub mod html;
pub mod markdown;
pub mod markup;
#[cfg(feature = "pdf")]
pub mod pdf;

use chrono::{DateTime, Utc};

/// What a document says about itself, apart from its text.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    pub title: &'a str,
    /// Author post.
    pub author: &'a str,
    /// Language, as a BCP 47 tag.
    pub language: &'a str,
    pub at: DateTime<Utc>,
    /// Reference, for the foot of each page.
    pub reference: &'a str,
    /// Protective marking, for the head and the foot of each page.
    pub marking: &'a str,
    /// URL in front of the paths of links. Without one, a document that is read elsewhere has no
    /// links to records, only their references.
    pub base: Option<&'a str>,
}

impl About<'_> {
    /// Where a link leads for a reader who is not connected to the service.
    #[must_use]
    pub fn address(&self, to: &str) -> Option<String> {
        if to.starts_with('/') {
            self.base.map(|base| format!("{base}{to}"))
        } else {
            Some(to.to_owned())
        }
    }
}
