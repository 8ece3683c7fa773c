//! The files of one operation, and what `serve` and the supervisor leave there for each other.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use nim_shared::frame::{Change, MasterStep, Position, StepAnswer};
use nim_shared::id::{Digest, Fence, OperationId};
use nim_shared::operation::{FollowUp, Found, Outcome};
use nim_shared::prep::IpVersion;
use nim_shared::request::Request;

use crate::disk::{self, Error};
use crate::journal::Journal;
use crate::run::{Run, Step};
use crate::slot::{Durability, Slot};
use crate::system;

/// One operation's folder.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// Its id.
    pub(crate) id: OperationId,
    folder: PathBuf,
}

/// What the master has stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stored {
    /// Last event.
    pub(crate) upto: Position,
}

/// What was decided before anything is put back. It survives a crash, so that what is put back does not change the decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verdict {
    /// How the operation ends if everything can be put back.
    pub(crate) outcome: Outcome,
    /// What is on the LPAR.
    #[serde(default)]
    pub(crate) found: Found,
    /// What decided it.
    pub(crate) summary: String,
    /// What is still open besides what `outcome` says.
    #[serde(default)]
    pub(crate) follow_up: Vec<FollowUp>,
    /// Codes that came from something else than geninstall's output.
    #[serde(default)]
    pub(crate) codes: Vec<String>,
}

impl Verdict {
    /// An end that says itself what is on the LPAR.
    pub(crate) fn of(outcome: Outcome, summary: impl Into<String>) -> Self {
        let found = Found::by(&outcome);
        Self { outcome, found, summary: summary.into(), follow_up: vec![], codes: vec![] }
    }
}

/// What a split update is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Divided {
    /// What geninstall is asked for before the move, in its words; nothing where there is nothing but a move.
    pub(crate) updates: Vec<String>,
    /// Files of the interim fixes, which go with the move.
    pub(crate) fixes: Vec<String>,
}

/// How far the IP filters of each version have been taken off and put back, and the trial that waits for its proof. Only the
/// supervisor writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Filters {
    v4: Standing,
    v6: Standing,
    /// The trial under way.
    pub(crate) trial: Option<Digest>,
    /// The boot in which they were first put back: in another one they are whatever AIX has made of them.
    #[serde(default)]
    pub(crate) put_back_in: Option<String>,
}

/// What the master is asked for, and waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asking {
    /// Which question.
    pub(crate) asking: Digest,
    /// What it is.
    pub(crate) step: MasterStep,
}

/// What the master said to a question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answered {
    /// Which question.
    pub(crate) asking: Digest,
    /// What it said.
    pub(crate) answer: StepAnswer,
}

/// How far the boot of the LPAR has come that an operation asks for. That it was booted is told by the time of the boot alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reboot {
    /// `shutdown` is about to be started.
    Asked,
    /// It was started: it takes as long as it takes, and is not asked for again.
    Begun,
    /// It said that it does not do it.
    Refused(String),
}

/// Where IP filters stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    /// Nothing was done to them.
    #[default]
    Untouched,
    /// They are being taken off, or were after a trial: of what was there some may still be, and nothing in force.
    Leaving,
    /// They were seen to be off.
    Off,
    /// They are being put back, or on trial.
    Returning,
    /// They are back.
    Back,
}

impl Filters {
    /// Where those of `version` stand.
    pub(crate) const fn of(&self, version: IpVersion) -> Standing {
        match version {
            IpVersion::V4 => self.v4,
            IpVersion::V6 => self.v6,
        }
    }
}

