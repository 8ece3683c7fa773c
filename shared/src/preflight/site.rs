//! What a site says of preflights: checks of its own, findings that it lives with, and values of time-outs.
//!
//! A check of the site is judged by facts that every look gathers anyway, so that it can neither change nor slow down an LPAR: programs
//! that run, subsystems that are active, filesets, mounts. A silence has a reason and a last day; it changes what a report counts, and
//! nothing that an update refuses by itself.

mod day;

use serde::{Deserialize, Serialize};

use super::advice::{Advice, Danger};
use super::facts::{Facts, Seen};
use super::judged::{Finding, Silenced, Verdict, short};
use super::workload::{self, SiteTimeouts};
use super::{Severity, catalogue};
use crate::operation::Named;
use crate::unit::Seconds;

pub use day::{BadDay, Day};

/// A file of what the site says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SiteChecks {
    /// Findings that the site lives with for a time. Each stays in the report, as silenced.
    #[serde(default)]
    pub silence: Vec<Silence>,
    /// Checks of the site.
    #[serde(default)]
    pub checks: Vec<SiteCheck>,
    /// Values of the time-outs of its workloads, which a preview's estimate of the standstill is held against.
    #[serde(default)]
    pub timeouts: Vec<SiteTimeout>,
}

/// A finding that the site lives with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Silence {
    /// Id of the check, such as S37, or of one of the site.
    pub check: String,
    /// The LPARs that it concerns: names, `*` and `?` stand for others. None: all.
    #[serde(default)]
    pub lpars: Vec<String>,
    /// The last day on which it holds, in UTC: 2026-12-31. After it the finding counts again.
    pub until: Day,
    /// Why the site lives with it.
    pub reason: String,
}

/// A check of the site: it holds where all that it requires is there, and nothing that it forbids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SiteCheck {
    /// Its id: letters, digits and dashes, with a dash, at most 39: site-scheduler.
    pub id: String,
    /// What has to hold.
    pub title: String,
    /// How bad it is when it does not hold.
    pub severity: Severity,
    /// The LPARs that it concerns: names, `*` and `?` stand for others. None: all.
    #[serde(default)]
    pub lpars: Vec<String>,
    /// What must not be there.
    #[serde(default)]
    pub forbids: Things,
    /// What has to be there.
    #[serde(default)]
    pub requires: Things,
    /// What to do where it does not hold.
    pub remedy: String,
}

/// Things that a look sees; `*` and `?` in a name stand for others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Things {
    /// Programs that run, by name.
    #[serde(default)]
    pub processes: Vec<String>,
    /// Subsystems that are active.
    #[serde(default)]
    pub subsystems: Vec<String>,
    /// Filesets that are installed.
    #[serde(default)]
    pub filesets: Vec<String>,
    /// Folders over which something is mounted.
    #[serde(default)]
    pub mounts: Vec<String>,
}

/// The value of a time-out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SiteTimeout {
    /// Id of the workload, such as db2: `nimctl preflight --explain db2` names its time-outs.
    pub workload: String,
    /// The time-out, as the workload calls it.
    pub name: String,
    /// Its value.
    pub seconds: u64,
    /// The LPARs that it concerns: names, `*` and `?` stand for others. None: all.
    #[serde(default)]
    pub lpars: Vec<String>,
}

/// Something in the file that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSite {
    /// No check has that id.
    #[error(
        "silence[{at}].check: no check is called \"{check}\": nimctl preflight --all shows all"
    )]
    NoCheck {
        /// Which, from 0.
        at: usize,
        /// What stands there.
        check: String,
    },
    /// An id that is none.
    #[error("checks[{at}].id: letters, digits and dashes, with a dash, at most 39: site-scheduler")]
    Id {
        /// Which, from 0.
        at: usize,
    },
    /// The same id twice.
    #[error("checks[{at}].id: a check before it has the same")]
    Twice {
        /// Which, from 0.
        at: usize,
    },
    /// It looks at nothing.
    #[error("checks[{at}]: say what it forbids or requires")]
    Nothing {
        /// Which, from 0.
        at: usize,
    },
    /// No workload has that id, or it has no such time-out.
    #[error(
        "timeouts[{at}]: no workload \"{workload}\" has a time-out {name}: nimctl preflight --explain WORKLOAD names them"
    )]
    NoTimeout {
        /// Which, from 0.
        at: usize,
        /// What stands there.
        workload: String,
        /// What stands there.
        name: String,
    },
    /// A text that is missing, too long, or no text.
    #[error("{list}[{at}].{field}: a text of 1 to {LONGEST} bytes, without control characters")]
    Text {
        /// In which list.
        list: &'static str,
        /// Which, from 0.
        at: usize,
        /// Of which field.
        field: &'static str,
    },
    /// More than are kept.
    #[error("{list}: at most {MOST} entries")]
    Many {
        /// Which list.
        list: &'static str,
    },
}

