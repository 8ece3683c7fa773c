//! How a run ended, as far as its text says: the endings of LU §2.7 and the table from them to outcomes.
//!
//! The text is one witness. What the LPAR shows afterwards (LU §6.4) is the other, and the agent asks both.

use serde::{Deserialize, Serialize};

/// How the text of a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// 7.2: `The live update operation succeeded.`
    SucceededDotted,
    /// 7.3: `Live AIX update completed in 0h 10m 58s.`
    SucceededStamped,
    /// 1430-094, or 1430-249 before one of the sentences above: updated and running, but not tidied up.
    PartialSuccess,
    /// 1430-045: the workload went on where it was.
    Failed,
    /// `geninstall: The live update will not proceed because of an install failure.`
    InstallFailed,
    /// `The live update preview succeeded.` and nothing behind it.
    PreviewPassed,
    /// A check failed and no sentence says that the preview succeeded.
    PreviewFailed,
    /// The text ends without any of these: it is still growing, or whoever wrote it is gone.
    Lost,
}

impl Ending {
    /// All endings, for tables and tests.
    pub const ALL: [Self; 8] = [
        Self::SucceededDotted,
        Self::SucceededStamped,
        Self::PartialSuccess,
        Self::Failed,
        Self::InstallFailed,
        Self::PreviewPassed,
        Self::PreviewFailed,
        Self::Lost,
    ];

    /// What this ending means.
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::SucceededDotted | Self::SucceededStamped => Outcome::Succeeded,
            Self::PartialSuccess => Outcome::SucceededWithFollowUp,
            Self::Failed => Outcome::Failed,
            Self::InstallFailed => Outcome::InstallFailed,
            Self::PreviewPassed => Outcome::PreviewPassed,
            Self::PreviewFailed => Outcome::PreviewFailed,
            Self::Lost => Outcome::Unfinished,
        }
    }
}

/// What a transcript says about the run as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Updated and running on the surrogate.
    Succeeded,
    /// Updated and running on the surrogate; something is left to be tidied up.
    SucceededWithFollowUp,
    /// The move did not happen; the original goes on.
    Failed,
    /// The software was not installed, and Live Update did not begin. Some filesets may be updated.
    InstallFailed,
    /// A preview without objections.
    PreviewPassed,
    /// A preview with objections. Nothing was changed.
    PreviewFailed,
    /// The text does not say.
    Unfinished,
}

/// What was seen so far that tells how the run ends.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    /// The last sentence that ends a run.
    last: Option<Ending>,
    preview_succeeded: bool,
    check_failed: bool,
    /// The run went past its checks.
    counted_down: bool,
    install_failed: bool,
    post_processing: bool,
}

impl Evidence {
    /// Notes an ending; gives it as it is with what was seen before.
    pub(super) fn ended(&mut self, ending: Ending) -> Ending {
        let succeeded = matches!(ending, Ending::SucceededDotted | Ending::SucceededStamped);
        let untidy = self.post_processing || self.last == Some(Ending::PartialSuccess);
        let ending = if succeeded && untidy { Ending::PartialSuccess } else { ending };
        self.last = Some(ending);
        ending
    }

    pub(super) const fn preview_succeeded(&mut self) {
        self.preview_succeeded = true;
    }

    pub(super) const fn check_failed(&mut self) {
        self.check_failed = true;
    }

    /// 1430-249: something went wrong after the workload had moved.
    pub(super) const fn post_processing_failed(&mut self) {
        self.post_processing = true;
    }

    /// `install_all_updates: Result = FAILURE`; the sentence that closes the run may be missing.
    pub(super) const fn install_failed(&mut self) {
        self.install_failed = true;
    }

    /// A phase began behind the install part, so its failure did not end the run.
    pub(super) const fn went_on(&mut self) {
        self.install_failed = false;
    }

    pub(super) fn counted_down(&mut self) {
        self.counted_down = true;
        // The preview before a real run may close with the words of a preview that stands alone.
        if matches!(self.last, Some(Ending::PreviewPassed | Ending::PreviewFailed)) {
            self.last = None;
        }
    }

    /// `End of Live Update PREVIEW: …`, which says nothing about how it went.
    pub(super) fn preview_ended(&mut self) -> Option<Ending> {
        let ending = match self.ending() {
            ending @ (Ending::PreviewPassed | Ending::PreviewFailed) => ending,
            _ => return None,
        };
        self.last = Some(ending);
        Some(ending)
    }

    pub(super) const fn is_past_its_checks(&self) -> bool {
        self.counted_down
    }

    pub(super) const fn has_ended(&self) -> bool {
        self.last.is_some()
    }

    /// How the run ends if nothing more comes.
    pub(super) const fn ending(&self) -> Ending {
        let failed_its_checks = self.check_failed && !self.preview_succeeded && !self.counted_down;
        match self.last {
            // A run that its checks stopped says so with the closing line of every failed run too (LU §3.1);
            // that nothing was touched is the better news.
            Some(Ending::Failed) | None if failed_its_checks => Ending::PreviewFailed,
            Some(ending) => ending,
            None if self.preview_succeeded && !self.counted_down => Ending::PreviewPassed,
            None if self.install_failed => Ending::InstallFailed,
            None => Ending::Lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ending_has_its_outcome() {
        let table = Ending::ALL.map(|ending| (ending, ending.outcome()));
        assert_eq!(
            table,
            [
                (Ending::SucceededDotted, Outcome::Succeeded),
                (Ending::SucceededStamped, Outcome::Succeeded),
                (Ending::PartialSuccess, Outcome::SucceededWithFollowUp),
                (Ending::Failed, Outcome::Failed),
                (Ending::InstallFailed, Outcome::InstallFailed),
                (Ending::PreviewPassed, Outcome::PreviewPassed),
                (Ending::PreviewFailed, Outcome::PreviewFailed),
                (Ending::Lost, Outcome::Unfinished),
            ]
        );
    }
}
