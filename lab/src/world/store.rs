//! The world on disk: what the site shares in one file, and each frame with its LPARs in one.
//!
//! ```text
//! DIR/world/site.json        seed, HMCs, exports, which LPAR is on which frame
//!           frame-NAME.json  the frame with its partitions, and the LPARs on it
//!           NAME.lock        who changes the file of that name
//! ```
//!
//! Many commands run at once, each a process of its own, and a command of an LPAR needs no more than its frame: a site of a thousand
//! LPARs costs it as much as one of twenty. A change takes the locks of the files that it may touch, reads, changes, writes beside
//! and renames; a command killed half-way leaves the old frame.
//!
//! Whatever changes what partitions hold of a frame is in the lab's record ([`capacity`]): no way of changing it goes round that.

mod capacity;
mod one;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Frame, Hmc, Lpar, World};
use crate::clock::Clock;
use capacity::Held;

/// Access to the world of one site.
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
    /// The site's clock; a process of its own asks the site for the time.
    clock: Option<Clock>,
}

/// Access to what one LPAR stands on: its frame with all LPARs there, and the HMCs, which do not change here.
#[derive(Clone, Debug)]
pub struct Near {
    store: Store,
    lpar: String,
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
    /// Nobody of that name.
    #[error("no LPAR is called {name:?}")]
    NoLpar {
        /// The name.
        name: String,
    },
    /// The lab's record says no more what happened.
    #[error("cannot write the lab's record")]
    Record(#[source] io::Error),
    /// A change near an LPAR reached further than its frame: a fault of the lab.
    #[error("a change near the LPAR {name} touched what is not on its frame")]
    Beyond {
        /// The LPAR.
        name: String,
    },
}

/// What the frames share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Shared {
    seed: u64,
    hmcs: BTreeMap<String, Hmc>,
    exports: BTreeMap<String, String>,
    /// Frames by name, those with a file, with their type, model and serial.
    frames: BTreeMap<String, String>,
    /// LPAR to frame.
    places: BTreeMap<String, String>,
}

/// What is on one frame.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct OnFrame {
    /// None where LPARs name a frame that the site does not have.
    frame: Option<Frame>,
    lpars: BTreeMap<String, Lpar>,
}

impl Store {
    /// The world kept in `directory`, for a process other than the site's.
    pub fn at(directory: &Path) -> Self {
        Self { directory: directory.join("world"), clock: None }
    }

    /// The world kept in `directory`, for the site itself.
    pub(crate) fn of_site(directory: &Path, clock: Clock) -> Self {
        Self { clock: Some(clock), ..Self::at(directory) }
    }

    /// Whether a world was ever written there.
    pub fn exists(&self) -> bool {
        self.file(SITE).exists()
    }

    /// Writes the first world of a site.
    pub fn create(&self, world: &World) -> Result<(), StoreError> {
        fs::create_dir_all(&self.directory).map_err(io_of(&self.directory))?;
        let _site = self.lock(SITE, File::lock)?;
        let (shared, frames) = apart(world.clone());
        for (name, on) in &frames {
            self.write(&frame_file(name), &encode(on, &self.file(&frame_file(name)))?)?;
        }
        // Last: a world is there when this is.
        self.write(SITE, &encode(&shared, &self.file(SITE))?)
    }

    /// The world as it is now.
    pub fn read(&self) -> Result<World, StoreError> {
        self.read_some(None)
    }

    /// The world as it is now with no frames but those `asked` for by name or by type, model and serial, and what is on them.
    pub(crate) fn read_some(&self, asked: Option<&BTreeSet<String>>) -> Result<World, StoreError> {
        let _site = self.lock(SITE, File::lock_shared)?;
        let shared: Shared = self.parse(SITE)?;
        let mut world = shared.world();
        let mut locks = Vec::new();
        let is_asked = |(name, mtms): &(&String, &String)| {
            asked.is_none_or(|asked| asked.contains(*name) || asked.contains(*mtms))
        };
        for (name, _) in shared.frames.iter().filter(is_asked) {
            locks.push(self.lock(&frame_file(name), File::lock_shared)?);
            world.add(name, self.parse(&frame_file(name))?);
        }
        Ok(world)
    }

    /// The HMCs as they are now.
    pub fn hmcs(&self) -> Result<BTreeMap<String, Hmc>, StoreError> {
        Ok(self.parse::<Shared>(SITE)?.hmcs)
    }

