//! `rollout.yaml`: which LPARs, what is done to them, in which waves, within which limits, when, and when to stop.
//!
//! Read node by node ([`read()`]), so that all faults are said at once, each with its place. The types are written as they are read:
//! their JSON Schema is that of the file, and their digest part of a plan's fingerprint. What nobody carries out is no key: a file
//! that is accepted is kept to.

mod notify;
mod operation;
mod read;
mod section;
mod strategy;
mod text;
mod timing;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use nim_shared::id::ObjectName;
use serde::{Deserialize, Serialize};

pub use nim_shared::api::Approval;
pub use notify::Notify;
pub use operation::Operation;
pub use read::read;
pub use text::{Amount, Labels, LevelTest, Pattern, Percent, Span};
pub use timing::{Day, DayTime, Freeze, LocalDate, Window, Zone};

/// A rollout as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct Rollout {
    /// Its name.
    pub name: ObjectName,
    /// Which LPARs.
    pub targets: Targets,
    /// What is done to each, with the attributes of `nimctl cust`.
    pub operation: Operation,
    /// One after the other. None: one wave with all targets.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waves: Vec<Wave>,
    /// How many at a time.
    #[serde(default)]
    pub limits: Limits,
    /// Who never runs together.
    #[serde(default)]
    pub apart: Apart,
    /// After what nothing more is started.
    #[serde(default)]
    pub stop: Stop,
    /// When updates may run. None: at any time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Window>,
    /// When none may, whatever the windows say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub freezes: Vec<Freeze>,
    /// How long workloads may stand still.
    #[serde(default)]
    pub blackout: Blackout,
    /// What is tried again.
    #[serde(default)]
    pub retry: Retry,
    /// How long something may take.
    #[serde(default)]
    pub deadlines: Deadlines,
    /// What is taken where nothing is known.
    #[serde(default)]
    pub assume: Assume,
    /// Who is told of it, by the names of receivers in the site's policy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notify: Vec<Notify>,
    /// Where several choices are equally good, chance decides; the same seed decides the same.
    #[serde(default)]
    pub seed: u64,
}

/// Which LPARs: those that any of names, groups, labels says, and that all of the levels fit; without those excluded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct Targets {
    /// By what they are chosen.
    #[serde(flatten)]
    pub chosen: Chosen,
    /// Levels, all of which have to fit: `<7300-03`, `7200-05`. An LPAR whose level is not known fits none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<LevelTest>,
    /// Who is left out.
    #[serde(default, skip_serializing_if = "Exclusion::is_empty")]
    pub exclude: Exclusion,
}

/// A choice of LPARs: whoever is named by any of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Chosen {
    /// Names, patterns of names, ranges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Pattern>,
    /// Groups, whose members are meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<ObjectName>,
    /// Labels, all of which have to fit: `env=prod,tier!=db`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
}

impl Chosen {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Who is left out: whoever is named by any of these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct Exclusion {
    /// By what they are chosen.
    #[serde(flatten)]
    pub chosen: Chosen,
    /// Levels; one that fits is enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<LevelTest>,
}

impl Exclusion {
    /// Whether nobody is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A wave. Of the targets that no wave before has taken it takes those that fit all it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct Wave {
    /// Its name.
    pub name: ObjectName,
    /// Only LPARs with these labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Labels>,
    /// Only LPARs on these frames.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<Pattern>,
    /// Of those this many, or this part of all targets; chance says which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub take: Option<Amount>,
    /// Of every class of equal LPARs only some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// How long to wait after it before the next begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soak: Option<Span>,
    /// Whether somebody has to approve before it begins.
    #[serde(default)]
    pub approval: Approval,
    /// Which part of it has to be updated before the next begins; with less, somebody has to promote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthy: Option<Percent>,
}

/// Which LPARs of a class go first. A class has level, interim fixes, storage type, software for high availability and kernel extensions in
/// common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Canary {
    /// Of each class the one that costs least: memory × time.
    OnePerClass,
}

/// How many at a time. Nothing here raises what nimd allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct Limits {
    /// In total.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_flight: Option<u32>,
    /// At each HMC. Default: what nimd allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_hmc: Option<u32>,
    /// On each frame. Default: what nimd allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_frame: Option<u32>,
    /// With the same pair of VIOSes. Source of the default: the reference on Live Update, §8.3.
    #[serde(default = "default_vio_pair")]
    pub per_vios_pair: u32,
    /// With the same value of a label, by its key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub per_label: BTreeMap<String, u32>,
    /// Between two starts at an HMC. Source of the default: the reference on Live Update, §8.3.
    #[serde(default = "default_stagger")]
    pub stagger_hmc: Span,
    /// Between two starts with the same pair of VIOSes. Source of the default: the reference on Live Update, §8.3.
    #[serde(default = "default_stagger")]
    pub stagger_vios: Span,
    /// Memory that stays free on a frame, beside one region: part of what is configurable. At least what nimd keeps itself.
    #[serde(default = "default_reserve")]
    pub reserve_memory: Percent,
    /// Processor units that stay free on a frame: part of what is free when the plan is made.
    #[serde(default = "no_percent")]
    pub reserve_processors: Percent,
}

