//! What the agent keeps on the LPAR's disk: `/var/adm/nim-agent`, readable by root alone, in rootvg.
//!
//! ```text
//! installation            random id of this installation
//! lock                    held while an operation is taken, tombstoned or forgotten
//! claims/ID               what became of an id, for ever: taken with which digest, or tombstone
//! operations/ID/          request, journal, output and the rest, until `forget`
//! images/                 contents that were pushed
//! ```

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use nim_shared::id::{Digest, Fence, InstallationId, OperationId};

use crate::disk::{self, Created, Error};
use crate::operation::Operation;
use crate::root::Root;
use crate::system;

/// The agent's folder as AIX knows it.
pub(crate) const FOLDER: &str = "/var/adm/nim-agent";

/// The agent's folder on this LPAR.
#[derive(Clone, Debug)]
pub(crate) struct State {
    folder: PathBuf,
}

/// What became of an operation's id on this LPAR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "claim", rename_all = "snake_case")]
pub(crate) enum Claim {
    /// The operation was taken.
    Taken {
        /// Digest of its request.
        digest: Digest,
    },
    /// No `start` with this fence or a lower one will run here.
    Tombstone {
        /// The highest fence that asked for it; of a forgotten operation the highest there is.
        fence: Fence,
    },
}

impl State {
    /// Opens the folder; makes it when it is not there.
    pub(crate) fn open(root: &Root) -> Result<Self, Error> {
        let state = Self { folder: root.at(FOLDER) };
        disk::ensure_folder(&state.folder)?;
        for part in ["claims", "operations"] {
            disk::ensure_folder(&state.folder.join(part))?;
        }
        Ok(state)
    }

    /// The folder itself.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Id of this installation; made when there is none. Clones of an LPAR have the same.
    pub(crate) fn installation(&self) -> Result<InstallationId, Error> {
        let path = self.folder.join("installation");
        loop {
            if let Some(text) = disk::read(&path, 64)?
                && let Some(id) =
                    std::str::from_utf8(&text).ok().and_then(|t| t.trim().parse().ok())
            {
                return Ok(id);
            }
            let mut random = [0; 16];
            let source = Path::new("/dev/urandom");
            let read = File::open(source).and_then(|mut file| file.read_exact(&mut random));
            disk::doing("read", source, read)?;
            let id = random_id(random);
            match disk::create_once(&path, format!("{id}\n").as_bytes())? {
                Created::New => return Ok(id),
                // Another process was faster, or what is there is no id.
                Created::Exists if disk::read(&path, 64)?.is_some_and(|text| text.len() == 37) => {}
                Created::Exists => disk::replace(&path, format!("{id}\n").as_bytes(), 0o600)?,
            }
        }
    }

    /// Holds the lock under which claims are made and removed, until the result is dropped.
    pub(crate) fn lock(&self) -> Result<File, Error> {
        let path = self.folder.join("lock");
        let file =
            disk::doing("open", &path, disk::private().create(true).truncate(false).open(&path))?;
        disk::doing("lock", &path, system::lock(&file))?;
        Ok(file)
    }

    /// What became of `id`; `None` when it was never heard of.
    pub(crate) fn claim(&self, id: OperationId) -> Result<Option<Claim>, Error> {
        let path = self.claim_path(id);
        let Some(text) = disk::read(&path, CLAIM_LIMIT)? else { return Ok(None) };
        let claim = serde_json::from_slice(&text).map_err(std::io::Error::other);
        disk::doing("understand", &path, claim).map(Some)
    }

    /// Makes `claim` what became of `id`, unless something did already: then that is given.
    pub(crate) fn claim_once(
        &self,
        id: OperationId,
        claim: Claim,
    ) -> Result<(Created, Claim), Error> {
        let path = self.claim_path(id);
        match disk::create_once(&path, &as_text(claim))? {
            Created::New => Ok((Created::New, claim)),
            Created::Exists => match self.claim(id)? {
                Some(found) => Ok((Created::Exists, found)),
                None => disk::doing("read", &path, Err(std::io::ErrorKind::NotFound.into())),
            },
        }
    }

