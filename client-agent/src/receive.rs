//! `receive`: files on standard input, into the store of contents.
//!
//! The master says what it wants there to be, the agent how much of it is there, the master sends the rest. What arrives is
//! appended to a partial file, so that a dropped connection costs nothing; a file counts when the digest of all of it is right.
//! Names play no part: they come with the order. Memory is bounded by one buffer, disk space by what must stay free.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::process::ExitCode;

use nim_shared::frame::{self, BadFrame, FileChunk, FileFrame, FileOffer, FileState, Refusal};
use nim_shared::id::Digest;
use nim_shared::operation::Named;
use nim_shared::unit::Megabytes;
use sha2::{Digest as _, Sha256};

use crate::disk;
use crate::images::Store;
use crate::line::{Line, Lines};
use crate::policy::Policy;
use crate::root::Root;
use crate::state::State;
use crate::system;
use crate::text::chain;

/// Takes files until the master closes or breaks the rules.
pub(crate) fn run(root: &Root) -> ExitCode {
    let mut out = BufWriter::new(io::stdout());
    let ended = match open(root) {
        Ok(store) => {
            Session { store, offered: BTreeMap::new(), keep_free: Megabytes(0), out: &mut out }
                .run(Lines::new(BufReader::with_capacity(BUFFER, io::stdin())))
        }
        Err(refused) => send(&mut out, &refused.into_frame()),
    };
    if ended.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn open(root: &Root) -> Result<Store, Refused> {
    let allowed = Policy::read(root)?.admit_push();
    allowed.map_err(|text| Refused { digest: None, why: Refusal::Policy, text })?;
    Ok(Store::open(&State::open(root)?)?)
}

struct Session<W> {
    store: Store,
    offered: BTreeMap<Digest, Offered>,
    keep_free: Megabytes,
    out: W,
}

/// A file of this session's offer.
struct Offered {
    bytes: u64,
    have: u64,
    /// Open and locked while it grows; `None` when it is whole, or not begun.
    partial: Option<File>,
    kept: bool,
}

/// Why something is not taken.
#[derive(Debug)]
struct Refused {
    digest: Option<Digest>,
    why: Refusal,
    text: String,
}

impl Refused {
    fn of(digest: Digest, why: Refusal, text: impl Into<String>) -> Self {
        Self { digest: Some(digest), why, text: text.into() }
    }

    fn into_frame(self) -> FileFrame {
        let Self { digest, why, text } = self;
        FileFrame::Refused { digest, why: Named::Known(why), text }
    }
}

impl From<disk::Error> for Refused {
    fn from(error: disk::Error) -> Self {
        let why = if error.is_no_space() { Refusal::NoSpace } else { Refusal::System };
        Self { digest: None, why, text: chain(&error) }
    }
}

impl<W: Write> Session<W> {
    fn run(&mut self, mut lines: Lines<impl BufRead>) -> io::Result<()> {
        loop {
            let frame = match lines.next()? {
                Line::End => return Ok(()),
                Line::TooLong => return self.break_off(&BadFrame::TooLong),
                Line::Whole(line) => frame::read::<FileFrame>(line),
            };
            match frame {
                Ok(FileFrame::Offer { files, keep_free }) => {
                    let answer = self.offer(&files, keep_free);
                    send(&mut self.out, &answer.unwrap_or_else(Refused::into_frame))?;
                }
                Ok(FileFrame::Chunk(chunk)) => {
                    let mut bytes = lines.rest().take(u64::from(chunk.bytes));
                    let answer = self.chunk(chunk, &mut bytes);
                    // What is refused is still to be read: the next line comes after it.
                    io::copy(&mut bytes, &mut io::sink())?;
                    let cut_off = bytes.limit() > 0;
                    match answer {
                        Ok(Some(kept)) => send(&mut self.out, &kept)?,
                        Ok(None) if cut_off => return Ok(()),
                        Ok(None) => {}
                        Err(refused) => send(&mut self.out, &refused.into_frame())?,
                    }
                }
                Ok(
                    other @ (FileFrame::State { .. }
                    | FileFrame::Kept { .. }
                    | FileFrame::Refused { .. }),
                ) => {
                    let text = format!("a frame that only the agent sends: {other:?}");
                    let text = text.chars().take(200).collect();
                    return send(
                        &mut self.out,
                        &Refused { digest: None, why: Refusal::BadFrame, text }.into_frame(),
                    );
                }
                Err(error @ BadFrame::UnknownKind { .. }) => {
                    let refused =
                        Refused { digest: None, why: Refusal::UnknownFrame, text: chain(&error) };
                    // Whether raw bytes follow is not known, so what follows has no known meaning.
                    return send(&mut self.out, &refused.into_frame());
                }
                Err(error) => return self.break_off(&error),
            }
        }
    }

    fn break_off(&mut self, error: &BadFrame) -> io::Result<()> {
        let refused = Refused { digest: None, why: Refusal::BadFrame, text: chain(error) };
        send(&mut self.out, &refused.into_frame())
    }

    fn offer(&mut self, files: &[FileOffer], keep_free: Megabytes) -> Result<FileFrame, Refused> {
        self.offered.clear();
        self.keep_free = keep_free;
        self.store.check()?;
        let mut states = Vec::with_capacity(files.len());
        let mut missing = 0_u64;
        for file in files {
            let state = self.state_of(*file)?;
            missing = missing.saturating_add(file.bytes.saturating_sub(state.have));
            states.push(state);
        }
        self.check_space(None, missing)?;
        self.store.remember_offer(files.iter().map(|file| file.digest))?;
        for (file, state) in files.iter().zip(&states) {
            let offered =
                Offered { bytes: file.bytes, have: state.have, partial: None, kept: state.kept };
            self.offered.insert(file.digest, offered);
        }
        Ok(FileFrame::State { files: states })
    }

    fn state_of(&self, file: FileOffer) -> Result<FileState, Refused> {
        let FileOffer { digest, bytes } = file;
        let length = |path: &std::path::Path| match path.symlink_metadata() {
            Ok(found) if found.is_file() => Ok(Some(found.len())),
            Ok(_) => disk::doing("use", path, Err(io::Error::other("it is no file"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => disk::doing("look at", path, Err(error)),
        };
        if let Some(have) = length(&self.store.whole(digest))? {
            if have == bytes {
                return Ok(FileState { digest, have, kept: true });
            }
            let text = format!("the content has {have} bytes here, and {bytes} are offered");
            return Err(Refused::of(digest, Refusal::DigestMismatch, text));
        }
        let path = self.store.partial(digest);
        let have = length(&path)?.unwrap_or(0).min(bytes);
        if have < bytes {
            return Ok(FileState { digest, have, kept: false });
        }
        // All of it arrived before, or it is empty: only the verification is left.
        match finish(&self.store, begin(&path, digest, have)?, digest) {
            Ok(()) => Ok(FileState { digest, have, kept: true }),
            Err(refused) if refused.why == Refusal::DigestMismatch && bytes > 0 => {
                Ok(FileState { digest, have: 0, kept: false })
            }
            Err(refused) => Err(refused),
        }
    }

    /// Takes one chunk; `Some` when it made its file whole.
    fn chunk(
        &mut self,
        chunk: FileChunk,
        bytes: &mut impl Read,
    ) -> Result<Option<FileFrame>, Refused> {
        let FileChunk { digest, offset, bytes: count } = chunk;
        let Some(offered) = self.offered.get_mut(&digest) else {
            return Err(Refused::of(digest, Refusal::BadRequest, "this file was not offered"));
        };
        if offered.kept || offset != offered.have || u64::from(count) > offered.bytes - offered.have
        {
            let text = format!(
                "{} of {} bytes are here, and a chunk of {count} begins at {offset}",
                offered.have, offered.bytes
            );
            return Err(Refused::of(digest, Refusal::WrongMoment, text));
        }
        self.store.check()?;
        let path = self.store.partial(digest);
        let mut partial = match offered.partial.take() {
            Some(partial) => partial,
            None => begin(&path, digest, offset)?,
        };
        self.check_space(Some(digest), u64::from(count))?;
        let appended = append(&mut partial, bytes);
        let arrived = disk::doing("write", &path, appended)?;
        let Some(offered) = self.offered.get_mut(&digest) else { return Ok(None) };
        offered.have += arrived;
        if offered.have < offered.bytes {
            offered.partial = Some(partial);
            return Ok(None);
        }
        finish(&self.store, partial, digest)?;
        offered.kept = true;
        Ok(Some(FileFrame::Kept { digest }))
    }

    fn check_space(&self, digest: Option<Digest>, missing: u64) -> Result<(), Refused> {
        let folder = self.store.folder();
        let free = disk::doing("ask for the free space of", folder, system::free_bytes(folder))?;
        let kept = self.keep_free.0.saturating_mul(1 << 20);
        if missing == 0 || free >= missing.saturating_add(kept) {
            return Ok(());
        }
        let text = format!(
            "{} MB are free in the file system of {}, {} MB are to be written, and {} MB must stay free",
            free >> 20,
            crate::state::FOLDER,
            missing.div_ceil(1 << 20),
            self.keep_free.0
        );
        Err(Refused { digest, why: Refusal::NoSpace, text })
    }
}

/// Opens the partial file of `digest`, whose first `offset` bytes are kept, for this process alone.
fn begin(path: &std::path::Path, digest: Digest, offset: u64) -> Result<File, Refused> {
    let mut options = disk::private();
    let mut file = disk::doing("open", path, options.create(true).truncate(false).open(path))?;
    if !disk::doing("lock", path, system::try_lock(&file))? {
        return Err(Refused::of(digest, Refusal::Busy, "another session sends this file"));
    }
    let positioned = file.set_len(offset).and_then(|()| file.seek(io::SeekFrom::Start(offset)));
    disk::doing("go on with", path, positioned)?;
    Ok(file)
}

/// Copies `from` to the end of `to`; how much that was.
fn append(to: &mut File, from: &mut impl Read) -> io::Result<u64> {
    let mut buffer = vec![0; BUFFER];
    let mut copied = 0;
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(copied),
            count => {
                to.write_all(&buffer[..count])?;
                copied += count as u64;
            }
        }
    }
}

/// Verifies a file that has all its bytes, and gives it its place. A wrong one is removed.
fn finish(store: &Store, mut partial: File, digest: Digest) -> Result<(), Refused> {
    let (path, whole) = (store.partial(digest), store.whole(digest));
    disk::doing("sync", &path, partial.sync_all())?;
    let found =
        disk::doing("read", &path, partial.rewind().and_then(|()| digest_of(&mut partial)))?;
    store.check()?;
    if found != digest {
        disk::remove_file(&path)?;
        let text = format!("the content has the digest {found}");
        return Err(Refused::of(digest, Refusal::DigestMismatch, text));
    }
    disk::doing("rename to", &whole, std::fs::rename(&path, &whole))?;
    disk::sync_parent(&whole)?;
    Ok(())
}

fn digest_of(file: &mut File) -> io::Result<Digest> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Digest(hasher.finalize().into())),
            count => hasher.update(&buffer[..count]),
        }
    }
}

fn send(out: &mut impl Write, frame: &FileFrame) -> io::Result<()> {
    out.write_all(&frame::write(frame).map_err(io::Error::other)?)?;
    out.flush()
}

/// Bytes that are held at once.
const BUFFER: usize = 64 << 10;

#[cfg(test)]
mod tests;
