//! Bytes between an SSH channel and a command.

use std::io;

use russh::server::{Handle, Msg};
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::Output;
use super::wire::{Next, Tap};
use crate::lpar::{Started, Told};

/// Answers with output that is there already. The channel may be gone; then nobody wants it.
pub(crate) async fn answer(channel: Channel<Msg>, output: Output) {
    let send = async {
        channel.data_bytes(output.stdout).await?;
        channel.extended_data_bytes(1, output.stderr).await?;
        channel.exit_status(u32::from(output.status)).await?;
        channel.eof().await?;
        channel.close().await
    };
    if let Err(error) = send.await {
        tracing::debug!(%error, "an answer found no listener");
    }
}

/// Connects a channel with a command until both outputs have ended and the command has left, as sshd does. When the connection goes first,
/// the command's pipes are closed and it is left to itself.
pub(crate) async fn bridge(
    session: Handle,
    channel: Channel<Msg>,
    started: Started,
    [to_agent, to_master]: [Option<Tap>; 2],
) {
    let (read, write) = channel.split();
    let (output, input) = started.stdio.into_split();
    let (error, _) = started.stderr.into_split();
    // Dropped with this future: a client that has gone closes the command's input.
    let feeding = tokio::spawn(feed(read, input, to_agent));
    let drained = tokio::try_join!(
        drain(output, &write, None, to_master),
        drain(error, &write, Some(1), None)
    );
    if drained.is_ok() {
        let mut lines = BufReader::new(started.told).lines();
        let mut last = None;
        while let Ok(Some(line)) = lines.next_line().await {
            last = serde_json::from_str(&line).ok();
            if !matches!(last, Some(Told::Started { .. })) {
                break;
            }
        }
        if let Err(error) = finish(&session, &write, last).await {
            tracing::debug!(%error, "the end of a command found no listener");
        }
    }
    feeding.abort();
}

async fn feed(mut channel: ChannelReadHalf, mut input: OwnedWriteHalf, mut tap: Option<Tap>) {
    while let Some(message) = channel.wait().await {
        let written = match message {
            ChannelMsg::Data { data } => match &mut tap {
                None => input.write_all(&data).await,
                Some(tap) => {
                    let next = tap.pass(&data);
                    let written = input.write_all(&next.bytes).await;
                    if next.cut {
                        tap.cut();
                        break;
                    }
                    written
                }
            },
            ChannelMsg::Eof | ChannelMsg::Close => break,
            _ => Ok(()),
        };
        if written.is_err() {
            // The command reads no more; its output still goes on.
            break;
        }
    }
    input.shutdown().await.ok();
}

async fn drain(
    mut from: OwnedReadHalf,
    to: &ChannelWriteHalf<Msg>,
    extended: Option<u32>,
    mut tap: Option<Tap>,
) -> io::Result<()> {
    let mut buffer = vec![0; 32 * 1024];
    loop {
        let count = match from.read(&mut buffer).await {
            // A socket whose other end was killed with unread input says "reset": an end like any other.
            Ok(0) | Err(_) => match tap.take().map(Tap::rest) {
                Some(rest) if !rest.is_empty() => {
                    return to.data_bytes(rest).await.map_err(io::Error::other);
                }
                Some(_) | None => return Ok(()),
            },
            Ok(count) => count,
        };
        let next = match &mut tap {
            None => Next { bytes: buffer[..count].to_vec(), cut: false },
            Some(tap) => tap.pass(&buffer[..count]),
        };
        let bytes = next.bytes;
        let sent = match extended {
            None => to.data_bytes(bytes).await,
            Some(code) => to.extended_data_bytes(code, bytes).await,
        };
        sent.map_err(io::Error::other)?;
        if let Some(tap) = tap.as_ref().filter(|_| next.cut) {
            tap.cut();
            return Err(io::ErrorKind::ConnectionReset.into());
        }
    }
}

async fn finish(
    session: &Handle,
    channel: &ChannelWriteHalf<Msg>,
    told: Option<Told>,
) -> Result<(), russh::Error> {
    match told {
        Some(Told::Exit { code }) => channel.exit_status(u32::from(code)).await?,
        Some(Told::Signal { number }) => {
            session
                .exit_signal_request(
                    channel.id(),
                    signal(number),
                    false,
                    String::new(),
                    String::new(),
                )
                .await
                .map_err(|()| russh::Error::SendError)?;
        }
        // The root process is gone, or could not start it: what sshd's shell says then.
        Some(Told::Failed { .. } | Told::Started { .. }) | None => channel.exit_status(127).await?,
    }
    channel.eof().await?;
    channel.close().await
}

fn signal(number: i32) -> Sig {
    match number {
        libc::SIGTERM => Sig::TERM,
        libc::SIGINT => Sig::INT,
        libc::SIGHUP => Sig::HUP,
        libc::SIGPIPE => Sig::PIPE,
        libc::SIGABRT => Sig::ABRT,
        libc::SIGSEGV => Sig::SEGV,
        _ => Sig::KILL,
    }
}