const fn default_vio_pair() -> u32 {
    4
}

const fn default_stagger() -> Span {
    Span::seconds(60)
}

const fn default_reserve() -> Percent {
    Percent::new_const(5)
}

const fn no_percent() -> Percent {
    Percent::new_const(0)
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            in_flight: None,
            per_hmc: None,
            per_frame: None,
            per_vios_pair: default_vio_pair(),
            per_label: BTreeMap::new(),
            stagger_hmc: default_stagger(),
            stagger_vios: default_stagger(),
            reserve_memory: default_reserve(),
            reserve_processors: no_percent(),
        }
    }
}

/// Who never runs together: nodes of one PowerHA cluster always, by the facts that are known of them; and these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct Apart {
    /// Keys of labels: LPARs with the same value run one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Lists of LPARs that run one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<Vec<ObjectName>>,
}

/// After what nothing more is started. What runs is not touched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct Stop {
    /// In one wave.
    #[serde(default)]
    pub wave: StopAt,
    /// In the whole rollout.
    #[serde(default)]
    pub whole: StopAt,
    /// Whether one that failed keeps its place among those in flight.
    #[serde(default)]
    pub failed_keep_place: KeepPlace,
}

/// So many, or so large a part of all, stop it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct StopAt {
    /// That failed. One that is stuck counts here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<Amount>,
    /// That could not be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreachable: Option<Amount>,
    /// That were skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<Amount>,
}

/// Whether one that failed keeps its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum KeepPlace {
    /// The next one takes it.
    #[default]
    No,
    /// It does, so that failures make the rollout slower.
    Yes,
}

/// How long workloads may stand still. What is predicted to take longer is left out, or waits for an approval.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct Blackout {
    /// One LPAR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_lpar: Option<Span>,
    /// All LPARs of a service together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_service: Option<ServiceBudget>,
    /// What becomes of those above it.
    #[serde(default)]
    pub above: Above,
}

/// How long the LPARs of a service may stand still together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct ServiceBudget {
    /// Key of the label whose value names the service.
    pub label: String,
    /// For each service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Span>,
    /// For single ones, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub of: BTreeMap<String, Span>,
}

/// What becomes of LPARs above the budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Above {
    /// They are left out.
    #[default]
    Refuse,
    /// Somebody has to approve them.
    Approval,
}

/// What is tried again. Only classes of failures for which the knowledge base says that a retry makes sense.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct Retry {
    /// Failures that may pass by themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub later: Option<Again>,
    /// LPARs that could not be reached, and took nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreachable: Option<Again>,
}

/// How often, and after how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct Again {
    /// At most this often, beside the first time.
    pub times: u32,
    /// After this time.
    pub after: Span,
}

/// How long something may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct Deadlines {
    /// From the start until the LPAR's agent has taken it; past it, it counts as not reached.
    #[serde(default = "hour")]
    pub start: Span,
    /// From then until it has ended; past it, it is stuck.
    #[serde(default = "six_hours")]
    pub update: Span,
    /// From its end until the HMC shows the memory back; past it, somebody has to look, and the memory stays taken.
    #[serde(default = "hour")]
    pub release: Span,
    /// Of the whole rollout; past it nothing is started.
    #[serde(default = "thirty_days")]
    pub whole: Span,
}

const fn hour() -> Span {
    Span::seconds(3600)
}

const fn six_hours() -> Span {
    Span::seconds(6 * 3600)
}

const fn thirty_days() -> Span {
    Span::seconds(30 * 86_400)
}

impl Default for Deadlines {
    fn default() -> Self {
        Self { start: hour(), update: six_hours(), release: hour(), whole: thirty_days() }
    }
}

/// What is taken where nothing is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(deny_unknown_fields))]
pub struct Assume {
    /// How long an update takes. Default: the longest that is published. Source: the reference on Live Update, §8.1.
    #[serde(default = "longest_published")]
    pub duration: Span,
}

const fn longest_published() -> Span {
    Span::seconds(66 * 60)
}

impl Default for Assume {
    fn default() -> Self {
        Self { duration: longest_published() }
    }
}
