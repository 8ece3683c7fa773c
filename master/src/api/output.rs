//! What the programs of an operation wrote, and the logs that are kept among it.

use std::ops::Range;

use axum::Json;
use axum::extract::State;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use nim_shared::api::{FailureKind, Output};
use nim_shared::frame::KeptLog;
use nim_shared::id::{Epoch, OperationId, printable};

use super::Api;
use super::error::{Answer, Refusal};
use super::extract::{Named, Query};
use crate::store::output::{OutputCursor, OutputPart};

/// `GET /v1/operations/{id}/output`. Offsets count through all lines of history, as [`Offset`] says.
pub(super) async fn output(
    State(api): State<Api>,
    Named(id): Named<OperationId>,
    mut query: Query,
) -> Answer<Json<Output>> {
    let only = query.one::<u64>("epoch")?.map(Epoch);
    let from = query.one::<u64>("from")?.map(|from| Offset(from).cursor());
    let file = query.one::<String>("file")?;
    let limit = query.one::<usize>("limit")?.unwrap_or(OUTPUT).clamp(1, OUTPUT);
    query.end()?;
    // It was fetched by an operation of its own, perhaps several times.
    let id = match file.as_deref() {
        Some(SNAP) => api.store.snap_of(id).await?.unwrap_or(id),
        Some(_) | None => id,
    };
    let logs = api.store.logs(id).await?;
    let wanted = match file {
        Some(name) => Wanted::log(id, &name, &logs, only)?,
        None => Wanted::printed(only),
    };
    let from = from.unwrap_or(wanted.begin).max(wanted.begin);
    let from = wanted.behind_logs(from, &logs);
    let mut part = api.store.output(id, from, limit).await?;
    if let Some(epoch) = wanted.only {
        let read = part.chunks.len();
        part.chunks.retain(|chunk| chunk.epoch == epoch);
        // What was left out belongs to a later line of history: of this one there is no more.
        part.complete |= part.chunks.len() < read;
    }
    let mut read = Read::of(&part, from);
    let place = OutputCursor { epoch: read.epoch, offset: read.offset };
    let next = match wanted.end(place, &logs) {
        Some(end) if read.end() >= end => {
            let kept = usize::try_from(end.saturating_sub(read.offset)).unwrap_or(usize::MAX);
            read.bytes.truncate(kept);
            let end = OutputCursor { epoch: read.epoch, offset: end };
            let behind = wanted.behind_logs(end, &logs);
            let rest = api.store.output(id, behind, 1).await?.chunks;
            let is_wanted = |epoch| wanted.only.is_none_or(|only| only == epoch);
            let more = wanted.end.is_none() && rest.iter().any(|chunk| is_wanted(chunk.epoch));
            more.then_some(behind)
        }
        Some(_) | None => read.more.then(|| OutputCursor { epoch: read.epoch, offset: read.end() }),
    };
    Ok(Json(Output {
        epoch: read.epoch,
        offset: Offset::of(OutputCursor { epoch: read.epoch, offset: read.offset }).0,
        data: BASE64.encode(&read.bytes),
        next: next.map(|next| Offset::of(next).0),
        cut: part.cut,
    }))
}

/// Which part of the stored bytes is meant.
struct Wanted {
    begin: OutputCursor,
    /// The one line of history that counts.
    only: Option<Epoch>,
    /// Where it ends, of a log; what is printed is all but the logs.
    end: Option<u64>,
}

impl Wanted {
    /// What the programs printed.
    fn printed(only: Option<Epoch>) -> Self {
        let begin = OutputCursor { epoch: only.unwrap_or(Epoch(1)), offset: 0 };
        Self { begin, only, end: None }
    }

    /// The log of this name: of the newest line of history that has it, or of the one that is asked for.
    fn log(
        id: OperationId,
        name: &str,
        logs: &[(Epoch, KeptLog)],
        only: Option<Epoch>,
    ) -> Answer<Self> {
        let is_meant = |(epoch, log): &&(Epoch, KeptLog)| {
            log.name == name && only.is_none_or(|only| *epoch == only)
        };
        let Some((epoch, log)) = logs.iter().rev().find(is_meant) else {
            return Err(no_such_log(id, name, logs));
        };
        let range = ranges(*epoch, logs).find(|range| range.start == log.output);
        let end = range.map_or(log.output, |range| range.end);
        let begin = OutputCursor { epoch: *epoch, offset: log.output };
        Ok(Self { begin, only: Some(*epoch), end: Some(end) })
    }

    /// Where it ends, from that place on.
    fn end(&self, from: OutputCursor, logs: &[(Epoch, KeptLog)]) -> Option<u64> {
        let next = || {
            let logs = ranges(from.epoch, logs).map(|log| log.start);
            logs.filter(|start| *start >= from.offset).min()
        };
        self.end.or_else(next)
    }

    /// The place itself, or where the logs that it lies in end; of one log that is asked for the place itself.
    fn behind_logs(&self, mut at: OutputCursor, logs: &[(Epoch, KeptLog)]) -> OutputCursor {
        if self.end.is_none() {
            while let Some(log) = ranges(at.epoch, logs).find(|log| log.contains(&at.offset)) {
                at.offset = log.end;
            }
        }
        at
    }
}

