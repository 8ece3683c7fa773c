//! Hooks: programs of the site that run at points of an operation, as scripts on its LPAR or in a folder of the master.
//!
//! What is declared with each says what it means when one does not succeed ([`HookExit`]). Each gets one [`HookInput`] as JSON on its
//! standard input.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{BadName, ObjectName, OperationId};
use crate::operation::{FollowUp, Outcome, Report, Software, StateName};
use crate::request::{Install, Kind, Script};
use crate::stage::{Stage, UnknownName, names};
use crate::unit::Seconds;

names! {
    /// Where a hook is run, in the order in which an operation comes by.
    HookPoint, "point of a hook" {
        /// When our own checks have passed. Nothing has been changed.
        Pre = "pre",
        /// When the LPAR has been made ready.
        Prep = "prep",
        /// Where a copy of rootvg would be made: the hook that the policy names makes the backup in its place.
        Backup = "backup",
        /// The last moment before software is touched: everything is ready and reserved.
        BeforeUpdate = "before-update",
        /// Before the LPAR is booted from another disk: what runs there is about to end.
        BeforeReboot = "before-reboot",
        /// After a success, when what prep changed is put back.
        Post = "post",
        /// After any other end, when what prep changed is put back.
        OnFailure = "on-failure",
    }
}

impl HookPoint {
    /// Whether nothing of the software is touched yet.
    #[must_use]
    pub const fn is_before(self) -> bool {
        matches!(
            self,
            Self::Pre | Self::Prep | Self::Backup | Self::BeforeUpdate | Self::BeforeReboot
        )
    }

    /// What a failure means there where nothing is declared.
    #[must_use]
    pub const fn default_exit(self) -> HookExit {
        if self.is_before() { HookExit::Fail } else { HookExit::Warn }
    }

    /// Whether a failure there can mean `exit`: after a failure there is nothing left to fail, and without the backup nothing is begun.
    #[must_use]
    pub const fn takes(self, exit: HookExit) -> bool {
        match self {
            Self::OnFailure => !matches!(exit, HookExit::Fail),
            Self::Backup => matches!(exit, HookExit::Fail),
            Self::Pre | Self::Prep | Self::BeforeUpdate | Self::BeforeReboot | Self::Post => true,
        }
    }

    /// Whether the LPAR's agent stops there and asks for the master's hooks. At the other points the master stands by itself.
    #[must_use]
    pub const fn is_asked_for(self) -> bool {
        matches!(self, Self::Prep | Self::Backup | Self::BeforeReboot)
    }

    /// The stage in which it lies.
    #[must_use]
    pub const fn stage(self) -> Stage {
        match self {
            Self::Pre => Stage::Pre,
            Self::Prep => Stage::Prep,
            Self::Backup => Stage::Backup,
            Self::BeforeUpdate | Self::BeforeReboot => Stage::Update,
            Self::Post | Self::OnFailure => Stage::Post,
        }
    }
}

/// Who runs a hook that somebody names, and in what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookPlace {
    /// The LPAR, in what is asked for with `cust`.
    Lpar,
    /// The LPAR, in a rollback.
    Rollback,
    /// nimd itself.
    Master,
}

impl HookPlace {
    /// The points at which one can be named there. At `backup` the policy alone names one.
    #[must_use]
    pub const fn points(self) -> &'static [HookPoint] {
        use HookPoint::{BeforeReboot, BeforeUpdate, OnFailure, Post, Pre, Prep};
        match self {
            Self::Lpar => &[Pre, Prep, BeforeUpdate, Post, OnFailure],
            Self::Rollback => &[BeforeReboot],
            Self::Master => &[Pre, Prep, BeforeUpdate, Post, OnFailure],
        }
    }
}

names! {
    /// What it means when a hook does not succeed.
    HookExit, "meaning of a hook's failure" {
        /// The operation fails. Before the update nothing is started then, and what prep changed is put back.
        Fail = "fail",
        /// The operation goes on, and its report says so.
        Warn = "warn",
        /// The operation goes on; its events alone say so.
        Ignore = "ignore",
    }
}

/// A hook by its name, as it is asked for: `before-update:NAME`, or `before-update:NAME:warn`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct NamedHook {
    /// Where it is run.
    pub at: HookPoint,
    /// Its name.
    pub name: ObjectName,
    /// What it means when it does not succeed.
    pub exit: HookExit,
}

