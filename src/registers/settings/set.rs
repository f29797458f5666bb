//! A set of settings: what views, scores and releases are judged by from a day on. The organisation's own; built-in values hold until
//! there is one.

use std::sync::LazyLock;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::policy::Subject;
use crate::registers::checks::{in_window, not_in_future};
use crate::registers::risk::{RiskAppetite, RiskBand};
use crate::world::seen::Seen;
use crate::world::{
    Key, Links, NothingComputed, Place, Reading, Rec, Resource, Rules, Sort, World,
};

/// When the computed colour of a work-plan item changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RagThresholds {
    /// An item more than so many days past its deadline is red; until then it is amber.
    #[schema(minimum = 0, maximum = 366)]
    pub late_is_red_after_days: i64,
    /// An item that has not begun so many days before its deadline is amber.
    #[schema(minimum = 0, maximum = 366)]
    pub not_started_is_amber_within_days: i64,
}

/// The products of likelihood and impact that one band covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ScoreBand {
    /// The band.
    pub band: RiskBand,
    /// Its lowest product.
    #[schema(minimum = 1, maximum = 25)]
    pub from: u8,
    /// Its highest product.
    #[schema(minimum = 1, maximum = 25)]
    pub to: u8,
}

/// The highest product that an appetite lives with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppetiteLimit {
    /// The appetite.
    pub appetite: RiskAppetite,
    /// A current score with a higher product is above it.
    #[schema(minimum = 1, maximum = 25)]
    pub highest_product: u8,
}

/// When a risk is to be taken to a board, and how soon the board is to say that it has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EscalationRule {
    /// An open risk with a current product of this or more is to be escalated.
    #[schema(minimum = 1, maximum = 25)]
    pub from_product: u8,
    /// Whether any open risk above its appetite is to be escalated too.
    pub above_appetite: bool,
    /// Days within which a board acknowledges an escalation.
    #[schema(minimum = 1, maximum = 366)]
    pub acknowledge_within_days: i64,
}

/// When and how far figures about few people are hidden on release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Suppression {
    /// Counts from 1 up to but not including this are suppressed; 0 and 1 suppress nothing.
    #[schema(minimum = 0, maximum = 1000)]
    pub below: u32,
    /// Counts are rounded to the nearest multiple of this; 1 rounds nothing.
    #[schema(minimum = 1, maximum = 1000)]
    pub round_to: u32,
}

/// From when on a rule finds a gap where that is the organisation's to choose, and how long one may be waived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct GapThresholds {
    /// A recommendation to which management has said nothing more than so many days after it was reported has no response; one whose
    /// claim audit rejected is not taken up when as many days have passed without an update.
    #[schema(minimum = 0, maximum = 366, default = 28)]
    pub response_after_days: i64,
    /// A deadline of a recommendation that was extended so many times or more is extended again and again.
    #[schema(minimum = 1, maximum = 100, default = 2)]
    pub many_extensions: u32,
    /// An action that was deferred so many times or more is deferred again and again.
    #[schema(minimum = 1, maximum = 100, default = 2)]
    pub many_deferrals: u32,
    /// Minutes are to be there, and approved, within so many days of the meeting.
    #[schema(minimum = 0, maximum = 366, default = 92)]
    pub minutes_after_days: i64,
    /// A seat whose constituency came to none of the board's last so many meetings is held and not filled.
    #[schema(minimum = 1, maximum = 12, default = 3)]
    pub missed_meetings: u32,
    /// Figures that have not come more than so many days after their period are late.
    #[schema(minimum = 0, maximum = 366, default = 30)]
    pub figures_after_days: i64,
    /// A campaign or activity is to be evaluated within so many days of its end.
    #[schema(minimum = 0, maximum = 366, default = 14)]
    pub evaluated_after_days: i64,
    /// No gap is waived for more than so many days at a time.
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

/// A set of settings. What is left out has its built-in value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingSet {
    /// The day from which it holds; not to come. The set with the latest day holds, and of two with the same day the later recorded.
    pub in_force_from: NaiveDate,
    /// Why it was set, and by whose decision.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub note: Option<String>,
    /// What is due within so many days is due soon.
    #[serde(default = "due_soon")]
    #[schema(minimum = 1, maximum = 366, default = 28)]
    pub due_soon_days: i64,
    /// What has not been heard of for more than so many days is stale.
    #[serde(default = "stale_after")]
    #[schema(minimum = 1, maximum = 3660, default = 60)]
    pub stale_after_days: i64,
    /// A claim that nobody has verified for more than so many days is long unverified.
    #[serde(default = "unverified_after")]
    #[schema(minimum = 1, maximum = 3660, default = 90)]
    pub unverified_after_days: i64,
    /// A seat whose rotation is due within so many days is due for it soon: the next holder has to be found.
    #[serde(default = "rotation_soon")]
    #[schema(minimum = 1, maximum = 366, default = 90)]
    pub rotation_soon_days: i64,
    /// When the computed colour of a work-plan item changes.
    #[serde(default = "rag")]
    pub rag: RagThresholds,
    /// The bands that scores fall into. Every product of two numbers from 1 to 5 lies in exactly one.
    #[serde(default = "bands")]
    #[schema(min_items = 1, max_items = 4)]
    pub score_bands: Vec<ScoreBand>,
    /// The highest product that each appetite lives with.
    #[serde(default = "limits")]
    #[schema(max_items = 5)]
    pub appetite_limits: Vec<AppetiteLimit>,
    /// When a risk is to be escalated.
    #[serde(default = "escalation")]
    pub escalation: EscalationRule,
    /// When figures about few people are hidden.
    #[serde(default = "hide")]
    pub suppression: Suppression,
    /// From when on rules find gaps.
    #[serde(default)]
    pub gaps: GapThresholds,
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
        }
    }
}

