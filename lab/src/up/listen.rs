//! The site's side of the control socket.

use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use super::Shared;
use crate::Phase;
use crate::clock::Pending;
use crate::control::{Reply, Request, socket};

/// Binds the control socket; one left by a site that was killed is replaced.
pub(super) fn bind(directory: &Path) -> anyhow::Result<UnixListener> {
    let path = socket(directory);
    if std::os::unix::net::UnixStream::connect(&path).is_ok() {
        anyhow::bail!("a lab already runs in {}", directory.display());
    }
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        Ok(()) | Err(_) => {}
    }
    UnixListener::bind(&path).with_context(|| format!("cannot listen on {}", path.display()))
}

/// Serves until dropped.
pub(super) async fn serve(listener: UnixListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&shared)));
                }
                Err(error) => tracing::warn!(%error, "a control connection could not be taken"),
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: UnixStream, shared: Arc<Shared>) {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let reply = match serde_json::from_str(&line) {
            Ok(request) => answer(&shared, request).await,
            Err(error) => Reply::Refused { text: format!("not understood: {error}") },
        };
        let Ok(mut text) = serde_json::to_vec(&reply) else { return };
        text.push(b'\n');
        if write.write_all(&text).await.is_err() {
            return;
        }
    }
}

async fn answer(shared: &Shared, request: Request) -> Reply {
    let done = match request {
        Request::Now => Ok(()),
        Request::Enter { lpar, phase } => shared.enter(&lpar, phase).await,
        Request::Wait(pending) => {
            shared.clock.wait(pending).await;
            Ok(())
        }
        Request::Freeze { lpar, phase, milliseconds } => {
            shared.freeze(&lpar, phase, milliseconds).await
        }
        Request::SetFault { lpar, fault, armed } => shared.set_fault(&lpar, fault, armed).await,
        Request::ClearFault { lpar, fault } => shared.clear_fault(&lpar, fault),
        Request::State { lpar, state, turn } => shared.set_state(&lpar, state, turn),
        Request::ConsoleFault { host, fault, set } => shared.set_console_fault(&host, fault, set),
        Request::Reboot { lpar, disk } => shared.reboot(&lpar, disk.as_deref()).await,
        Request::Advance { lpar, to } => {
            return Reply::Advanced { steps: advance(shared, lpar.as_deref(), to).await };
        }
        Request::Status => match shared.status() {
            Ok(status) => return Reply::Status(status),
            Err(error) => Err(error),
        },
    };
    match done {
        Ok(()) => Reply::Done { now: shared.clock.now() },
        Err(error) => Reply::Refused { text: format!("{error:#}") },
    }
}

/// One step, or, for one LPAR, as many as it takes to wait in phase `to`.
async fn advance(shared: &Shared, lpar: Option<&str>, to: Option<Phase>) -> Vec<Pending> {
    let (Some(name), Some(to)) = (lpar, to) else {
        return shared.clock.advance(lpar).into_iter().collect();
    };
    let mut steps = Vec::new();
    while shared.clock.until_pending(name).await.phase < to {
        steps.extend(shared.clock.advance(Some(name)));
    }
    steps
}
