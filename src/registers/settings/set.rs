//! A set of settings: what views, scores and releases use from a given date. It belongs to the
//! organisation. Built-in values apply until there is one.

use std::sync::LazyLock;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{in_window, not_in_future};
use crate::registers::risk::{RiskAppetite, RiskBand};
use crate::world::visible::VisibleWorld;
use crate::world::{Key, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, Text, World};

/// When the computed RAG rating of a work-plan item changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RagThresholds {
    /// Number of days past its deadline after which an item is red. Until then it is amber.
    #[schema(minimum = 0, maximum = 366)]
    pub late_is_red_after_days: i64,
    /// Number of days before its deadline from which an item that has not started is amber.
    #[schema(minimum = 0, maximum = 366)]
    pub not_started_is_amber_within_days: i64,
}

/// The products of likelihood and impact that one band covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScoreBand {
    /// The band.
    pub band: RiskBand,
    /// Lowest product in the band.
    #[schema(minimum = 1, maximum = 25)]
    pub from: u8,
    /// Highest product in the band.
    #[schema(minimum = 1, maximum = 25)]
    pub to: u8,
}

/// The highest product that an appetite accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppetiteLimit {
    /// The appetite.
    pub appetite: RiskAppetite,
    /// Highest product accepted. A current score with a higher product is above the appetite.
    #[schema(minimum = 1, maximum = 25)]
    pub highest_product: u8,
}

/// When a risk must be escalated to a board, and how soon the board must acknowledge it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EscalationRule {
    /// Product at which a risk must be escalated: every open risk whose current product is this or
    /// higher.
    #[schema(minimum = 1, maximum = 25)]
    pub from_product: u8,
    /// Whether every open risk above its appetite must be escalated too.
    pub above_appetite: bool,
    /// Number of days within which a board must acknowledge an escalation.
    #[schema(minimum = 1, maximum = 366)]
    pub acknowledge_within_days: i64,
}

/// When figures about small numbers of people are suppressed on release, and how counts are
/// rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Suppression {
    /// Counts from 1 up to, but not including, this number are suppressed. 0 and 1 suppress
    /// nothing.
    #[schema(minimum = 0, maximum = 1000)]
    pub below: u32,
    /// Counts are rounded to the nearest multiple of this number. 1 means no rounding.
    #[schema(minimum = 1, maximum = 1000)]
    pub round_to: u32,
}

/// Thresholds for reporting gaps, where the organisation can choose them, and how long a gap may be
/// waived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct GapThresholds {
    /// Number of days after a recommendation was reported beyond which the lack of any management
    /// response is a gap. Also the number of days without an update beyond which a claim rejected
    /// by audit counts as not taken up.
    #[schema(minimum = 0, maximum = 366, default = 28)]
    pub response_after_days: i64,
    /// Number of extensions from which the deadline of a recommendation counts as extended
    /// repeatedly.
    #[schema(minimum = 1, maximum = 100, default = 2)]
    pub many_extensions: u32,
    /// Number of deferrals from which an action counts as deferred repeatedly.
    #[schema(minimum = 1, maximum = 100, default = 2)]
    pub many_deferrals: u32,
    /// Number of days after a meeting within which its minutes must be recorded and approved.
    #[schema(minimum = 0, maximum = 366, default = 92)]
    pub minutes_after_days: i64,
    /// Number of the board's latest meetings that a constituency must have missed for its seat to
    /// count as held but not filled.
    #[schema(minimum = 1, maximum = 12, default = 3)]
    pub missed_meetings: u32,
    /// Number of days after the end of their period beyond which missing figures are overdue.
    #[schema(minimum = 0, maximum = 366, default = 30)]
    pub figures_after_days: i64,
    /// Number of days after its end within which a campaign or activity must be evaluated.
    #[schema(minimum = 0, maximum = 366, default = 14)]
    pub evaluated_after_days: i64,
    /// Maximum number of days for which a gap can be waived at one time.
    #[schema(minimum = 1, maximum = 3660, default = 366)]
    pub longest_waiver_days: i64,
}

impl Default for GapThresholds {
    fn default() -> Self {
        Self {
            response_after_days: 28,
            many_extensions: 2,
            many_deferrals: 2,
            minutes_after_days: 92,
            missed_meetings: 3,
            figures_after_days: 30,
            evaluated_after_days: 14,
            longest_waiver_days: 366,
        }
    }
}

