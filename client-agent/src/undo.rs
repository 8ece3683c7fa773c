//! Puts back what was changed, one effect at a time. Each copes with "never happened" and with "already undone", and counts only
//! after it was seen again.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use nim_shared::frame::Effect;
use nim_shared::id::Digest;

use crate::command::{self, Commands};
use crate::disk;
use crate::operation::Operation;
use crate::pty;
use crate::root::Root;
use crate::stage::prep::setting;

/// Why something could not be put back.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Disk(#[from] disk::Error),
    #[error(transparent)]
    Command(#[from] command::Error),
    #[error(transparent)]
    Token(#[from] pty::Error),
    /// Somebody else has written the file meanwhile. It is left as it is.
    #[error("{path} was changed by somebody else; its content before is kept in {kept}")]
    ChangedMeanwhile { path: String, kept: String },
    /// The content before is no longer there.
    #[error("the content of {path} before is lost")]
    Lost { path: String },
    #[error(transparent)]
    Setting(#[from] setting::Error),
    /// Somebody else has given it another state. It is left as it is.
    #[error("{setting} was set to {now} by somebody else; before, it was {before}")]
    SetMeanwhile { setting: String, now: String, before: String },
    /// What was installed is not what the database of Trusted Execution says.
    #[error(
        "trustchk -n does not verify what was installed, so it is not enforced again (exit status {status}): {text}"
    )]
    NotVerified { status: i32, text: String },
    /// Its class says that nobody puts it back.
    #[error("{what}: nothing puts that back")]
    Lasting { what: &'static str },
    /// It is still as it was changed.
    #[error("{what} is still there")]
    StillThere { what: String },
}

/// What undoing needs.
pub(crate) struct Undo<'a> {
    /// The LPAR.
    pub(crate) root: &'a Root,
    /// The operation that made the change.
    pub(crate) operation: &'a Operation,
    /// AIX.
    pub(crate) commands: &'a Commands,
}

