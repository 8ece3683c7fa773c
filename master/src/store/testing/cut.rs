//! A stand-in for the server's socket that cuts the connection at a COMMIT: just before the server hears of it, or just before
//! its answer is passed on.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinHandle;

/// Where the connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The server never hears COMMIT: nothing is stored.
    Before,
    /// The server commits; its answer is lost.
    After,
}

/// Why the lock is never poisoned.
const LOCK: &str = "nobody panics while holding this";

/// The stand-in. Ends when it is dropped.
#[derive(Debug)]
pub struct Cutter {
    /// URL to connect with.
    pub url: String,
    plan: Arc<Mutex<Plan>>,
    accept: JoinHandle<()>,
    folder: PathBuf,
}

/// What is to happen.
#[derive(Debug, Default)]
struct Plan {
    next: Option<Cut>,
    /// After the cut nobody gets through any more.
    refuse: bool,
    refusing: bool,
}

impl Plan {
    /// The cut that this COMMIT suffers.
    fn commit(&mut self) -> Option<Cut> {
        let cut = self.next.take();
        self.refusing |= cut.is_some() && self.refuse;
        cut
    }
}

impl Cutter {
    /// Stands in for the server that `url` leads to.
    ///
    /// # Panics
    /// When no socket can be made.
    #[must_use]
    pub fn before(url: &str) -> Self {
        let (head, server) = url.split_once("?host=").expect("a URL with a socket folder");
        let folder =
            std::env::temp_dir().join(format!("nimd-cut-{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir(&folder).expect("make a folder for a socket");
        let name = ".s.PGSQL.5432";
        let listener = UnixListener::bind(folder.join(name)).expect("listen on a socket");
        let server = Path::new(server).join(name);
        let plan = Arc::new(Mutex::new(Plan::default()));
        let accept = tokio::spawn(accept(listener, server, plan.clone()));
        Self { url: format!("{head}?host={}", folder.display()), plan, accept, folder }
    }

    /// Cuts the next connection that commits. Once.
    pub fn cut_next(&self, cut: Cut) {
        self.plan.lock().expect(LOCK).next = Some(cut);
    }

    /// From the next cut on, no new connection gets through.
    pub fn refuse_after_cut(&self) {
        self.plan.lock().expect(LOCK).refuse = true;
    }

    /// Whether the cut that was asked for has been made.
    #[must_use]
    pub fn was_cut(&self) -> bool {
        self.plan.lock().expect(LOCK).next.is_none()
    }
}

impl Drop for Cutter {
    fn drop(&mut self) {
        self.accept.abort();
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

async fn accept(listener: UnixListener, server: PathBuf, plan: Arc<Mutex<Plan>>) {
    while let Ok((client, _)) = listener.accept().await {
        if plan.lock().expect(LOCK).refusing {
            continue;
        }
        let server = UnixStream::connect(&server).await.expect("the server's socket");
        tokio::spawn(pass(client, server, plan.clone()));
    }
}

/// Passes both directions on until one ends or the connection is cut.
async fn pass(client: UnixStream, server: UnixStream, plan: Arc<Mutex<Plan>>) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let mute = AtomicBool::new(false);
    tokio::select! {
        () = requests(from_client, to_server, plan, &mute) => (),
        () = answers(from_server, to_client, &mute) => (),
    }
}

/// Message by message, so that a COMMIT is seen. Source: PostgreSQL manual, "Message Formats".
async fn requests(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    plan: Arc<Mutex<Plan>>,
    mute: &AtomicBool,
) {
    let mut begun = false;
    loop {
        // The start-up packet has no kind; every other message begins with one byte of it.
        let mut message = Vec::new();
        if begun && !read(&mut client, &mut message, 1).await {
            return;
        }
        let from = message.len();
        if !read(&mut client, &mut message, 4).await {
            return;
        }
        let length = u32::from_be_bytes(message[from..].try_into().expect("four bytes"));
        if !read(&mut client, &mut message, length.saturating_sub(4) as usize).await {
            return;
        }
        let is_commit = begun && message.starts_with(b"Q") && message[5..].starts_with(b"COMMIT");
        begun = true;
        let cut = if is_commit { plan.lock().expect(LOCK).commit() } else { None };
        match cut {
            Some(Cut::Before) => return,
            Some(Cut::After) => {
                mute.store(true, Ordering::SeqCst);
                // And goodbye (Terminate): the server does what it was asked for and closes, which ends the other direction.
                message.extend_from_slice(b"X\0\0\0\x04");
                if server.write_all(&message).await.is_err() {
                    return;
                }
                std::future::pending::<()>().await;
            }
            None if server.write_all(&message).await.is_err() => return,
            None => (),
        }
    }
}

/// Passes answers on until they are muted.
async fn answers(mut server: OwnedReadHalf, mut client: OwnedWriteHalf, mute: &AtomicBool) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(many @ 1..) = server.read(&mut buffer).await {
        if !mute.load(Ordering::SeqCst) && client.write_all(&buffer[..many]).await.is_err() {
            return;
        }
    }
}

async fn read(from: &mut OwnedReadHalf, into: &mut Vec<u8>, many: usize) -> bool {
    let at = into.len();
    into.resize(at + many, 0);
    from.read_exact(&mut into[at..]).await.is_ok()
}
