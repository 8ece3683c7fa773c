//! Programs of the site that nimd runs itself: without a shell, with nothing of nimd's environment, in a session of their own, within a
//! time limit, and with as much of their output as is kept.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

/// What one program may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How long it may run.
    pub time: Duration,
    /// How many bytes of its output are kept.
    pub output: usize,
}

/// How a program ended, with its output.
#[derive(Debug)]
pub enum Ended {
    /// It could not be started.
    NotStarted(io::Error),
    /// It took too long, and was ended with all that it had started.
    TooLong(String),
    /// By itself.
    Exited(ExitStatus, String),
    /// It was ended because somebody asked for that.
    Stopped(String),
    /// It was ended because its output could not be read.
    Broken(io::Error, String),
}

/// Why a program ended that did not end by itself.
enum Why {
    TooLong,
    Stopped,
}

/// Runs `command` with `input` on its standard input, to its end or until `stop`. What it leaves behind ends with it.
pub async fn run(
    command: &mut Command,
    input: &str,
    limits: Limits,
    stop: &CancellationToken,
) -> Ended {
    command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").env("LC_ALL", "C");
    command.current_dir("/").process_group(0).kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(cause) => return Ended::NotStarted(cause),
    };
    let session = child.id();
    let kept = Mutex::new(Kept::default());
    let followed = tokio::select! {
        ended = follow(&mut child, session, input, &kept, limits.output) => Ok(ended),
        () = tokio::time::sleep(limits.time) => Err(Why::TooLong),
        () = stop.cancelled() => Err(Why::Stopped),
    };
    if !matches!(followed, Ok(Ok(_))) {
        session.into_iter().for_each(crate::os::kill_group);
        // It is dead or dying: this is no wait for anything that it does.
        drop(child.wait().await);
    }
    let output = kept.into_inner().unwrap_or_else(PoisonError::into_inner).text();
    match followed {
        Ok(Ok(status)) => Ended::Exited(status, output),
        Ok(Err(cause)) => Ended::Broken(cause, output),
        Err(Why::TooLong) => Ended::TooLong(output),
        Err(Why::Stopped) => Ended::Stopped(output),
    }
}

/// What a program printed.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    /// How many bytes came after those that are kept.
    left_out: usize,
}

impl Kept {
    fn text(self) -> String {
        let mut text = String::from_utf8_lossy(&self.bytes).into_owned();
        if self.left_out > 0 {
            let line = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
            text += &format!("{line}[cut: {} bytes more were printed]\n", self.left_out);
        }
        text
    }
}

/// Gives it its input, reads what it prints, and waits for its end.
async fn follow(
    child: &mut Child,
    session: Option<u32>,
    input: &str,
    kept: &Mutex<Kept>,
    most: usize,
) -> io::Result<ExitStatus> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let give = async {
        if let Some(mut stdin) = stdin {
            // One that ends without reading is one whose exit status tells more than this error.
            drop(stdin.write_all(input.as_bytes()).await);
        }
    };
    let wait = async {
        let status = child.wait().await;
        session.into_iter().for_each(crate::os::kill_group);
        status
    };
    let ((), out, err, status) =
        tokio::join!(give, keep(stdout, kept, most), keep(stderr, kept, most), wait);
    out?;
    err?;
    status
}

/// Reads to the end; the first `most` bytes of both streams together are kept.
async fn keep(
    stream: Option<impl AsyncRead + Unpin>,
    kept: &Mutex<Kept>,
    most: usize,
) -> io::Result<()> {
    let Some(mut stream) = stream else { return Ok(()) };
    let mut part = vec![0; 8 << 10];
    loop {
        let count = stream.read(&mut part).await?;
        if count == 0 {
            return Ok(());
        }
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let room = most.saturating_sub(kept.bytes.len());
        kept.bytes.extend_from_slice(&part[..count.min(room)]);
        kept.left_out += count.saturating_sub(room);
    }
}
