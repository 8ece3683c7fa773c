//! One small value on disk that is replaced in place: whole after a crash, and in need of no new space.
//!
//! Each slot is a file of two halves of fixed size, filled when it is made. A new value goes to the half that holds the older
//! one, so a torn write loses only itself. Whoever writes a slot that has several writers holds a lock meanwhile.

use std::fs::File;
use std::marker::PhantomData;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::disk::{self, Error};

/// A slot that holds a `T`, or nothing yet.
#[derive(Debug)]
pub(crate) struct Slot<T> {
    file: File,
    path: PathBuf,
    half: usize,
    value: PhantomData<T>,
}

/// Whether a value must survive a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// It is on the disk when the call returns.
    Synced,
    /// It may be lost; the one before is then found.
    Loose,
}

impl<T: Serialize + DeserializeOwned> Slot<T> {
    /// Makes the file `path` for values of at most `largest` bytes of JSON.
    pub(crate) fn create(path: &Path, largest: usize) -> Result<(), Error> {
        disk::create_zeros(path, 2 * (largest + HEADER) as u64)
    }

    /// Opens the file `path`.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let file = disk::doing("open", path, disk::private().open(path))?;
        let bytes = disk::doing("look at", path, file.metadata())?.len();
        let half = usize::try_from(bytes / 2).unwrap_or(0);
        Ok(Self { file, path: path.to_owned(), half, value: PhantomData })
    }

    /// The value that was written last.
    pub(crate) fn get(&self) -> Result<Option<T>, Error> {
        Ok(self.newest()?.and_then(|found| serde_json::from_slice(&found.content).ok()))
    }

    /// Replaces the value.
    pub(crate) fn set(&self, value: &T, durability: Durability) -> Result<(), Error> {
        let (number, half) =
            self.newest()?.map_or((1, 0), |found| (found.number + 1, 1 - found.half));
        let content = serde_json::to_vec(value).map_err(std::io::Error::other);
        let content = disk::doing("write", &self.path, content)?;
        let Some(length) =
            u32::try_from(content.len()).ok().filter(|_| content.len() + HEADER <= self.half)
        else {
            let cause =
                std::io::Error::new(std::io::ErrorKind::FileTooLarge, "the value is too large");
            return disk::doing("write", &self.path, Err(cause));
        };
        let mut bytes = Vec::with_capacity(HEADER + content.len());
        bytes.extend_from_slice(&number.to_be_bytes());
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&crc(number, &content).to_be_bytes());
        bytes.extend_from_slice(&content);
        let written = self.file.write_all_at(&bytes, (half * self.half) as u64);
        let written = written.and_then(|()| match durability {
            Durability::Synced => self.file.sync_data(),
            Durability::Loose => Ok(()),
        });
        disk::doing("write", &self.path, written)
    }

    fn newest(&self) -> Result<Option<Found>, Error> {
        let mut newest: Option<Found> = None;
        for half in 0..2 {
            let mut bytes = vec![0; self.half];
            let read = self.file.read_exact_at(&mut bytes, (half * self.half) as u64);
            disk::doing("read", &self.path, read)?;
            if let Some(found) = Found::in_half(&bytes, half)
                && newest.as_ref().is_none_or(|newest| newest.number < found.number)
            {
                newest = Some(found);
            }
        }
        Ok(newest)
    }
}

/// A value that is whole.
struct Found {
    number: u64,
    half: usize,
    content: Vec<u8>,
}

impl Found {
    fn in_half(bytes: &[u8], half: usize) -> Option<Self> {
        let (number, rest) = bytes.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (sum, rest) = rest.split_first_chunk::<4>()?;
        let number = u64::from_be_bytes(*number);
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let content = rest.get(..length)?;
        let whole = number > 0 && crc(number, content) == u32::from_be_bytes(*sum);
        whole.then(|| Self { number, half, content: content.to_owned() })
    }
}

fn crc(number: u64, content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&number.to_be_bytes());
    hasher.update(content);
    hasher.finalize()
}

/// Number of the value, its length, its checksum.
const HEADER: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_write_leaves_the_value_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fence");
        Slot::<u64>::create(&path, 32).unwrap();
        let slot = Slot::<u64>::open(&path).unwrap();
        assert_eq!(slot.get().unwrap(), None);
        for value in 1..=3 {
            slot.set(&value, Durability::Synced).unwrap();
            assert_eq!(slot.get().unwrap(), Some(value));
        }
        let whole = std::fs::read(&path).unwrap();
        slot.set(&4, Durability::Synced).unwrap();
        let after = std::fs::read(&path).unwrap();
        for cut in 0..after.len() {
            let torn: Vec<u8> = after[..cut].iter().chain(&whole[cut..]).copied().collect();
            std::fs::write(&path, torn).unwrap();
            let value = Slot::<u64>::open(&path).unwrap().get().unwrap();
            assert!(matches!(value, Some(3 | 4)), "cut at {cut}: {value:?}");
        }
    }

    #[test]
    fn a_value_that_does_not_fit_is_refused_and_the_old_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text");
        Slot::<String>::create(&path, 8).unwrap();
        let slot = Slot::<String>::open(&path).unwrap();
        slot.set(&"short".to_owned(), Durability::Loose).unwrap();
        assert!(slot.set(&"much too long".to_owned(), Durability::Loose).is_err());
        assert_eq!(slot.get().unwrap().as_deref(), Some("short"));
    }
}