impl Operation {
    pub(crate) fn new(id: OperationId, folder: PathBuf) -> Self {
        Self { id, folder }
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A file or folder in it.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The journal.
    pub(crate) fn journal(&self) -> PathBuf {
        self.file("journal")
    }

    /// What geninstall prints.
    pub(crate) fn output(&self) -> PathBuf {
        self.file("output")
    }

    /// What programs print that are run before the update: apart from what geninstall does, which is read from its beginning.
    pub(crate) fn backup_output(&self) -> PathBuf {
        self.file("backup.output")
    }

    /// The named pipe through which a secret comes. It is there only while one is wanted; a supervisor that was killed leaves its
    /// pipe behind.
    pub(crate) fn secret(&self) -> PathBuf {
        self.file("secret")
    }

    /// How often a secret was wanted, counted once the pipe for it is there: by it, the pipe of a supervisor that was killed is told
    /// from its successor's.
    pub(crate) fn secrets_wanted(&self) -> Result<Slot<u64>, Error> {
        Slot::open(&self.file(SECRETS_WANTED))
    }

    /// Makes everything that needs space later, with room for each of `steps`, and the request. Nothing is taken by this.
    pub(crate) fn prepare(
        &self,
        request: &str,
        steps: impl Iterator<Item = Step>,
    ) -> Result<(), Error> {
        disk::remove_folder(&self.folder)?;
        disk::ensure_folder(&self.folder)?;
        Journal::create(&self.journal())?;
        Slot::<Fence>::create(&self.file(FENCE), SMALL)?;
        Slot::<Fence>::create(&self.file(PROCEED), SMALL)?;
        Slot::<Fence>::create(&self.file(CANCEL), SMALL)?;
        Slot::<Stored>::create(&self.file(STORED), SMALL)?;
        Slot::<Position>::create(&self.file(REOPEN), SMALL)?;
        for step in steps {
            Slot::<Run>::create(&self.run_file(step), SMALL)?;
        }
        Slot::<u32>::create(&self.file(SUPERVISOR_PID), SMALL)?;
        Slot::<u64>::create(&self.file(SECRETS_WANTED), SMALL)?;
        Slot::<Verdict>::create(&self.file(VERDICT), LARGE)?;
        Slot::<Filters>::create(&self.file(FILTERS), SMALL)?;
        Slot::<Digest>::create(&self.file(PROVEN), SMALL)?;
        Slot::<Reboot>::create(&self.file(REBOOT), SENTENCE)?;
        Slot::<Option<Asking>>::create(&self.file(ASKING), SMALL)?;
        Slot::<Answered>::create(&self.file(ANSWERED), SENTENCE)?;
        disk::create_zeros(&self.file(CONTROL), 0)?;
        disk::create_zeros(&self.file(SHIM), 0)?;
        disk::create_zeros(&self.file(SUPERVISOR), 0)?;
        disk::create_zeros(&self.output(), 0)?;
        disk::create_zeros(&self.backup_output(), 0)?;
        disk::replace(&self.file(REQUEST), request.as_bytes(), 0o600)
    }

    /// The request as it was sent.
    pub(crate) fn request(&self) -> Result<Request, Error> {
        let text = self.request_text()?;
        disk::doing(
            "understand",
            &self.file(REQUEST),
            serde_json::from_str(&text).map_err(std::io::Error::other),
        )
    }

    /// The text of the request, to the byte: what its digest is of.
    pub(crate) fn request_text(&self) -> Result<String, Error> {
        let path = self.file(REQUEST);
        let text = disk::read(&path, REQUEST_LIMIT)?.unwrap_or_default();
        disk::doing("understand", &path, String::from_utf8(text).map_err(std::io::Error::other))
    }

    /// Highest fence that was seen.
    pub(crate) fn fence(&self) -> Result<Slot<Fence>, Error> {
        Slot::open(&self.file(FENCE))
    }

    /// Fence of the accepted `proceed`.
    pub(crate) fn proceed(&self) -> Result<Slot<Fence>, Error> {
        Slot::open(&self.file(PROCEED))
    }

    /// Fence of the accepted `cancel`.
    pub(crate) fn cancel(&self) -> Result<Slot<Fence>, Error> {
        Slot::open(&self.file(CANCEL))
    }

    /// What the master has stored.
    pub(crate) fn stored(&self) -> Result<Slot<Stored>, Error> {
        Slot::open(&self.file(STORED))
    }

    /// A position that the master has stored and this journal does not contain.
    pub(crate) fn reopen(&self) -> Result<Slot<Position>, Error> {
        Slot::open(&self.file(REOPEN))
    }

    /// Keeps what a master says was changed and not put back, for a journal that may not have it. Before [`Self::reopen`] is set.
    pub(crate) fn tell_changes(&self, changes: &[Change]) -> Result<(), Error> {
        let path = self.file(CHANGES);
        let text = serde_json::to_vec(changes).map_err(std::io::Error::other);
        disk::replace(&path, &disk::doing("write", &path, text)?, 0o600)
    }

    /// What a master said was changed and not put back.
    pub(crate) fn told_changes(&self) -> Result<Vec<Change>, Error> {
        let path = self.file(CHANGES);
        let Some(text) = disk::read(&path, REQUEST_LIMIT)? else { return Ok(Vec::new()) };
        disk::doing(
            "understand",
            &path,
            serde_json::from_slice(&text).map_err(std::io::Error::other),
        )
    }

    /// What the run of a program has come to.
    pub(crate) fn run(&self, step: Step) -> Result<Slot<Run>, Error> {
        Slot::open(&self.run_file(step))
    }

    /// The same, where an operation has such a step.
    pub(crate) fn run_if_any(&self, step: Step) -> Result<Option<Slot<Run>>, Error> {
        if self.run_file(step).exists() { self.run(step).map(Some) } else { Ok(None) }
    }

    fn run_file(&self, step: Step) -> PathBuf {
        match step {
            Step::Software => self.file(RUN),
            Step::Backup => self.file(&format!("{RUN}.backup")),
            Step::Removal => self.file(&format!("{RUN}.removal")),
            Step::Part(part) => self.file(&format!("{RUN}.part.{part}")),
            Step::Script(number) => self.file(&format!("{RUN}.script.{number}")),
        }
    }

    /// Keeps which of the list of an order are meant.
    pub(crate) fn choose(&self, names: &[String]) -> Result<(), Error> {
        self.keep(CHOSEN, names)
    }

    /// Which of the list of an order are meant, once that was kept.
    pub(crate) fn chosen(&self) -> Result<Vec<String>, Error> {
        self.kept(CHOSEN)
    }

    /// Keeps which filesets are removed before the update.
    pub(crate) fn keep_removed(&self, names: &[String]) -> Result<(), Error> {
        self.keep(REMOVED, names)
    }

    /// Which filesets are removed before the update, once that was kept.
    pub(crate) fn removed(&self) -> Result<Vec<String>, Error> {
        self.kept(REMOVED)
    }

    /// Keeps what of a split update is installed before the move and what goes with it.
    pub(crate) fn divide(&self, divided: &Divided) -> Result<(), Error> {
        self.keep(DIVIDED, divided)
    }

    /// What of a split update is installed before the move and what goes with it, once that was kept.
    pub(crate) fn divided(&self) -> Result<Divided, Error> {
        self.kept(DIVIDED)
    }

    fn keep<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<(), Error> {
        let path = self.file(name);
        let text = serde_json::to_vec(value).map_err(std::io::Error::other);
        disk::replace(&path, &disk::doing("write", &path, text)?, 0o600)
    }

    fn kept<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        let path = self.file(name);
        let text = disk::read(&path, REQUEST_LIMIT)?.unwrap_or_default();
        disk::doing(
            "understand",
            &path,
            serde_json::from_slice(&text).map_err(std::io::Error::other),
        )
    }

