//! Files to an LPAR, before its operation starts: the packages of an `lpp_source` that lies on the master.
//!
//! They go over a second channel of the same connection, by content: what is there already is not sent again, what was begun
//! goes on where it ended, and the agent counts a file only when its digest is right. So a connection that breaks in the
//! middle costs nothing but the time to open another.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nim_shared::frame::{FileChunk, FileFrame, FileOffer, FileState};
use nim_shared::id::{Digest, ObjectName};
use nim_shared::object::Spec;
use nim_shared::request::{Content, Images, Request};
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio::time::{Instant, timeout};

use super::files::Files;
use super::{Agent, Lost, Over, Session};
use crate::store;
use crate::store::operation::{Change, Step};

/// Bytes that go behind one chunk's line.
const CHUNK: u32 = 256 << 10;

/// How long an agent may take to say what it has, or to verify a file: it reads gigabytes for that.
const ANSWER: Duration = Duration::from_secs(600);

/// How often it is stored how far the files have come.
const TELL: Duration = Duration::from_secs(15);

impl Session {
    /// Sends what the order needs and the LPAR does not have.
    pub(super) async fn push(&mut self, agent: &Agent) -> Result<Result<(), Lost>, Over> {
        let wanted = self.files.clone();
        if wanted.is_empty() {
            return Ok(Ok(()));
        }
        let shared = Arc::clone(&self.shared);
        let batch = self.batch;
        let place = || places(&shared.store, batch, &wanted);
        let Some(paths) = self.insist(place).await? else {
            return Ok(Err(Lost::NoFolder { host: self.lpar.clone() }));
        };
        let mut files = match agent.files(&self.shared.settings.receive).await {
            Ok(files) => files,
            Err(lost) => return Ok(Err(lost)),
        };
        let have = match self.offer(&mut files, &wanted).await {
            Ok(have) => have,
            Err(lost) => return Ok(Err(lost)),
        };
        let files_there = wanted.iter().zip(paths).zip(have);
        let missing: Vec<_> = files_there.filter(|(_, state)| !state.kept).collect();
        let mut told = Instant::now();
        for (number, ((file, path), state)) in missing.iter().enumerate() {
            let sending = send(&shared, &mut files, path, file.content, state.have);
            tokio::pin!(sending);
            loop {
                tokio::select! {
                    sent = &mut sending => match sent {
                        Ok(()) => break,
                        Err(lost) => return Ok(Err(lost)),
                    },
                    event = self.next_event() => self.apart(event?).await?,
                    () = tokio::time::sleep_until(told + TELL) => {
                        told = Instant::now();
                        self.tell_files(number, missing.len()).await?;
                    }
                }
            }
        }
        files.close().await;
        // The next connection finds them there.
        self.files = Vec::new();
        Ok(Ok(()))
    }

    /// Says what is wanted, and learns what is there.
    async fn offer(&self, files: &mut Files, wanted: &[Wanted]) -> Result<Vec<FileState>, Lost> {
        let offers = wanted
            .iter()
            .map(|Wanted { content, .. }| FileOffer {
                digest: content.digest,
                bytes: content.bytes,
            })
            .collect();
        files
            .send(&FileFrame::Offer { files: offers, keep_free: self.keep_free }, Vec::new())
            .await?;
        match answer(files).await? {
            FileFrame::State { files: have } if have.len() == wanted.len() => Ok(have),
            other => Err(files.refused(other)),
        }
    }

    /// Stores how far the files have come. Sending is progress: the deadline moves on with it.
    async fn tell_files(&mut self, sent: usize, of: usize) -> Result<(), Over> {
        let limit = self.shared.settings.deadlines.connect.duration();
        self.deadline = Some(Instant::now() + limit);
        let waits_for = Change::Set(format!("files: {sent} of {of} are on the LPAR"));
        self.put(Step { waits_for, deadline: Change::Set(limit), ..Step::default() }).await
    }
}

