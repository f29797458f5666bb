//! Issues: the content of a paper as submitted to the panel, frozen with its hash.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::in_window;
use crate::registers::papers::{Paper, PaperId};
use crate::registers::query::is;
use crate::world::text::Sha256Hex;
use crate::world::walk::unsearched;
use crate::world::{
    Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text, rename,
};

/// A paper as issued. It is created by issuing (`POST /papers/{id}/issue`) and nothing changes it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PaperIssue {
    /// The paper.
    pub paper_id: PaperId,
    /// Version of the paper's record that was issued.
    #[schema(minimum = 1)]
    pub paper_version: i64,
    /// Date it was issued.
    pub issued_on: NaiveDate,
    /// Date used to decide what is overdue.
    pub assessed_on: NaiveDate,
    /// Time up to which recorded data is included.
    pub as_of: DateTime<Utc>,
    /// Number of the last journal entry it is based on, in the journal of the service that issued
    /// it.
    #[schema(minimum = 0)]
    pub journal_seq: i64,
    /// Content, as JSON: byte for byte what `GET /papers/{id}/content` returns.
    #[serde(serialize_with = "unsearched")]
    pub content: Text<2_000_000, 2>,
    /// SHA-256 of the content's UTF-8 bytes, in hexadecimal.
    pub content_sha256: Sha256Hex,
    /// The same content as readable Markdown: byte for byte what `GET
    /// /papers/{id}/content?format=markdown` returns.
    pub markdown: Text<2_000_000, 1>,
    /// SHA-256 of the Markdown's UTF-8 bytes, in hexadecimal.
    pub markdown_sha256: Sha256Hex,
}

/// Narrows a list of issues.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct PaperIssueFilter {
    /// Only the issue of this paper.
    paper_id: Option<PaperId>,
    /// Only the issue whose content or Markdown has this SHA-256.
    sha256: Option<Text<64>>,
    /// Only those issued on or after this date.
    issued_from: Option<NaiveDate>,
    /// Only those issued on or before this date.
    issued_until: Option<NaiveDate>,
}

/// Returns the SHA-256 of a text's UTF-8 bytes, in hexadecimal.
#[must_use]
pub fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

impl Resource for PaperIssue {
    const KIND: &'static str = "paper_issue";
    const PATH: &'static str = "paper-issues";
    const PREFIX: &'static str = "PIS";
    const SUBJECT: Subject = Subject::Paper;
    const ABOUT: &'static str = "Papers as issued: the frozen content as JSON and as Markdown, \
        each with its SHA-256, and the journal entry it is based on. Issuing creates them (`POST \
        /papers/{id}/issue`) and nothing changes them. Withdrawing one recalls its paper.";
    const SHAPE: i32 = 2;
    const APPEND_ONLY: bool = true;
    const OFFERS_CREATE: bool = false;
    type Computed = NothingComputed;
    type Filter = PaperIssueFilter;

    fn example() -> Value {
        let (content, markdown) = ("{}", "# A paper\n");
        json!({
            "paper_id": "019abcde-0000-7000-8000-000000000001", "paper_version": 3, "issued_on": "2020-10-19", "assessed_on": "2020-10-19",
            "as_of": "2020-10-19T09:00:00Z", "journal_seq": 4711,
            "content": content, "content_sha256": sha256(content), "markdown": markdown, "markdown_sha256": sha256(markdown)
        })
    }
    /// The date was one that the paper was judged on.
    fn lift(snapshot: &mut Map<String, Value>, _: i32) {
        rename(snapshot, "judged_on", "assessed_on");
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::within([self.paper_id])
    }
    // S37, Q8
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        for (pointer, text, hash) in [
            ("/content_sha256", &*self.content, &self.content_sha256),
            ("/markdown_sha256", &*self.markdown, &self.markdown_sha256),
        ] {
            rules.require(
                sha256(text) == *hash,
                pointer,
                "not_the_hash",
                "is not the SHA-256 of the text; give the SHA-256 of its UTF-8 bytes",
            );
        }
        let own = rules.meta.id;
        let earlier =
            Paper::issues(rules.reading.world, self.paper_id.uuid()).any(|i| i.meta.id != own);
        rules.require(
            !earlier,
            "/paper_id",
            "issued",
            "the paper was already issued and can be issued only once; write another that \
                supersedes it (supersedes_id)",
        );
    }
    fn touches(&self) -> Vec<Uuid> {
        vec![self.paper_id.uuid()]
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "issued_on",
            key: |r| Key::from(Some(r.data.issued_on)),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, _: Reading<'_>) -> bool {
        is(&f.paper_id, &r.data.paper_id)
            && f.sha256
                .as_ref()
                .is_none_or(|h| *h == r.data.content_sha256 || *h == r.data.markdown_sha256)
            && in_window(Some(r.data.issued_on), (f.issued_from, f.issued_until))
    }
    fn pivot(f: &Self::Filter) -> Option<Uuid> {
        f.paper_id.map(Uuid::from)
    }
}
