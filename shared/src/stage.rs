//! Where an operation stands: our five stages, the phases of `geninstall -k` inside the update, and the points that matter.

/// A closed set of names: the variants in order, their text, `Display`, `FromStr`.
macro_rules! names {
    ($(#[$doc:meta])+ $name:ident, $what:literal { $($(#[$vdoc:meta])+ $variant:ident = $text:literal,)+ }) => {
        $(#[$doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum $name { $($(#[$vdoc])+ #[serde(rename = $text)] $variant,)+ }

        impl $name {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name as it is stored, sent and shown.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::stage::UnknownName;

            fn from_str(text: &str) -> Result<Self, $crate::stage::UnknownName> {
                Self::ALL.iter().copied().find(|one| one.name() == text).ok_or_else(|| $crate::stage::UnknownName {
                    what: $what,
                    found: text.to_owned(),
                    known: Self::ALL.iter().map(|one| one.name()).collect(),
                })
            }
        }
    };
}
pub(crate) use names;

/// A text that names none of a closed set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is no {what}: one of {}", crate::id::printable(found), known.join(", "))]
pub struct UnknownName {
    /// What was expected, such as `stage`.
    pub what: &'static str,
    /// The text that was given.
    pub found: String,
    /// What it could have been.
    pub known: Vec<&'static str>,
}

names! {
    /// A part of an operation, in the order in which they run.
    Stage, "stage" {
        /// Looks whether everything is there. Changes nothing.
        Pre = "pre",
        /// Makes the LPAR ready, reversibly.
        Prep = "prep",
        /// Makes the copy that one can go back to.
        Backup = "backup",
        /// `geninstall -k`.
        Update = "update",
        /// Puts back what prep changed and looks at what came out.
        Post = "post",
    }
}

names! {
    /// A phase of `geninstall -k`, in the order in which they occur. Source: the phase model of the Live Update reference
    /// (§2.6): phase *n* there is the *n*-th here, counted from 0.
    Phase, "phase" {
        /// `installp` and `emgr` work on the original: TL and SP updates only.
        Install = "install",
        /// Its own checks and estimates.
        Preview = "preview",
        /// Ten seconds in which it can still be interrupted.
        Countdown = "countdown",
        /// Lock, log rotation, token.
        Init = "init",
        /// Validates the environment of the original.
        Validate = "validate",
        /// Begins on the original.
        Begin = "begin",
        /// Asks the HMC for processors, memory, partition id and slot.
        Resources = "resources",
        /// Scripts and signals that tell applications.
        Notify = "notify",
        /// Copies rootvg for the surrogate.
        Clone = "clone",
        /// The surrogate boots.
        Boot = "boot",
        /// Mirrors rootvg for the moved workload.
        Mirror = "mirror",
        /// Copies the workload's memory while it runs.
        Move = "move",
        /// The workload stands still.
        Blackout = "blackout",
        /// The workload runs on the surrogate: from here forward only.
        Running = "running",
        /// The rest of memory, adapters and paths follow.
        Transfer = "transfer",
        /// The original is tidied up.
        Cleanup = "cleanup",
        /// The original is shut down.
        Shutdown = "shutdown",
        /// The HMC deletes the original.
        Delete = "delete",
        /// The end.
        Done = "done",
    }
}

impl Phase {
    /// Whether silence of the LPAR is expected: from `move` until the workload runs again. In these phases the agent opens
    /// nothing, starts nothing and answers no new login. Source: Live Update reference §7.3.
    #[must_use]
    pub const fn is_silent(self) -> bool {
        matches!(self, Self::Move | Self::Blackout | Self::Running)
    }
}

names! {
    /// A point after which something is no longer possible. Each is a journalled event.
    Point, "point" {
        /// Prep and backup are done; the agent waits for `proceed`. Until then nothing of the update was touched.
        Ready = "ready",
        /// installp runs. geninstall is not interrupted from here; in an update it goes on with the move by itself.
        InstallBegun = "install_begun",
        /// The countdown is over: not interruptible.
        Committed = "committed",
        /// The workload is on the surrogate: forward only.
        Moved = "moved",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_and_equals_its_json() {
        for phase in Phase::ALL {
            assert_eq!(phase.name().parse(), Ok(*phase));
            assert_eq!(serde_json::to_string(phase).unwrap(), format!("\"{phase}\""));
        }
        assert_eq!(Phase::ALL.len(), 19);
    }

    #[test]
    fn a_wrong_name_says_what_it_could_have_been() {
        let error = "backups".parse::<Stage>().unwrap_err().to_string();
        assert_eq!(error, "\"backups\" is no stage: one of pre, prep, backup, update, post");
    }
}