/// Sends one file from `have` on, and waits until the agent has verified it.
async fn send(
    shared: &super::Shared,
    files: &mut Files,
    path: &Path,
    file: Content,
    have: u64,
) -> Result<(), Lost> {
    let unreadable = |cause| Lost::File { path: path.to_owned(), cause };
    let mut source = File::open(path).await.map_err(unreadable)?;
    source.seek(std::io::SeekFrom::Start(have)).await.map_err(unreadable)?;
    let mut offset = have;
    while offset < file.bytes {
        let room = u32::try_from(file.bytes - offset).unwrap_or(CHUNK).min(CHUNK);
        let mut bytes = vec![0; usize::try_from(room).unwrap_or(usize::MAX)];
        source.read_exact(&mut bytes).await.map_err(unreadable)?;
        shared.spend(room).await;
        let chunk = FileChunk { digest: file.digest, offset, bytes: room };
        files.send(&FileFrame::Chunk(chunk), bytes).await?;
        offset += u64::from(room);
    }
    kept(files, file.digest).await
}

/// Waits until the agent says that it has `digest`, whole and right.
async fn kept(files: &mut Files, digest: Digest) -> Result<(), Lost> {
    match answer(files).await? {
        FileFrame::Kept { digest: found } if found == digest => Ok(()),
        other => Err(files.refused(other)),
    }
}

async fn answer(files: &mut Files) -> Result<FileFrame, Lost> {
    match timeout(ANSWER, files.next()).await {
        Ok(answer) => answer,
        Err(_) => Err(files.silent()),
    }
}

/// A content that the LPAR needs, and what it is of.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    source: Source,
    content: Content,
}

#[derive(Clone, Debug)]
enum Source {
    /// A path below the folder of the `lpp_source`.
    Package(String),
    /// An object of type `script`.
    Script(ObjectName),
}

impl Wanted {
    /// All that `request` needs.
    pub(super) fn of(request: &Request) -> Vec<Self> {
        let files = match &request.images {
            Some(Images::Pushed { files }) => files.as_slice(),
            Some(Images::Folder { .. } | Images::Nfs { .. }) | None => &[],
        };
        let packages = files.iter().map(|file| Self {
            source: Source::Package(file.path.clone()),
            content: Content { digest: file.digest, bytes: file.bytes },
        });
        let scripts = request.programs().map(|script| Self {
            source: Source::Script(script.name.clone()),
            content: script.content,
        });
        packages.chain(scripts).collect()
    }
}

/// Where the files lie on the master; `None` when an object that they belong to is gone.
async fn places(
    store: &store::Store,
    batch: nim_shared::id::BatchId,
    wanted: &[Wanted],
) -> Result<Option<Vec<PathBuf>>, store::Error> {
    let mut packages: Option<PathBuf> = None;
    let mut paths = Vec::new();
    for Wanted { source, .. } in wanted {
        let path = match source {
            Source::Package(path) => {
                if packages.is_none() {
                    packages = folder(store, batch).await?;
                }
                packages.as_ref().map(|folder| folder.join(path))
            }
            Source::Script(name) => location(store, name).await?,
        };
        match path {
            Some(path) => paths.push(path),
            None => return Ok(None),
        }
    }
    Ok(Some(paths))
}

/// Where the file of a script lies; `None` when the object is gone.
async fn location(
    store: &store::Store,
    name: &ObjectName,
) -> Result<Option<PathBuf>, store::Error> {
    match store.object(name).await {
        Ok(stored) => Ok(stored.object.spec.place().map(|(_, location)| PathBuf::from(location))),
        Err(store::Error::NoSuchObject { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Where the files of a batch lie on the master; `None` when its `lpp_source` is gone.
async fn folder(
    store: &store::Store,
    batch: nim_shared::id::BatchId,
) -> Result<Option<PathBuf>, store::Error> {
    let request = store.batch(batch).await?.request;
    let name =
        request.get("lpp_source").and_then(|name| name.as_str()).and_then(|name| name.parse().ok());
    let Some(name) = name else { return Ok(None) };
    match store.object(&name).await {
        Ok(stored) => Ok(match stored.object.spec {
            Spec::LppSource(source) => Some(PathBuf::from(source.location)),
            _ => None,
        }),
        Err(store::Error::NoSuchObject { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