    /// What was decided.
    pub(crate) fn verdict(&self) -> Result<Slot<Verdict>, Error> {
        Slot::open(&self.file(VERDICT))
    }

    /// Where its IP filters stand.
    pub(crate) fn filters(&self) -> Result<Filters, Error> {
        Ok(Slot::open(&self.file(FILTERS))?.get()?.unwrap_or_default())
    }

    /// The same as a slot, where an operation has one: those that an earlier version took have none.
    pub(crate) fn filters_if_any(&self) -> Result<Option<Slot<Filters>>, Error> {
        let path = self.file(FILTERS);
        if path.exists() { Slot::open(&path).map(Some) } else { Ok(None) }
    }

    /// The boot that it has asked for, where it is one that asks for a boot.
    pub(crate) fn reboot(&self) -> Result<Option<Slot<Reboot>>, Error> {
        let path = self.file(REBOOT);
        if path.exists() { Slot::open(&path).map(Some) } else { Ok(None) }
    }

    /// Keeps that they are on trial.
    pub(crate) fn set_trial(&self, trial: Digest) -> Result<(), Error> {
        self.set_filters(&Filters { trial: Some(trial), ..self.filters()? })
    }

    /// Keeps in which boot they are being put back.
    pub(crate) fn set_put_back_in(&self, booted_at: Option<String>) -> Result<(), Error> {
        self.set_filters(&Filters { put_back_in: booted_at, ..self.filters()? })
    }