impl SiteChecks {
    /// Looks at what a type cannot say.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn checked(self) -> Result<Self, Vec<BadSite>> {
        let mut bad = Vec::new();
        let lengths = [
            ("silence", self.silence.len()),
            ("checks", self.checks.len()),
            ("timeouts", self.timeouts.len()),
        ];
        let many = lengths.into_iter().filter(|(_, length)| *length > MOST);
        bad.extend(many.map(|(list, _)| BadSite::Many { list }));
        for (at, one) in self.checks.iter().enumerate() {
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
            // With a dash it is none of ours, which have none.
            if one.id.len() > 39 || !one.id.chars().all(fits) || !one.id.contains('-') {
                bad.push(BadSite::Id { at });
            }
            if self.checks[..at].iter().any(|other| other.id.eq_ignore_ascii_case(&one.id)) {
                bad.push(BadSite::Twice { at });
            }
            if one.forbids.is_empty() && one.requires.is_empty() {
                bad.push(BadSite::Nothing { at });
            }
            let text = |field, text: &str| {
                (!is_text(text)).then_some(BadSite::Text { list: "checks", at, field })
            };
            bad.extend(text("title", &one.title));
            bad.extend(text("remedy", &one.remedy));
        }
        for (at, one) in self.silence.iter().enumerate() {
            let of_site = self.checks.iter().any(|check| check.id.eq_ignore_ascii_case(&one.check));
            if !of_site && catalogue::check(&one.check).is_none() {
                let check = crate::id::printable(&one.check);
                bad.push(BadSite::NoCheck { at, check });
            }
            if !is_text(&one.reason) {
                bad.push(BadSite::Text { list: "silence", at, field: "reason" });
            }
        }
        for (at, one) in self.timeouts.iter().enumerate() {
            let known = workload::profile(&one.workload)
                .is_some_and(|profile| profile.timeouts.iter().any(|known| known.name == one.name));
            if !known {
                let (workload, name) =
                    (crate::id::printable(&one.workload), crate::id::printable(&one.name));
                bad.push(BadSite::NoTimeout { at, workload, name });
            }
        }
        if bad.is_empty() { Ok(self) } else { Err(bad) }
    }

    /// What its time-outs are on an LPAR; of two values for one the later counts.
    #[must_use]
    pub fn timeouts_of(&self, lpar: &str) -> SiteTimeouts {
        let own = self.timeouts.iter().filter(|one| concerns(&one.lpars, lpar));
        own.map(|one| ((one.workload.to_ascii_lowercase(), one.name.clone()), Seconds(one.seconds)))
            .collect()
    }

    /// What its own checks find on an LPAR, in the order of the file.
    #[must_use]
    pub fn judge(&self, lpar: &str, seen: &Seen<'_>) -> Vec<Finding> {
        let own = self.checks.iter().filter(|one| concerns(&one.lpars, lpar));
        own.map(|one| one.judge(seen.facts)).collect()
    }

    /// Marks the findings that the site lives with. One whose last day is over before `today` is marked too, and counts.
    pub fn silence(&self, lpar: &str, today: Day, findings: &mut [Finding]) {
        let counts = |one: &&mut Finding| {
            !matches!(one.verdict.known(), Some(Verdict::Pass | Verdict::NotApplicable))
        };
        for finding in findings.iter_mut().filter(counts) {
            let all = self.silence.iter().filter(|one| {
                one.check.eq_ignore_ascii_case(&finding.check) && concerns(&one.lpars, lpar)
            });
            // The one that lasts longest.
            finding.silenced = all.max_by_key(|one| one.until).map(|one| Silenced {
                reason: one.reason.clone(),
                until: one.until,
                is_over: one.until < today,
            });
        }
    }
}

impl SiteCheck {
    fn judge(&self, facts: &Facts) -> Finding {
        let (verdict, found, evidence) = match self.looked(facts) {
            Err(why) => (Verdict::Unknown, why, Vec::new()),
            Ok((there, missing)) if there.is_empty() && missing.is_empty() => {
                (Verdict::Pass, String::new(), Vec::new())
            }
            Ok((there, missing)) => {
                let verdict = match self.severity {
                    Severity::Block => Verdict::Block,
                    Severity::Warn | Severity::Info => Verdict::Warn,
                };
                let missing = missing.into_iter().map(|what| format!("{what} is missing"));
                (verdict, self.title.clone(), there.into_iter().chain(missing).collect())
            }
        };
        let is_bad = matches!(verdict, Verdict::Block | Verdict::Warn);
        Finding {
            check: self.id.clone(),
            title: self.title.clone(),
            verdict: Named::Known(verdict),
            found: match is_bad {
                true => short(&format!("does not hold: {found}")),
                false => short(&found),
            },
            evidence: evidence
                .iter()
                .take(super::judged::MOST_EVIDENCE)
                .map(|text| short(text))
                .collect(),
            remedy: is_bad.then(|| Advice {
                text: self.remedy.clone(),
                is_command: false,
                danger: Danger::None,
                precondition: None,
            }),
            silenced: None,
        }
    }