    /// Changes the world. When `change` returns an error nothing is written.
    pub fn change<T, E: From<StoreError>>(
        &self,
        change: impl FnOnce(&mut World) -> Result<T, E>,
    ) -> Result<T, E> {
        let noting = self.noting();
        let _site = self.lock(SITE, File::lock)?;
        let shared: Shared = self.parse(SITE)?;
        let mut world = shared.world();
        let (mut locks, mut texts) = (Vec::new(), BTreeMap::new());
        for name in shared.frames.keys() {
            locks.push(self.lock(&frame_file(name), File::lock)?);
            let text = self.text(&frame_file(name))?;
            world.add(name, self.decode(&frame_file(name), &text)?);
            texts.insert(name.clone(), text);
        }
        let held: BTreeMap<String, Held> =
            world.frames.iter().map(|(name, frame)| (name.clone(), Held::of(frame))).collect();
        let answer = change(&mut world)?;
        let (after, frames) = apart(world);
        for (name, on) in &frames {
            let file = frame_file(name);
            let text = encode(on, &self.file(&file))?;
            if texts.get(name) != Some(&text) {
                self.write(&file, &text)?;
                noting.changes(name, held.get(name), on.frame.as_ref())?;
            }
        }
        if after != shared {
            self.write(SITE, &encode(&after, &self.file(SITE))?)?;
        }
        Ok(answer)
    }

    /// Changes HMCs, and nothing else. When `change` returns an error nothing is written.
    pub fn change_hmcs<T, E: From<StoreError>>(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, Hmc>) -> Result<T, E>,
    ) -> Result<T, E> {
        let _site = self.lock(SITE, File::lock)?;
        let mut shared: Shared = self.parse(SITE)?;
        let answer = change(&mut shared.hmcs)?;
        self.write(SITE, &encode(&shared, &self.file(SITE))?)?;
        Ok(answer)
    }

    /// What the LPAR `lpar` stands on.
    #[must_use]
    pub fn near(&self, lpar: &str) -> Near {
        Near { store: self.clone(), lpar: lpar.to_owned() }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{name}.json"))
    }

    /// Held until the returned file is dropped. Whoever takes several takes the site's first, then those of frames by name.
    fn lock(&self, name: &str, how: fn(&File) -> io::Result<()>) -> Result<File, StoreError> {
        let path = self.directory.join(format!("{name}.lock"));
        let open = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        open.and_then(|file| how(&file).map(|()| file)).map_err(io_of(&path))
    }

    fn text(&self, name: &str) -> Result<Vec<u8>, StoreError> {
        let path = self.file(name);
        fs::read(&path).map_err(io_of(&path))
    }

    fn decode<T: DeserializeOwned>(&self, name: &str, text: &[u8]) -> Result<T, StoreError> {
        serde_json::from_slice(text)
            .map_err(|cause| StoreError::Format { path: self.file(name), cause })
    }

    /// The entry `name` of the map `field` in a file.
    fn entry<T: DeserializeOwned>(
        &self,
        file: &str,
        field: &'static str,
        name: &str,
    ) -> Result<Option<T>, StoreError> {
        let text = self.text(file)?;
        one::entry(&text, field, name)
            .map_err(|cause| StoreError::Format { path: self.file(file), cause })
    }

    fn parse<T: DeserializeOwned>(&self, name: &str) -> Result<T, StoreError> {
        self.decode(name, &self.text(name)?)
    }

    fn write(&self, name: &str, text: &[u8]) -> Result<(), StoreError> {
        let path = self.file(name);
        let beside = self.directory.join(format!("{name}.json.new"));
        fs::write(&beside, text).and_then(|()| fs::rename(&beside, &path)).map_err(io_of(&path))
    }
}