    fn set_filters(&self, filters: &Filters) -> Result<(), Error> {
        Slot::open(&self.file(FILTERS))?.set(filters, Durability::Synced)
    }

    /// Keeps where those of `version` stand, and that none is on trial.
    pub(crate) fn set_standing(&self, version: IpVersion, standing: Standing) -> Result<(), Error> {
        let mut filters = Filters { trial: None, ..self.filters()? };
        match version {
            IpVersion::V4 => filters.v4 = standing,
            IpVersion::V6 => filters.v6 = standing,
        }
        self.set_filters(&filters)
    }

    /// The trial of IP filters that was proven last.
    pub(crate) fn proven(&self) -> Result<Slot<Digest>, Error> {
        Slot::open(&self.file(PROVEN))
    }

    /// What the master is asked for at the moment. An operation that an earlier version took has no place for it, and asks for nothing.
    pub(crate) fn asking(&self) -> Result<Option<Slot<Option<Asking>>>, Error> {
        let path = self.file(ASKING);
        if path.exists() { Slot::open(&path).map(Some) } else { Ok(None) }
    }

    /// What the master said last.
    pub(crate) fn answered(&self) -> Result<Slot<Answered>, Error> {
        Slot::open(&self.file(ANSWERED))
    }

    /// Process id of the supervisor.
    pub(crate) fn supervisor_pid(&self) -> Result<Slot<u32>, Error> {
        Slot::open(&self.file(SUPERVISOR_PID))
    }

    /// The file that the supervisor holds locked while it lives. It opens it once: closing any other descriptor of it would
    /// give the lock away.
    pub(crate) fn supervisor(&self) -> PathBuf {
        self.file(SUPERVISOR)
    }

    /// The file that the shim around geninstall or a script holds locked while it lives.
    pub(crate) fn shim(&self) -> PathBuf {
        self.file(SHIM)
    }

    /// Holds the lock under which `proceed` and `cancel` are accepted, and under which the supervisor goes past the moments in
    /// which they are, until the result is dropped.
    pub(crate) fn control(&self) -> Result<File, Error> {
        let path = self.file(CONTROL);
        let file = disk::doing("open", &path, disk::private().open(&path))?;
        disk::doing("lock", &path, system::lock(&file))?;
        Ok(file)
    }

    /// Compares `fence` with the highest seen; keeps it when it is higher. `false`: it is lower, and whoever sent it no longer commands.
    pub(crate) fn admit(&self, fence: Fence) -> Result<bool, Error> {
        let slot = self.fence()?;
        match slot.get()? {
            Some(highest) if fence < highest => Ok(false),
            Some(highest) if fence == highest => Ok(true),
            Some(_) | None => slot.set(&fence, Durability::Synced).map(|()| true),
        }
    }
}

const REQUEST: &str = "request";
const FENCE: &str = "fence";
const PROCEED: &str = "proceed";
const CANCEL: &str = "cancel";
const STORED: &str = "stored";
const REOPEN: &str = "reopen";
const CHANGES: &str = "changes";
const RUN: &str = "run";
const CHOSEN: &str = "chosen";
const DIVIDED: &str = "divided";
const REMOVED: &str = "removed";
const VERDICT: &str = "verdict";
const FILTERS: &str = "filters";
const PROVEN: &str = "filters.proven";
const REBOOT: &str = "reboot";
const ASKING: &str = "asking";
const ANSWERED: &str = "answered";
const SUPERVISOR: &str = "supervisor";
const SUPERVISOR_PID: &str = "supervisor.pid";
const SECRETS_WANTED: &str = "secrets.wanted";
const CONTROL: &str = "control";
const SHIM: &str = "shim";

/// Largest request, or list of changes: what fits a frame.
const REQUEST_LIMIT: u64 = 1 << 20;

/// Room of a slot for a number or a position.
const SMALL: usize = 240;

/// Room of a slot for a reason.
const SENTENCE: usize = 4 << 10;

/// Room of a slot for a verdict.
const LARGE: usize = 32 << 10;
