//! What to do about a finding: a command only where it may be typed.

use super::facts::Facts;
use crate::prep::StepKind;
use crate::stage::names;

names! {
    /// What a remedy can do beside what it is for.
    Danger, "danger" {
        /// Nothing.
        None = "none",
        /// It changes what runs or is protected, and can be put back.
        Reversible = "reversible",
        /// It cannot be put back without media, a backup or another window.
        Permanent = "permanent",
        /// It interrupts the workload.
        Outage = "outage",
        /// It touches RSCT, AHAFS, srcmstr or clcomd: on a node of a cluster it can take the cluster down.
        Cluster = "cluster",
    }
}

names! {
    /// What of a remedy this version of `nimd` does itself.
    Ours, "own part" {
        /// Nothing: it is for a person.
        Nothing = "nothing",
        /// It applies it; there is nothing to put back.
        Applies = "applies",
        /// It applies it where the policy of the LPAR has that step, and puts it back.
        Undoes = "applies_and_undoes",
        /// It applies it where the policy of the LPAR has that step, for good.
        ForGood = "applies_for_good",
    }
}

/// What to do where a check does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// Commands, or a sentence.
    pub text: &'static str,
    /// Whether `text` can be typed on the LPAR.
    pub is_command: bool,
    /// What it can do beside.
    pub danger: Danger,
    /// What has to be so before; empty for nothing.
    pub precondition: &'static str,
    /// What of it is done by `nimd`.
    pub ours: Ours,
    /// The step of prep that does it, where one does.
    pub step: Option<StepKind>,
}

impl Remedy {
    /// Commands for the LPAR.
    #[must_use]
    pub const fn command(text: &'static str, danger: Danger) -> Self {
        Self { text, is_command: true, danger, precondition: "", ours: Ours::Nothing, step: None }
    }

    /// A sentence.
    #[must_use]
    pub const fn sentence(text: &'static str, danger: Danger) -> Self {
        Self { text, is_command: false, danger, precondition: "", ours: Ours::Nothing, step: None }
    }

    /// Nothing is to be done.
    pub const NONE: Self = Self::sentence("nothing is to be done", Danger::None);

    /// The same with what has to be so before.
    #[must_use]
    pub const fn after(self, precondition: &'static str) -> Self {
        Self { precondition, ..self }
    }

    /// The same, and `nimd` applies it.
    #[must_use]
    pub const fn applied_by_us(self) -> Self {
        Self { ours: Ours::Applies, ..self }
    }

    /// The same, and a step of prep does it and puts it back.
    #[must_use]
    pub const fn undone_by(self, step: StepKind) -> Self {
        Self { ours: Ours::Undoes, step: Some(step), ..self }
    }

    /// The same, and a step of prep does it for good.
    #[must_use]
    pub const fn done_for_good_by(self, step: StepKind) -> Self {
        Self { ours: Ours::ForGood, step: Some(step), ..self }
    }

    /// What to print for an LPAR that stands so. Whoever is in a cluster, or may be, gets no command that touches its ground.
    #[must_use]
    pub fn advise(&self, standing: &Standing, danger: Danger) -> Advice {
        let before = match self.precondition {
            "" => None,
            text => Some(text.to_owned()),
        };
        if danger != Danger::Cluster {
            let text = self.text.to_owned();
            return Advice { text, is_command: self.is_command, danger, precondition: before };
        }
        let text = match standing {
            Standing::Alone => {
                let text = self.text.to_owned();
                return Advice { text, is_command: self.is_command, danger, precondition: before };
            }
            Standing::Member(signs) => format!(
                "this LPAR is part of a cluster ({}): change nothing of RSCT, AHAFS, srcmstr or clcomd; ask whoever runs the cluster, then IBM support",
                signs.join(", ")
            ),
            Standing::Unknown(why) => format!(
                "whether this LPAR is part of a cluster is not known ({why}): change nothing of RSCT, AHAFS, srcmstr or clcomd; ask whoever \
                 runs it, then IBM support"
            ),
        };
        Advice { text, is_command: false, danger, precondition: None }
    }
}

/// What is printed.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Advice {
    /// Commands, or a sentence.
    pub text: String,
    /// Whether it can be typed on the LPAR.
    pub is_command: bool,
    /// What it can do beside what it is for.
    pub danger: Danger,
    /// What has to be so before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precondition: Option<String>,
}

/// Whether an LPAR shares ground with others: CAA, PowerHA, an RSCT peer domain, a shared storage pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing says so, and everything was looked at.
    Alone,
    /// This says so.
    Member(Vec<String>),
    /// Something could not be looked at.
    Unknown(String),
}

impl Standing {
    /// As the facts say: one sign is enough, and for `Alone` all must be readable.
    #[must_use]
    pub fn of(facts: &Facts) -> Self {
        let mut signs = Vec::new();
        let mut unread = None;
        let mut note = |found: Result<Vec<String>, &String>| match found {
            Ok(found) => signs.extend(found),
            Err(why) => unread = unread.take().or(Some(why.clone())),
        };
        note(facts.disks.as_ref().map(|disks| {
            // Source: CAA's repository disk is in this volume group, on PowerHA nodes and in shared storage pools alike.
            let is_repository = |group: &Option<String>| group.as_deref() == Some("caavg_private");
            disks
                .iter()
                .filter(|disk| is_repository(&disk.volume_group))
                .map(|disk| format!("{} is in caavg_private", disk.name))
                .collect()
        }));
        note(facts.subsystems.as_ref().map(|all| {
            all.iter()
                .filter(|one| one.is_active() && CLUSTERED.contains(&&*one.name))
                .map(|one| format!("{} is active", one.name))
                .collect()
        }));
        note(facts.filesets.as_ref().map(|all| {
            all.iter()
                .filter(|one| one.name == "cluster.es.server.rte")
                .map(|one| format!("{} is installed", one.name))
                .collect()
        }));
        note(facts.mounts.as_ref().map(|all| {
            let aha = all.iter().filter(|one| one.kind == "ahafs");
            aha.map(|one| format!("{} is mounted (ahafs)", one.over)).collect()
        }));
        match (signs.is_empty(), unread) {
            (false, _) => Self::Member(signs),
            (true, Some(why)) => Self::Unknown(why),
            (true, None) => Self::Alone,
        }
    }
}

/// Subsystems that are active on members only: PowerHA's manager, CAA's daemon, topology services of a peer domain.
const CLUSTERED: [&str; 3] = ["clstrmgrES", "clconfd", "cthags"];