/// Which settings a view was computed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingsUsed {
    /// The set; null for the built-in values, and for a set that the caller may not know of.
    pub id: Option<Uuid>,
    /// Its reference; `built-in` where there is no set, `withheld` where the caller may not know of it.
    #[schema(max_length = 60)]
    pub reference: String,
    /// Its version; 0 where no set is named.
    #[schema(minimum = 0)]
    pub version: i64,
}

/// The set in force in this world, where there is one.
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
            reference: reference.into(),
            version: 0,
        }
    }

    fn of(world: &World) -> Self {
        latest(world).map_or_else(
            || Self::unnamed("built-in"),
            |set| Self {
                id: Some(set.meta.id),
                reference: set.meta.reference.clone(),
                version: set.meta.version,
            },
        )
    }

    /// Everything is judged by a marked set too, but only who may know of it is told which.
    fn known(self, seen: &Seen) -> Self {
        match self.id {
            Some(id) if !seen.may_see(id) => Self::unnamed("withheld"),
            _ => self,
        }
    }
}

/// Which settings are in force in the world that is looked at, for a view to say.
#[must_use]
pub fn used(seen: &Seen) -> SettingsUsed {
    SettingsUsed::of(seen.reading(NaiveDate::MIN).world).known(seen)
}

/// Which settings are in force today, whatever world is looked at.
#[must_use]
pub fn used_today(seen: &Seen) -> SettingsUsed {
    seen.setting(SettingsUsed::of).known(seen)
}

/// The suppression in force.
#[must_use]
pub fn suppression(world: &World) -> Suppression {
    in_force(world).suppression
}

impl SettingSet {
    /// The band of a product; what no band names is worse than all of them.
    #[must_use]
    pub fn band(&self, product: u8) -> RiskBand {
        let band = self
            .score_bands
            .iter()
            .find(|b| (b.from..=b.to).contains(&product));
        band.map_or(RiskBand::Extreme, |b| b.band)
    }

    /// Whether a product lies above an appetite; `None` where no limit is set for it.
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
                "must not lie below `from`",
            );
        }
        let in_order = self
            .score_bands
            .is_sorted_by(|a, b| a.band < b.band && a.to < b.from);
        rules.require(
            in_order,
            "/score_bands",
            "order",
            "must stand from the mildest band to the worst, each once and each beginning above the one before",
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
                format!("must cover every product; no band has {open}"),
            );
        }
    }

    fn check_limits(&self, rules: &mut Rules<'_, Self>) {
        let rising = self
            .appetite_limits
            .is_sorted_by(|a, b| a.appetite < b.appetite && a.highest_product <= b.highest_product);
        rules.require(
            rising,
            "/appetite_limits",
            "order",
            "must stand from averse to eager, each once, and who is readier to take a risk lives with no lower product",
        );
    }
}

/// Narrows a list of setting sets.
#[derive(Debug, Default, Deserialize, IntoParams)]
pub struct SettingSetFilter {
    /// Sets in force from this day or later.
    in_force_from: Option<NaiveDate>,
    /// Sets in force from this day or earlier.
    in_force_until: Option<NaiveDate>,
}

impl Resource for SettingSet {
    const KIND: &'static str = "setting_set";
    const PATH: &'static str = "settings";
    const PREFIX: &'static str = "SET";
    const SUBJECT: Subject = Subject::Setting;
    const MARKABLE: bool = false;
    const ABOUT: &'static str = "What differs by organisation: when something is due soon or stale, the bands of risk scores, what each appetite lives with, when a risk is escalated, when small numbers are hidden, from when on a gap is one. The set with the latest `in_force_from` holds at once; each view says which it was computed with. A change of bands, appetites or escalation computes every risk anew, and the journal shows which changed.";
    const SHAPE: i32 = 2;
    const RECOMPUTES: &'static [&'static str] = &["risk"];
    type Computed = NothingComputed;
    type Filter = SettingSetFilter;

    fn example() -> Value {
        let agreed = SettingSet {
            in_force_from: NaiveDate::from_ymd_opt(2020, 4, 1).unwrap_or_default(),
            note: Some("Agreed by the risk and assurance board".into()),
            ..SettingSet::default()
        };
        json!(agreed)
    }
    /// 1: nothing yet, at first, of when a rotation is due soon, and nothing of gaps.
    fn lift(snapshot: &mut Map<String, Value>, shape: i32) {
        if shape < 2 {
            snapshot
                .entry("rotation_soon_days")
                .or_insert_with(|| json!(rotation_soon()));
            snapshot.insert("gaps".into(), json!(GapThresholds::default()));
        }
    }
    fn links(&self, _: &mut Links) {}
    fn place(&self) -> Place {
        Place::default()
    }
    fn rules(&self, rules: &mut Rules<'_, Self>) {
        not_in_future(rules, "/in_force_from", Some(self.in_force_from));
        self.check_bands(rules);
        self.check_limits(rules);
    }
    fn sorts() -> &'static [Sort<Self>] {
        &[Sort {
            name: "in_force_from",
            key: |r| Key::from(Some(r.data.in_force_from)),
        }]
    }
    fn text(&self) -> Vec<&str> {
        self.note.as_deref().into_iter().collect()
    }
    fn matches(r: &Rec<Self>, f: &Self::Filter, _: Reading<'_>) -> bool {
        in_window(
            Some(r.data.in_force_from),
            (f.in_force_from, f.in_force_until),
        )
    }
}