    /// Makes `claim` what becomes of `id` from now on. For whoever holds the lock and has seen what was there before.
    pub(crate) fn claim_anew(&self, id: OperationId, claim: Claim) -> Result<(), Error> {
        disk::replace(&self.claim_path(id), &as_text(claim), 0o600)
    }

    /// The files of `id`, whether they are there or not.
    pub(crate) fn operation(&self, id: OperationId) -> Operation {
        Operation::new(id, self.folder.join("operations").join(id.to_string()))
    }

    /// The operations that were taken and not forgotten, oldest first.
    pub(crate) fn operations(&self) -> Result<Vec<Operation>, Error> {
        let folder = self.folder.join("operations");
        let mut found = Vec::new();
        for item in disk::doing("list", &folder, std::fs::read_dir(&folder))? {
            let name = disk::doing("list", &folder, item)?.file_name();
            let Some(id) = name.to_str().and_then(|name| name.parse::<OperationId>().ok()) else {
                continue;
            };
            // A folder without its claim is what a crash left before the operation was taken.
            if matches!(self.claim(id)?, Some(Claim::Taken { .. })) {
                found.push(self.operation(id));
            }
        }
        found.sort_by_key(|operation| operation.id);
        Ok(found)
    }

    fn claim_path(&self, id: OperationId) -> PathBuf {
        self.folder.join("claims").join(id.to_string())
    }
}

fn as_text(claim: Claim) -> Vec<u8> {
    // A struct of numbers and a digest always has a text.
    serde_json::to_vec(&claim).unwrap_or_default()
}

/// Sixteen random bytes as a UUID of version 4.
fn random_id(mut random: [u8; 16]) -> InstallationId {
    random[6] = random[6] & 0x0f | 0x40;
    random[8] = random[8] & 0x3f | 0x80;
    let hex: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    hex.parse().unwrap_or_else(|_| unreachable!("32 hexadecimal digits are a UUID"))
}

/// Fence of the tombstone of a forgotten operation.
pub(crate) const FORGOTTEN: Fence = Fence(u64::MAX);

/// Most bytes of a claim.
const CLAIM_LIMIT: u64 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> (tempfile::TempDir, State) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("var/adm")).unwrap();
        let state = State::open(&Root::below(folder.path())).unwrap();
        (folder, state)
    }

    fn id() -> OperationId {
        "0190b2c0-0000-7000-8000-000000000001".parse().unwrap()
    }

    #[test]
    fn an_installation_keeps_its_id() {
        let (_folder, state) = state();
        let id = state.installation().unwrap();
        assert_eq!(state.installation().unwrap(), id);
        std::fs::write(state.folder().join("installation"), "garbage").unwrap();
        assert_ne!(state.installation().unwrap(), id);
    }

    #[test]
    fn an_id_is_taken_or_buried_but_never_both() {
        let (_folder, state) = state();
        let taken = Claim::Taken { digest: Digest::of(b"r") };
        let tombstone = Claim::Tombstone { fence: Fence(2) };
        assert_eq!(state.claim(id()).unwrap(), None);
        assert_eq!(state.claim_once(id(), tombstone).unwrap(), (Created::New, tombstone));
        assert_eq!(state.claim_once(id(), taken).unwrap(), (Created::Exists, tombstone));
    }

    #[test]
    fn a_folder_without_its_claim_is_no_operation() {
        let (_folder, state) = state();
        std::fs::create_dir(state.operation(id()).folder()).unwrap();
        assert!(state.operations().unwrap().is_empty());
        state.claim_once(id(), Claim::Taken { digest: Digest::ZERO }).unwrap();
        assert_eq!(state.operations().unwrap().len(), 1);
        state.claim_anew(id(), Claim::Tombstone { fence: FORGOTTEN }).unwrap();
        assert!(state.operations().unwrap().is_empty());
    }
}