impl Undo<'_> {
    /// Puts `effect` back.
    pub(crate) fn undo(&self, effect: &Effect) -> Result<(), Error> {
        match effect {
            Effect::File { path, before, after, saved_as } => {
                self.file(path, *before, *after, saved_as.as_deref())
            }
            Effect::Folder { path } => self.folder(path),
            Effect::Mount { source: _, on } => self.mount(on),
            Effect::ConsoleToken { present_before: true, .. } => Ok(()),
            Effect::ConsoleToken { address, user, present_before: false } => {
                Ok(pty::release(self.commands, address, user)?)
            }
            Effect::Images { path } => {
                disk::remove_folder(&self.root.at(path))?;
                self.must_be_gone(path)
            }
            Effect::InterimFixes { .. } => {
                Err(Error::Lasting { what: "interim fixes were removed" })
            }
            Effect::FilesetsRemoved { .. } => Err(Error::Lasting { what: "filesets were removed" }),
            Effect::RootvgCopy { .. } => Err(Error::Lasting { what: "a copy of rootvg was made" }),
            Effect::Bootlist { before, after } => self.bootlist(before, after),
            Effect::CopyDropped { .. } => {
                Err(Error::Lasting { what: "a copy of rootvg was dropped" })
            }
            Effect::Setting { setting, before, after } => {
                setting::restore(self, setting, before, after)
            }
        }
    }

    fn file(
        &self,
        path: &str,
        before: Option<Digest>,
        after: Option<Digest>,
        saved_as: Option<&str>,
    ) -> Result<(), Error> {
        let file = self.root.at(path);
        let now = digest(&file)?;
        if now == before {
            return Ok(());
        }
        // A file that geninstall writes may be anything now.
        if after.is_some() && now != after && now.is_some() {
            let kept = saved_as
                .map_or("nothing".to_owned(), |name| self.root.as_seen(&self.operation.file(name)));
            return Err(Error::ChangedMeanwhile { path: path.to_owned(), kept });
        }
        match before {
            None => disk::remove_file(&file).and_then(|()| disk::sync_parent(&file))?,
            Some(before) => {
                let lost = || Error::Lost { path: path.to_owned() };
                let saved = self.operation.file(saved_as.ok_or_else(lost)?);
                let content =
                    disk::read(&saved, FILE_LIMIT)?.filter(|text| Digest::of(text) == before);
                disk::replace(&file, &content.ok_or_else(lost)?, 0o600)?;
                copy_owner(&saved, &file)?;
            }
        }
        if digest(&file)? == before {
            return Ok(());
        }
        Err(Error::StillThere { what: format!("another content of {path}") })
    }

    fn bootlist(&self, before: &[String], after: &[String]) -> Result<(), Error> {
        let now = bootlist(self.commands)?;
        if now == before {
            return Ok(());
        }
        if now != after {
            return Err(Error::SetMeanwhile {
                setting: "the boot list".to_owned(),
                now: now.join(" "),
                before: before.join(" "),
            });
        }
        let mut arguments = vec!["-m", "normal"];
        arguments.extend(before.iter().map(String::as_str));
        self.commands.ask("bootlist", &arguments, MOUNT_LIMIT)?;
        if bootlist(self.commands)? == before {
            return Ok(());
        }
        Err(Error::StillThere { what: format!("the boot list {}", after.join(" ")) })
    }

    fn folder(&self, path: &str) -> Result<(), Error> {
        let folder = self.root.at(path);
        match fs::remove_dir(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                disk::doing("remove the folder", &folder, Err(error))?;
            }
            Ok(()) | Err(_) => {}
        }
        self.must_be_gone(path)
    }

    fn mount(&self, on: &str) -> Result<(), Error> {
        if is_mounted(self.commands, on)? {
            self.commands.ask("umount", &[on], MOUNT_LIMIT)?;
        }
        if is_mounted(self.commands, on)? {
            return Err(Error::StillThere { what: format!("the file system on {on}") });
        }
        Ok(())
    }

    fn must_be_gone(&self, path: &str) -> Result<(), Error> {
        match self.root.at(path).symlink_metadata() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Ok(_) | Err(_) => Err(Error::StillThere { what: path.to_owned() }),
        }
    }
}

/// Digest of the content of `file`; `None` when there is no such file.
pub(crate) fn digest(file: &Path) -> Result<Option<Digest>, disk::Error> {
    Ok(disk::read(file, FILE_LIMIT)?.map(|content| Digest::of(&content)))
}

/// Gives `to` the owner, group and mode of `from`.
pub(crate) fn copy_owner(from: &Path, to: &Path) -> Result<(), disk::Error> {
    let found = disk::doing("look at", from, from.metadata())?;
    disk::doing(
        "give its owner to",
        to,
        std::os::unix::fs::chown(to, Some(found.uid()), Some(found.gid())),
    )?;
    let mode = fs::Permissions::from_mode(found.mode() & 0o7777);
    disk::doing("give its mode to", to, fs::set_permissions(to, mode))
}

/// Disks of the boot list, each once, in their order.
pub(crate) fn bootlist(commands: &Commands) -> Result<Vec<String>, command::Error> {
    let text = commands.ask("bootlist", &["-m", "normal", "-o"], MOUNT_LIMIT)?;
    let mut names: Vec<String> = Vec::new();
    for line in text.lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        if !name.is_empty() && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// Whether something is mounted on the folder `on`.
pub(crate) fn is_mounted(commands: &Commands, on: &str) -> Result<bool, command::Error> {
    let text = commands.ask("mount", &[], MOUNT_LIMIT)?;
    Ok(text.lines().any(|line| line.split_whitespace().any(|word| word == on)))
}

/// Largest file that is changed and put back.
pub(crate) const FILE_LIMIT: u64 = 4 << 20;

/// Time that mounting and unmounting may take.
pub(crate) const MOUNT_LIMIT: Duration = Duration::from_secs(120);