impl Near {
    /// The frame of the LPAR, and the HMCs, as they are now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn read(&self) -> Result<World, StoreError> {
        let (world, ..) = self.locked(File::lock_shared)?;
        Ok(world)
    }

    /// The LPAR alone, as it is now: most commands look at nothing else, and its frame has many.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn lpar(&self) -> Result<Lpar, StoreError> {
        loop {
            let file = frame_file(&self.place()?);
            let _lock = self.store.lock(&file, File::lock_shared)?;
            // None where it was moved to another frame since.
            if let Some(lpar) = self.store.entry(&file, "lpars", &self.lpar)? {
                return Ok(lpar);
            }
        }
    }

    /// Changes what is on the frame of the LPAR. When `change` returns an error nothing is written.
    ///
    /// # Errors
    /// Of `change`, [`StoreError`], [`StoreError::Beyond`] among them.
    pub fn change<T, E: From<StoreError>>(
        &self,
        change: impl FnOnce(&mut World) -> Result<T, E>,
    ) -> Result<T, E> {
        let noting = self.store.noting();
        let (mut world, frame, before, _lock) = self.locked(File::lock)?;
        let shared = Shared::of(&world);
        let held = world.frames.get(&frame).map(Held::of);
        let answer = change(&mut world)?;
        let (after, mut frames) = apart(world);
        let on = frames.remove(&frame).filter(|_| frames.is_empty() && after == shared);
        let on = on.ok_or_else(|| StoreError::Beyond { name: self.lpar.clone() })?;
        let file = frame_file(&frame);
        let text = encode(&on, &self.store.file(&file))?;
        if text != before {
            self.store.write(&file, &text)?;
            noting.changes(&frame, held.as_ref(), on.frame.as_ref())?;
        }
        Ok(answer)
    }

    /// As [`Store::change_hmcs`].
    ///
    /// # Errors
    /// As there.
    pub fn change_hmcs<T, E: From<StoreError>>(
        &self,
        change: impl FnOnce(&mut BTreeMap<String, Hmc>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.store.change_hmcs(change)
    }

    /// The name of the frame it was on a moment ago.
    fn place(&self) -> Result<String, StoreError> {
        let missing = || StoreError::NoLpar { name: self.lpar.clone() };
        self.store.entry(SITE, "places", &self.lpar)?.ok_or_else(missing)
    }

    /// What is there, the frame's name and text, and its lock.
    fn locked(
        &self,
        how: fn(&File) -> io::Result<()>,
    ) -> Result<(World, String, Vec<u8>, File), StoreError> {
        loop {
            let shared: Shared = self.store.parse(SITE)?;
            let missing = || StoreError::NoLpar { name: self.lpar.clone() };
            let frame = shared.places.get(&self.lpar).cloned().ok_or_else(missing)?;
            let file = frame_file(&frame);
            let lock = self.store.lock(&file, how)?;
            let text = self.store.text(&file)?;
            let on: OnFrame = self.store.decode(&file, &text)?;
            // It was moved to another frame since.
            if !on.lpars.contains_key(&self.lpar) {
                continue;
            }
            let mut world = shared.world();
            world.add(&frame, on);
            return Ok((world, frame, text, lock));
        }
    }
}

impl Shared {
    /// A world with nothing on frames.
    fn world(&self) -> World {
        World {
            seed: self.seed,
            hmcs: self.hmcs.clone(),
            exports: self.exports.clone(),
            ..World::default()
        }
    }

    fn of(world: &World) -> Self {
        let places: BTreeMap<_, _> =
            world.lpars.iter().map(|(name, lpar)| (name.clone(), lpar.frame.clone())).collect();
        let known = world.frames.iter().map(|(name, frame)| (name.clone(), frame.mtms()));
        Self {
            seed: world.seed,
            hmcs: world.hmcs.clone(),
            exports: world.exports.clone(),
            frames: places
                .values()
                .map(|name| (name.clone(), String::new()))
                .chain(known)
                .collect(),
            places,
        }
    }
}

impl World {
    /// With what is on one frame.
    fn add(&mut self, name: &str, on: OnFrame) {
        self.frames.extend(on.frame.map(|frame| (name.to_owned(), frame)));
        self.lpars.extend(on.lpars);
    }
}

/// A world as its files hold it.
fn apart(mut world: World) -> (Shared, BTreeMap<String, OnFrame>) {
    let shared = Shared::of(&world);
    let mut frames: BTreeMap<String, OnFrame> = BTreeMap::new();
    for name in shared.frames.keys() {
        let frame = world.frames.remove(name);
        frames.insert(name.clone(), OnFrame { frame, lpars: BTreeMap::new() });
    }
    for (name, lpar) in world.lpars {
        if let Some(on) = frames.get_mut(&lpar.frame) {
            on.lpars.insert(name, lpar);
        }
    }
    (shared, frames)
}

/// The file of what frames share.
const SITE: &str = "site";

/// The file of a frame.
fn frame_file(name: &str) -> String {
    format!("frame-{name}")
}

fn encode(part: &impl Serialize, path: &Path) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(part).map_err(|cause| StoreError::Format { path: path.to_owned(), cause })
}

fn io_of(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    |cause| StoreError::Io { path, cause }
}

#[cfg(test)]
mod tests;