/// Where the logs of one line of history lie. One that was cut off, because the agent was killed, ends where the next begins.
fn ranges(epoch: Epoch, logs: &[(Epoch, KeptLog)]) -> impl Iterator<Item = Range<u64>> {
    let starts = move || logs.iter().filter(move |(of, _)| *of == epoch).map(|(_, log)| log.output);
    let here = logs.iter().filter(move |(of, _)| *of == epoch);
    here.map(move |(_, log)| {
        let next = starts().filter(|start| *start > log.output).min().unwrap_or(u64::MAX);
        log.output..log.output.saturating_add(log.bytes).min(next)
    })
}

fn no_such_log(id: OperationId, name: &str, logs: &[(Epoch, KeptLog)]) -> Refusal {
    let mut names: Vec<_> = logs.iter().map(|(_, log)| printable(&log.name)).collect();
    names.sort();
    names.dedup();
    let hint = if name == SNAP {
        format!("nimctl log {id} --file {SNAP} has it collected")
    } else if names.is_empty() {
        "logs are fetched when an update fails, and none was there to be fetched".to_owned()
    } else {
        format!("there are: {}", names.join(", "))
    };
    let message = format!("operation {id} has no log \"{}\"", printable(name));
    Refusal::new(FailureKind::NotFound, "NLU-0154", message).hint(hint)
}

/// Bytes that follow each other: they end where a line of history does, or where something is missing.
struct Read {
    epoch: Epoch,
    offset: u64,
    bytes: Vec<u8>,
    /// Whether there is more behind them.
    more: bool,
}

impl Read {
    fn of(part: &OutputPart, from: OutputCursor) -> Self {
        let first = part.chunks.first();
        let (epoch, offset) =
            first.map_or((from.epoch, from.offset), |chunk| (chunk.epoch, chunk.offset));
        let mut bytes: Vec<u8> = Vec::new();
        let mut whole = true;
        for chunk in &part.chunks {
            if chunk.epoch != epoch || chunk.offset != offset + bytes.len() as u64 {
                whole = false;
                break;
            }
            bytes.extend_from_slice(&chunk.data);
        }
        Self { epoch, offset, bytes, more: !whole || !part.complete }
    }

    const fn end(&self) -> u64 {
        self.offset.saturating_add(self.bytes.len() as u64)
    }
}

/// A place in the output of an operation as one number that grows from one line of history to the next: in the first it is the
/// plain offset, and each further one begins 2^40 later, which is far more than is ever kept.
struct Offset(u64);

impl Offset {
    /// Where each line of history begins.
    const LINE: u64 = 1 << 40;

    /// Of a place in the store.
    fn of(cursor: OutputCursor) -> Self {
        let lines = cursor.epoch.0.saturating_sub(1).saturating_mul(Self::LINE);
        Self(lines.saturating_add(cursor.offset.min(Self::LINE - 1)))
    }

    /// The place in the store.
    const fn cursor(&self) -> OutputCursor {
        OutputCursor { epoch: Epoch(self.0 / Self::LINE + 1), offset: self.0 % Self::LINE }
    }
}

/// Name of the archive that is made on request.
const SNAP: &str = "snap";

/// Most bytes of output in one answer, before base64.
const OUTPUT: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_grows_from_one_line_of_history_to_the_next() {
        let cursor = |epoch, offset| OutputCursor { epoch: Epoch(epoch), offset };
        assert_eq!(Offset::of(cursor(1, 17)).0, 17);
        assert!(Offset::of(cursor(2, 0)).0 > Offset::of(cursor(1, u64::MAX)).0);
        for at in [cursor(1, 0), cursor(1, 17), cursor(3, 1 << 30)] {
            assert_eq!(Offset::of(at).cursor(), at);
        }
    }

    fn kept(epoch: u64, name: &str, output: u64, bytes: u64) -> (Epoch, KeptLog) {
        let log = KeptLog {
            name: name.to_owned(),
            path: format!("/{name}"),
            size: bytes,
            output,
            bytes,
            messages: vec![],
        };
        (Epoch(epoch), log)
    }

    #[test]
    fn what_is_printed_is_all_but_the_logs_and_a_log_ends_where_the_next_begins() {
        let logs = [kept(1, "a", 100, 50), kept(1, "b", 120, 10), kept(2, "a", 7, 3)];
        let printed = Wanted::printed(None);
        let at = |epoch, offset| OutputCursor { epoch: Epoch(epoch), offset };
        assert_eq!(printed.end(at(1, 0), &logs), Some(100));
        assert_eq!(printed.end(at(2, 3), &logs), Some(7));
        assert_eq!(printed.end(at(3, 0), &logs), None);
        // What comes behind them, such as the output of a hook, is printed too.
        assert_eq!(printed.behind_logs(at(1, 100), &logs), at(1, 130));
        assert_eq!(printed.behind_logs(at(1, 99), &logs), at(1, 99));
        assert_eq!(printed.end(at(1, 130), &logs), None);
        let range = |only| {
            let id = "01990000-0000-7000-8000-00000000000a".parse().unwrap();
            let wanted = Wanted::log(id, "a", &logs, only).ok()?;
            Some((wanted.begin.epoch.0, wanted.begin.offset, wanted.end?))
        };
        assert_eq!(range(None), Some((2, 7, 10)));
        assert_eq!(range(Some(Epoch(1))), Some((1, 100, 120)));
        assert_eq!(range(Some(Epoch(3))), None);
    }
}