/// How findings are weighed: their severity and their rank in the attention list follow from points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct AttentionWeights {
    /// Points for a rule of high severity. A finding with this many points or more is of high
    /// severity.
    #[schema(minimum = 1, maximum = 1000, default = 40)]
    pub high: i64,
    /// Points for a rule of medium severity. A finding with this many points or more is of medium
    /// severity.
    #[schema(minimum = 1, maximum = 1000, default = 20)]
    pub medium: i64,
    /// Points for a rule of low severity.
    #[schema(minimum = 0, maximum = 1000, default = 5)]
    pub low: i64,
    /// Points if the record is overdue.
    #[schema(minimum = 0, maximum = 1000, default = 20)]
    pub overdue: i64,
    /// Points for each further 30 days overdue.
    #[schema(minimum = 0, maximum = 1000, default = 2)]
    pub overdue_each_30_days: i64,
    /// Most points for further days overdue.
    #[schema(minimum = 0, maximum = 1000, default = 9)]
    pub overdue_at_most: i64,
    /// Points for each open record that waits for the record.
    #[schema(minimum = 0, maximum = 1000, default = 4)]
    pub awaited_each: i64,
    /// Most points for records that wait.
    #[schema(minimum = 0, maximum = 1000, default = 25)]
    pub awaited_at_most: i64,
    /// Points for each step of importance: from -2 (advice, low risk) to 4 (audit recommendation of
    /// critical priority).
    #[schema(minimum = 0, maximum = 1000, default = 5)]
    pub importance: i64,
    /// Points for each deferral or extension.
    #[schema(minimum = 0, maximum = 1000, default = 3)]
    pub deferred_each: i64,
    /// Most points for deferrals and extensions.
    #[schema(minimum = 0, maximum = 1000, default = 9)]
    pub deferred_at_most: i64,
    /// Points if what is recorded contradicts a claim.
    #[schema(minimum = 0, maximum = 1000, default = 20)]
    pub contradicted: i64,
    /// Number of parts of a record that lack the same detail from which they are one finding on that
    /// record.
    #[schema(minimum = 2, maximum = 1000, default = 3)]
    pub group_from: u32,
}

impl Default for AttentionWeights {
    fn default() -> Self {
        Self {
            high: 40,
            medium: 20,
            low: 5,
            overdue: 20,
            overdue_each_30_days: 2,
            overdue_at_most: 9,
            awaited_each: 4,
            awaited_at_most: 25,
            importance: 5,
            deferred_each: 3,
            deferred_at_most: 9,
            contradicted: 20,
            group_from: 3,
        }
    }
}

/// A set of settings. Anything left out has its built-in value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingSet {
    /// Date from which the set applies. Must not be in the future. The set with the latest date
    /// applies. Of two with the same date, the one recorded later applies.
    pub in_force_from: NaiveDate,
    /// Why it was set, and who decided it.
    #[serde(default)]
    pub note: Option<Text<2000>>,
    /// Number of days before the due date from which something counts as due soon.
    #[serde(default = "due_soon")]
    #[schema(minimum = 1, maximum = 366, default = 28)]
    pub due_soon_days: i64,
    /// Number of days without an update after which something counts as stale.
    #[serde(default = "stale_after")]
    #[schema(minimum = 1, maximum = 3660, default = 60)]
    pub stale_after_days: i64,
    /// Number of days after which a claim that has not been verified counts as long unverified.
    #[serde(default = "unverified_after")]
    #[schema(minimum = 1, maximum = 3660, default = 90)]
    pub unverified_after_days: i64,
    /// Number of days before its rotation from which a seat counts as due soon, so that the next
    /// holder can be found.
    #[serde(default = "rotation_soon")]
    #[schema(minimum = 1, maximum = 366, default = 90)]
    pub rotation_soon_days: i64,
    /// When the computed RAG rating of a work-plan item changes.
    #[serde(default = "rag")]
    pub rag: RagThresholds,
    /// Bands for scores. Every product of two numbers from 1 to 5 must be in exactly one band.
    #[serde(default = "bands")]
    #[schema(min_items = 1, max_items = 4)]
    pub score_bands: Vec<ScoreBand>,
    /// Highest product that each appetite accepts.
    #[serde(default = "limits")]
    #[schema(max_items = 5)]
    pub appetite_limits: Vec<AppetiteLimit>,
    /// When a risk must be escalated.
    #[serde(default = "escalation")]
    pub escalation: EscalationRule,
    /// When figures about small numbers of people are suppressed.
    #[serde(default = "hide")]
    pub suppression: Suppression,
    /// Thresholds for reporting gaps.
    #[serde(default)]
    pub gaps: GapThresholds,
    /// How findings are weighed.
    #[serde(default)]
    pub attention: AttentionWeights,
}