/// A text that is no hook.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHook {
    /// It has not two or three parts.
    #[error("a hook is POINT:NAME, or POINT:NAME:MEANING with fail, warn or ignore at its end")]
    Form,
    /// A part is none of its names.
    #[error(transparent)]
    Word(#[from] UnknownName),
    /// The name cannot be one.
    #[error(transparent)]
    Name(#[from] BadName),
    /// nimd has no point of its own there.
    #[error("{0} comes with a rollback: nimctl rollback --master-hook {0}:NAME")]
    NotOnMaster(HookPoint),
    /// nimd can no longer change the outcome there.
    #[error("the outcome is on record at {0}: on the master it takes warn or ignore")]
    OnRecord(HookPoint),
    /// It is not asked for with an update.
    #[error(
        "{0} is where the policy's own hook runs: nimctl policy set, with backup: {{hook: NAME}}"
    )]
    OfThePolicy(HookPoint),
    /// The point does not take the meaning.
    #[error("{0} comes when the operation has failed already: it takes warn or ignore")]
    Late(HookPoint),
}

impl NamedHook {
    /// The hook that makes the backup of a policy: without it nothing is begun.
    #[must_use]
    pub fn backup(name: &ObjectName) -> Self {
        let at = HookPoint::Backup;
        Self { at, name: name.clone(), exit: at.default_exit() }
    }

    /// Whether nimd can run it itself.
    ///
    /// # Errors
    /// [`BadHook`] says why not.
    pub fn on_master(&self) -> Result<(), BadHook> {
        match (self.at, self.exit) {
            (at, exit) if !at.takes(exit) => Err(BadHook::Late(at)),
            (at, _) if !HookPlace::Master.points().contains(&at) => Err(BadHook::NotOnMaster(at)),
            (HookPoint::Post, HookExit::Fail) => Err(BadHook::OnRecord(self.at)),
            _ => Ok(()),
        }
    }

    /// Reads one that is to run at `place`. A point that is none there is for whoever checks the whole request; what is no point at all is
    /// told which there are.
    ///
    /// # Errors
    /// [`BadHook`] says what is wrong with it.
    pub fn read(text: &str, place: HookPlace) -> Result<Self, BadHook> {
        let parts: Vec<&str> = text.split(':').map(str::trim).collect();
        let (at, name, exit) = match parts[..] {
            [at, name] => (at, name, None),
            [at, name, exit] => (at, name, Some(exit)),
            _ => return Err(BadHook::Form),
        };
        let points = || place.points().iter().map(|point| point.name()).collect();
        let at: HookPoint =
            at.parse().map_err(|unknown| UnknownName { known: points(), ..unknown })?;
        if at == HookPoint::Backup {
            return Err(BadHook::OfThePolicy(at));
        }
        let exit = exit.map_or(Ok(at.default_exit()), str::parse)?;
        if !at.takes(exit) {
            return Err(BadHook::Late(at));
        }
        Ok(Self { at, name: name.parse()?, exit })
    }
}

impl fmt::Display for NamedHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, name, exit } = self;
        write!(f, "{at}:{name}:{exit}")
    }
}

/// The hooks of an order that run on the LPAR, with what they are told beside what the agent knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Hooks {
    /// The LPAR's object.
    pub lpar: ObjectName,
    /// The object with the packages.
    pub lpp_source: Option<ObjectName>,
    /// How long each may take. Past it it is ended, with all that runs in its session.
    pub limit: Seconds,
    /// In the order in which those of one point run.
    pub list: Vec<Hook>,
}

/// A hook that runs on the LPAR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Hook {
    /// Where it is run.
    pub at: HookPoint,
    /// What it means when it does not succeed.
    pub exit: HookExit,
    /// What is run.
    pub script: Script,
}

/// Most hooks of an order.
pub const MOST_HOOKS: usize = 16;

/// Most hooks of an order at one point: with their time limits they have to fit a stage.
pub const MOST_HOOKS_AT: usize = 4;

/// Version of [`HookInput`]. Fields are added without another one; a change that breaks a reader has another one.
pub const HOOK_INPUT: u32 = 1;

/// What a hook is told: one JSON object on its standard input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HookInput {
    /// 1.
    pub version: u32,
    /// Where it is run.
    pub hook: HookPoint,
    /// Its own name.
    pub name: ObjectName,
    /// The operation.
    pub operation: OperationId,
    /// The LPAR's object.
    pub lpar: ObjectName,
    /// The stage that the operation is in.
    pub stage: Stage,
    /// What is done.
    pub kind: Kind,
    /// The object with the packages, where there are some.
    pub lpp_source: Option<ObjectName>,
    /// What was asked to be installed.
    pub install: Install,
    /// Level of the LPAR before anything was touched, such as `7300-03-00-2446`, where it is known.
    pub level: Option<String>,
    /// What the operation came to; only at `post` and `on-failure`.
    pub result: Option<HookResult>,
}

