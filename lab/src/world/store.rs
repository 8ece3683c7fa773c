//! The world on disk: one file, replaced as a whole, changed by one process at a time.
//!
//! Many commands run at once, each a process of its own. A change takes the lock, reads, changes, writes beside and renames; readers
//! need no lock, for a rename shows either the old world or the new one. A command killed half-way leaves the old one.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::World;

/// Access to the world of one site.
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
}

/// Why the world could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system said no.
    #[error("cannot use {path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it said.
        #[source]
        cause: io::Error,
    },
    /// Not a world, or that of another version of the lab.
    #[error("{path} is not a world this lab understands")]
    Format {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: serde_json::Error,
    },
}

impl Store {
    /// The world kept in `directory`.
    pub fn at(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// Whether a world was ever written there.
    pub fn exists(&self) -> bool {
        self.file().exists()
    }

    /// Writes the first world of a site.
    pub fn create(&self, world: &World) -> Result<(), StoreError> {
        let _lock = self.lock()?;
        self.write(world)
    }

    /// The world as it is now.
    pub fn read(&self) -> Result<World, StoreError> {
        let path = self.file();
        let text = fs::read(&path).map_err(|cause| StoreError::Io { path: path.clone(), cause })?;
        serde_json::from_slice(&text).map_err(|cause| StoreError::Format { path, cause })
    }

    /// Changes the world. When `change` returns an error nothing is written.
    pub fn change<T, E: From<StoreError>>(
        &self,
        change: impl FnOnce(&mut World) -> Result<T, E>,
    ) -> Result<T, E> {
        let _lock = self.lock()?;
        let mut world = self.read()?;
        let answer = change(&mut world)?;
        self.write(&world)?;
        Ok(answer)
    }

    fn file(&self) -> PathBuf {
        self.directory.join("world.json")
    }

    /// Held until the returned file is dropped.
    fn lock(&self) -> Result<File, StoreError> {
        let path = self.directory.join("world.lock");
        let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        open.and_then(|file| file.lock().map(|()| file))
            .map_err(|cause| StoreError::Io { path, cause })
    }

    fn write(&self, world: &World) -> Result<(), StoreError> {
        let path = self.file();
        let beside = self.directory.join("world.json.new");
        let text = serde_json::to_vec_pretty(world)
            .map_err(|cause| StoreError::Format { path: path.clone(), cause })?;
        fs::write(&beside, text)
            .and_then(|()| fs::rename(&beside, &path))
            .map_err(|cause| StoreError::Io { path, cause })
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn changes_by_many_at_once_are_all_kept() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::at(directory.path());
        store.create(&World::default()).unwrap();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        store
                            .change(|world| {
                                world.seed += 1;
                                Ok::<_, StoreError>(())
                            })
                            .unwrap();
                    }
                });
            }
        });
        assert_eq!(store.read().unwrap().seed, 200);
    }

    #[test]
    fn a_refused_change_leaves_the_world_as_it_was() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::at(directory.path());
        store.create(&World::default()).unwrap();
        let refused: Result<(), StoreError> = store.change(|world| {
            world.seed = 9;
            Err(StoreError::Io { path: PathBuf::new(), cause: io::Error::other("no") })
        });
        assert!(refused.is_err());
        assert_eq!(store.read().unwrap(), World::default());
    }
}