fn due_soon() -> i64 {
    28
}
fn stale_after() -> i64 {
    60
}
fn unverified_after() -> i64 {
    90
}
fn rotation_soon() -> i64 {
    90
}
fn rag() -> RagThresholds {
    RagThresholds {
        late_is_red_after_days: 0,
        not_started_is_amber_within_days: 28,
    }
}
/// The risk matrix of the National Patient Safety Agency (2008).
fn bands() -> Vec<ScoreBand> {
    use RiskBand::{Extreme, High, Low, Moderate};
    [
        (Low, 1, 3),
        (Moderate, 4, 6),
        (High, 8, 12),
        (Extreme, 15, 25),
    ]
    .map(|(band, from, to)| ScoreBand { band, from, to })
    .to_vec()
}
fn limits() -> Vec<AppetiteLimit> {
    use RiskAppetite::{Averse, Cautious, Eager, Minimal, Open};
    [
        (Averse, 3),
        (Minimal, 4),
        (Cautious, 8),
        (Open, 12),
        (Eager, 20),
    ]
    .map(|(appetite, highest_product)| AppetiteLimit {
        appetite,
        highest_product,
    })
    .to_vec()
}
fn escalation() -> EscalationRule {
    EscalationRule {
        from_product: 15,
        above_appetite: true,
        acknowledge_within_days: 28,
    }
}
fn hide() -> Suppression {
    Suppression {
        below: 10,
        round_to: 5,
    }
}

impl Default for SettingSet {
    fn default() -> Self {
        Self {
            in_force_from: NaiveDate::MIN,
            note: None,
            due_soon_days: due_soon(),
            stale_after_days: stale_after(),
            unverified_after_days: unverified_after(),
            rotation_soon_days: rotation_soon(),
            rag: rag(),
            score_bands: bands(),
            appetite_limits: limits(),
            escalation: escalation(),
            suppression: hide(),
            gaps: GapThresholds::default(),
            attention: AttentionWeights::default(),
        }
    }
}

/// Which settings a view was computed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingsUsed {
    /// The set. Null for the built-in values, and for a set that is not visible to the caller.
    pub id: Option<Uuid>,
    /// Reference of the set. `built-in` if there is no set, `withheld` if it is not visible to the
    /// caller.
    pub reference: Text<60>,
    /// Version of the set. 0 if no set is named.
    #[schema(minimum = 0)]
    pub version: i64,
}

/// The set in force in this world, if there is one.
fn latest(world: &World) -> Option<&Rec<SettingSet>> {
    world
        .live::<SettingSet>()
        .max_by_key(|r| (r.data.in_force_from, r.meta.created_at, r.meta.id))
}

/// The settings in force in this world.
#[must_use]
pub fn in_force(world: &World) -> &SettingSet {
    static BUILT_IN: LazyLock<SettingSet> = LazyLock::new(SettingSet::default);
    latest(world).map_or(&BUILT_IN, |set| &set.data)
}

impl SettingsUsed {
    fn unnamed(reference: &str) -> Self {
        Self {
            id: None,
            reference: Text::cut(reference),
            version: 0,
        }
    }

    fn of(world: &World) -> Self {
        latest(world).map_or_else(
            || Self::unnamed("built-in"),
            |set| Self {
                id: Some(set.meta.id),
                reference: (&set.meta.reference).into(),
                version: set.meta.version,
            },
        )
    }

    /// A marked set applies to everyone, but it is named only to callers who may see it.
    fn known(self, seen: &VisibleWorld) -> Self {
        match self.id {
            Some(id) if !seen.may_see(id) => Self::unnamed("withheld"),
            _ => self,
        }
    }
}

/// The settings in force in the world being viewed, for a view to report.
#[must_use]
pub fn used(seen: &VisibleWorld) -> SettingsUsed {
    SettingsUsed::of(seen.reading(NaiveDate::MIN).world).known(seen)
}

/// The settings in force today, whichever world is being viewed.
#[must_use]
pub fn used_today(seen: &VisibleWorld) -> SettingsUsed {
    seen.setting(SettingsUsed::of).known(seen)
}

/// The suppression in force.
#[must_use]
pub fn suppression(world: &World) -> Suppression {
    in_force(world).suppression
}

impl SettingSet {
    /// The band of a product. A product outside every band counts as extreme.
    #[must_use]
    pub fn band(&self, product: u8) -> RiskBand {
        let band = self
            .score_bands
            .iter()
            .find(|b| (b.from..=b.to).contains(&product));
        band.map_or(RiskBand::Extreme, |b| b.band)
    }