    /// What it forbids and is there, and what it requires and is not.
    fn looked(&self, facts: &Facts) -> Result<(Vec<String>, Vec<String>), String> {
        let mut there = Vec::new();
        for (kind, wanted) in self.forbids.each() {
            let names = kind.names(facts, wanted)?;
            let matched = names.iter().filter(|name| wanted.iter().any(|glob| is_like(glob, name)));
            for name in matched {
                let text = kind.says(name);
                if !there.contains(&text) {
                    there.push(text);
                }
            }
        }
        let mut missing = Vec::new();
        for (kind, wanted) in self.requires.each() {
            let names = kind.names(facts, wanted)?;
            let without =
                wanted.iter().filter(|glob| !names.iter().any(|name| is_like(glob, name)));
            missing.extend(without.map(|glob| format!("{} {glob}", kind.word())));
        }
        Ok((there, missing))
    }
}

/// A kind of [`Things`].
#[derive(Clone, Copy)]
enum Kind {
    Process,
    Subsystem,
    Fileset,
    Mount,
}

impl Things {
    fn each(&self) -> [(Kind, &[String]); 4] {
        [
            (Kind::Process, &self.processes),
            (Kind::Subsystem, &self.subsystems),
            (Kind::Fileset, &self.filesets),
            (Kind::Mount, &self.mounts),
        ]
    }

    fn is_empty(&self) -> bool {
        self.each().iter().all(|(_, names)| names.is_empty())
    }
}

impl Kind {
    /// The names of all that is there; nothing is read where nothing is wanted.
    fn names(self, facts: &Facts, wanted: &[String]) -> Result<Vec<String>, String> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        Ok(match self {
            Self::Process => {
                let all = facts.processes.as_ref().map_err(Clone::clone)?;
                all.iter().map(|one| one.name().to_owned()).collect()
            }
            Self::Subsystem => {
                let all = facts.subsystems.as_ref().map_err(Clone::clone)?;
                let active = all.iter().filter(|one| one.is_active());
                active.map(|one| one.name.clone()).collect()
            }
            Self::Fileset => {
                let all = facts.filesets.as_ref().map_err(Clone::clone)?;
                all.iter().map(|one| one.name.clone()).collect()
            }
            Self::Mount => {
                let all = facts.mounts.as_ref().map_err(Clone::clone)?;
                all.iter().map(|one| one.over.clone()).collect()
            }
        })
    }

    fn says(self, name: &str) -> String {
        match self {
            Self::Process => format!("{name} runs"),
            Self::Subsystem => format!("{name} is active"),
            Self::Fileset => format!("{name} is installed"),
            Self::Mount => format!("{name} is mounted"),
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Process => "program",
            Self::Subsystem => "active subsystem",
            Self::Fileset => "fileset",
            Self::Mount => "mount",
        }
    }
}

/// Whether a list of patterns concerns an LPAR; an empty one concerns all.
fn concerns(globs: &[String], lpar: &str) -> bool {
    globs.is_empty() || globs.iter().any(|glob| is_like(glob, lpar))
}

/// Whether `text` is what `glob` means: `*` stands for any text, `?` for one character.
fn is_like(glob: &str, text: &str) -> bool {
    let (glob, text): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
    let (mut at, mut place) = (0, 0);
    // Where the last star stands, and up to where it has swallowed.
    let mut star = None;
    while place < text.len() {
        match glob.get(at) {
            Some('*') => {
                star = Some((at, place));
                at += 1;
            }
            Some(c) if *c == '?' || *c == text[place] => {
                at += 1;
                place += 1;
            }
            Some(_) | None => match star {
                Some((back, swallowed)) => {
                    star = Some((back, swallowed + 1));
                    at = back + 1;
                    place = swallowed + 1;
                }
                None => return false,
            },
        }
    }
    glob[at..].iter().all(|c| *c == '*')
}

fn is_text(text: &str) -> bool {
    (1..=LONGEST).contains(&text.trim().len()) && !text.chars().any(char::is_control)
}

/// Longest text, in bytes.
const LONGEST: usize = 300;

/// Most entries of a list.
const MOST: usize = 1000;

#[cfg(test)]
mod tests;