/// What an operation came to when a hook runs after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HookResult {
    /// `succeeded`, `unchanged`, `failed`, `cancelled` or `stuck`.
    pub state: StateName,
    /// What is on disk, of a failure.
    pub software: Option<Software>,
    /// One sentence: what decided it.
    pub summary: String,
    /// Codes in the order in which they appeared, such as `1430-030`.
    pub codes: Vec<String>,
    /// What is still open after a success.
    pub follow_up: Vec<FollowUp>,
}

impl HookResult {
    /// Of an operation in `state` of which nothing more is known.
    #[must_use]
    pub const fn without_report(state: StateName) -> Self {
        let summary = String::new();
        Self { state, software: None, summary, codes: Vec::new(), follow_up: Vec::new() }
    }
}

impl From<&Report> for HookResult {
    fn from(report: &Report) -> Self {
        let (software, follow_up) = match &report.outcome {
            Outcome::Failed { software } => (Some(*software), Vec::new()),
            Outcome::Succeeded { follow_up } => (None, follow_up.clone()),
            Outcome::Unchanged | Outcome::Cancelled | Outcome::Stuck { .. } => (None, Vec::new()),
        };
        Self {
            state: report.outcome.state(),
            software,
            summary: report.summary.clone(),
            codes: report.codes.clone(),
            follow_up,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<NamedHook, BadHook> {
        NamedHook::read(text, HookPlace::Lpar)
    }

    #[test]
    fn a_hook_is_a_point_a_name_and_what_a_failure_means() {
        for (text, read) in [
            ("pre:look", "pre:look:fail"),
            ("before-update:stop_db:warn", "before-update:stop_db:warn"),
            (" post : start_db ", "post:start_db:warn"),
            ("post:start_db:fail", "post:start_db:fail"),
            ("on-failure:page.sh:ignore", "on-failure:page.sh:ignore"),
        ] {
            let hook = of(text).unwrap();
            assert_eq!(hook.to_string(), read);
            assert_eq!(of(read), Ok(hook));
        }
        for (text, on_master) in [
            ("pre:look", Ok(())),
            ("before-update:look:warn", Ok(())),
            ("post:look", Ok(())),
            ("prep:look", Ok(())),
            ("before-reboot:look", Err(BadHook::NotOnMaster(HookPoint::BeforeReboot))),
            ("post:look:fail", Err(BadHook::OnRecord(HookPoint::Post))),
        ] {
            assert_eq!(of(text).unwrap().on_master(), on_master, "{text}");
        }
        for (text, why) in [
            ("look", BadHook::Form.to_string()),
            ("pre:a:b:c", BadHook::Form.to_string()),
            ("backup:mksysb", BadHook::OfThePolicy(HookPoint::Backup).to_string()),
            ("on-failure:page:fail", BadHook::Late(HookPoint::OnFailure).to_string()),
            (
                "after:look",
                "\"after\" is no point of a hook: one of pre, prep, before-update, post, on-failure"
                    .to_owned(),
            ),
            (
                "pre:look:die",
                "\"die\" is no meaning of a hook's failure: one of fail, warn, ignore".to_owned(),
            ),
        ] {
            assert_eq!(of(text).unwrap_err().to_string(), why, "{text}");
        }
    }

    #[test]
    fn what_is_no_point_is_told_those_at_which_one_can_be_named_there() {
        for (place, points) in [
            (HookPlace::Lpar, "pre, prep, before-update, post, on-failure"),
            (HookPlace::Rollback, "before-reboot"),
            (HookPlace::Master, "pre, prep, before-update, post, on-failure"),
        ] {
            let why = NamedHook::read("after:look", place).unwrap_err().to_string();
            assert_eq!(why, format!("\"after\" is no point of a hook: one of {points}"));
            for point in HookPoint::ALL {
                let hook = NamedHook {
                    at: *point,
                    name: "look".parse().unwrap(),
                    exit: point.default_exit(),
                };
                let listed = place.points().contains(point);
                if place == HookPlace::Master {
                    assert_eq!(hook.on_master().is_ok(), listed, "{point}");
                }
                assert!(!listed || NamedHook::read(&format!("{point}:look"), place).is_ok());
            }
        }
    }
}