    /// Whether a product is above an appetite. `None` if no limit is set for the appetite.
    #[must_use]
    pub fn is_above(&self, product: u8, appetite: RiskAppetite) -> Option<bool> {
        let limit = self
            .appetite_limits
            .iter()
            .find(|l| l.appetite == appetite)?;
        Some(product > limit.highest_product)
    }

    fn check_bands(&self, rules: &mut Rules<'_, Self>) {
        for (n, band) in self.score_bands.iter().enumerate() {
            rules.require(
                band.from <= band.to,
                &format!("/score_bands/{n}/to"),
                "order",
                "must not be lower than `from`",
            );
        }
        let in_order = self
            .score_bands
            .is_sorted_by(|a, b| a.band < b.band && a.to < b.from);
        rules.require(
            in_order,
            "/score_bands",
            "order",
            "must be in order from the mildest band to the worst, with each band once and each \
                starting above the end of the one before",
        );
        let products = (1..=5u8).flat_map(|l| (1..=5u8).map(move |i| l * i));
        let mut open: Vec<u8> = products
            .filter(|p| !self.score_bands.iter().any(|b| (b.from..=b.to).contains(p)))
            .collect();
        open.sort_unstable();
        open.dedup();
        if !open.is_empty() {
            let open = open
                .iter()
                .map(u8::to_string)
                .collect::<Vec<_>>()
                .join(", ");
            rules.refuse(
                "/score_bands",
                "gap",
                format!("must cover every product; no band covers {open}"),
            );
        }
    }

    fn check_weights(&self, rules: &mut Rules<'_, Self>) {
        let AttentionWeights {
            high, medium, low, ..
        } = self.attention;
        rules.require(
            low < medium && medium < high,
            "/attention/medium",
            "order",
            "must be higher than `low` and lower than `high`",
        );
    }

    fn check_limits(&self, rules: &mut Rules<'_, Self>) {
        let rising = self
            .appetite_limits
            .is_sorted_by(|a, b| a.appetite < b.appetite && a.highest_product <= b.highest_product);
        rules.require(
            rising,
            "/appetite_limits",
            "order",
            "must be in order from averse to eager, with each appetite once, and highest_product \
                must never fall from one to the next",
        );
    }
}

/// Filters for a list of setting sets.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct SettingSetFilter {
    /// Only sets in force from this date or later.
    in_force_from: Option<NaiveDate>,
    /// Only sets in force from this date or earlier.
    in_force_until: Option<NaiveDate>,
}

impl Resource for SettingSet {
    const KIND: &'static str = "setting_set";
    const PATH: &'static str = "settings";
    const PREFIX: &'static str = "SET";
    const SUBJECT: Subject = Subject::Setting;
    const MARKABLE: bool = false;
    const ABOUT: &'static str = "Settings that differ by organisation: when something is due soon \
        or stale, the bands of risk scores, what each appetite accepts, when a risk must be \
        escalated, when small numbers are suppressed, and when something counts as a gap. The \
        set with the latest `in_force_from` applies at once. Each view says which set it was \
        computed with. A change of bands, appetites or escalation recomputes every risk, and the \
        journal shows which risks changed.";
    const SHAPE: i32 = 2;
    const RECOMPUTES: &'static [&'static str] = &["risk"];
    type Computed = NothingComputed;
    type Filter = SettingSetFilter;

    fn example() -> Value {
        let agreed = SettingSet {
            in_force_from: NaiveDate::from_ymd_opt(2020, 4, 1).unwrap_or_default(),
            note: Some(Text::cut("Agreed by the risk and assurance board")),
            ..SettingSet::default()
        };
        json!(agreed)
    }
    /// Shape 1: at first it had no threshold for rotations due soon, and no gap thresholds.
    fn lift(snapshot: &mut Map<String, Value>, shape: i32) {
        if shape < 2 {
            snapshot
                .entry("rotation_soon_days")
                .or_insert_with(|| json!(rotation_soon()));
            snapshot.insert("gaps".into(), json!(GapThresholds::default()));
        }
    }
    fn title(&self) -> Option<&str> {
        None
    }
    fn place(&self) -> Place {
        Place::default()
    }
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        not_in_future(rules, "/in_force_from", Some(self.in_force_from));
        self.check_bands(rules);
        self.check_limits(rules);
        self.check_weights(rules);
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "in_force_from",
            key: |r| Key::from(Some(r.data.in_force_from)),
        }]
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, _: Reading<'_>) -> bool {
        in_window(
            Some(r.data.in_force_from),
            (f.in_force_from, f.in_force_until),
        )
    }
}
