//! Contents that were pushed to this LPAR, kept by their digest: one file each, whatever it was called where it came from.
//!
//! ```text
//! images/sha256/DIGEST    whole and verified; never written again
//! images/partial/DIGEST   what has arrived so far; locked by the `receive` that writes it
//! images/offer            digests of the last offer whose order has not come yet: these are not removed
//! ```

use std::collections::BTreeSet;
use std::path::PathBuf;

use nim_shared::id::Digest;
use nim_shared::request::{Content, Request};

use crate::disk::{self, Error};
use crate::state::State;

/// Name of the folder in which an NFS export is mounted, in an operation's folder.
pub(crate) const MOUNT: &str = "mount";

/// Name of the folder in which pushed files get their names, in an operation's folder.
pub(crate) const LINKED: &str = "images";

/// The contents of this LPAR.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    folder: PathBuf,
}

impl Store {
    /// Opens the folder; makes it when it is not there.
    pub(crate) fn open(state: &State) -> Result<Self, Error> {
        let store = Self { folder: state.folder().join("images") };
        disk::ensure_folder(&store.folder)?;
        disk::ensure_folder(&store.folder.join("sha256"))?;
        disk::ensure_folder(&store.folder.join("partial"))?;
        Ok(store)
    }

    /// Looks whether the folders are still folders: what was swapped for a link since leads elsewhere. Only root can do that to
    /// them; the master, which cannot, must not gain by it.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for folder in [&self.folder, &self.folder.join("sha256"), &self.folder.join("partial")] {
            disk::check_folder(folder)?;
        }
        Ok(())
    }

    /// The folder: what lies in it takes space in its file system.
    pub(crate) fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// A whole content.
    pub(crate) fn whole(&self, digest: Digest) -> PathBuf {
        self.folder.join("sha256").join(digest.to_string())
    }

    /// The beginning of a content.
    pub(crate) fn partial(&self, digest: Digest) -> PathBuf {
        self.folder.join("partial").join(digest.to_string())
    }

    /// Keeps the contents of an offer until its order has come.
    pub(crate) fn remember_offer(
        &self,
        digests: impl Iterator<Item = Digest>,
    ) -> Result<(), Error> {
        let text: String = digests.map(|digest| format!("{digest}\n")).collect();
        disk::replace(&self.offer(), text.as_bytes(), 0o600)
    }

    fn offered(&self) -> Result<BTreeSet<Digest>, Error> {
        let text = disk::read(&self.offer(), OFFER_LIMIT)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&text).lines().filter_map(|line| line.parse().ok()).collect())
    }

    fn offer(&self) -> PathBuf {
        self.folder.join("offer")
    }
}

/// The order for which contents were offered has come: from now on it keeps them.
pub(crate) fn offer_is_used(state: &State) -> Result<(), Error> {
    disk::remove_file(&Store::open(state)?.offer())
}

/// Removes the contents that only the forgotten `request` used.
pub(crate) fn release(state: &State, request: Option<&Request>) -> Result<(), Error> {
    let unused: Vec<_> = request.into_iter().flat_map(Request::contents).collect();
    if unused.is_empty() {
        return Ok(());
    }
    let store = Store::open(state)?;
    let mut kept = store.offered()?;
    for operation in state.operations()? {
        if let Ok(request) = operation.request() {
            kept.extend(request.contents().map(|content| content.digest));
        }
    }
    for Content { digest, .. } in unused {
        if !kept.contains(&digest) {
            disk::remove_file(&store.whole(digest))?;
            disk::remove_file(&store.partial(digest))?;
        }
    }
    Ok(())
}

/// Whether `path` stays below the folder that it is joined to.
pub(crate) fn is_relative(path: &str) -> bool {
    let is_name = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && part.len() <= 255
            && !part.chars().any(char::is_control)
    };
    path.len() <= 1000 && path.split('/').all(is_name)
}

/// Largest list of an offer: some fifteen thousand files.
const OFFER_LIMIT: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_not_lead_out_of_its_folder() {
        for path in ["bos.rte.U", "ppc/a b.bff", "IJ1.epkg.Z"] {
            assert!(is_relative(path), "{path}");
        }
        for path in ["", "/etc", "a//b", "../x", "a/..", "./a", "a/", "a\nb", "a\0b"] {
            assert!(!is_relative(path), "{path:?}");
        }
    }
}
