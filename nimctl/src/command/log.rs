//! `log`: what geninstall and other programs wrote, as it came, without what a terminal would act on.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use nim_shared::api::{Accepted, EventView, OperationView, Output, Snap};
use nim_shared::frame::{Body, Known, ScriptMoment, ScriptStep};
use nim_shared::id::{ClientToken, Epoch, OperationId};
use uuid::Uuid;

use crate::cli::Log;
use crate::client::{AWAY_LIMIT, Target};
use crate::command::{Context, cust};
use crate::error::Error;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::operation::find;
use crate::output::text::clean_lines;
use crate::watch::is_over;

/// How often a running operation is asked for more. The agent sends what it has about as often.
const PAUSE: Duration = Duration::from_secs(1);

pub(super) async fn run(args: &Log, context: &Context) -> Result<Exit, Error> {
    if !args.follow {
        return print(args, context).await;
    }
    let mut interrupt = Interrupt::listen()?;
    interrupt.before(print(args, context)).await.unwrap_or(Ok(Exit::Interrupted))
}

async fn print(args: &Log, context: &Context) -> Result<Exit, Error> {
    let found = find(&args.operation, &context.client).await?;
    if args.file.as_deref() == Some(SNAP) {
        return archive(found.id, args.epoch, context).await;
    }
    let mut reader = Reader { only: args.epoch, file: args.file.clone(), ..Reader::default() };
    if args.follow {
        to_the_end(found.id, reader, context).await?;
    } else {
        reader.read_all(&found.id.to_string(), context).await?;
        if reader.is_empty() && context.printer.format().is_for_people() {
            context.printer.note(&format!(
                "nothing was printed: nimctl events {} says how far it came",
                found.id
            ));
        }
        reader.finish(context)?;
    }
    Ok(Exit::Done)
}

/// Writes what `snap` collects on the LPAR, byte for byte. Where it was not collected yet it is now, which takes minutes.
async fn archive(id: OperationId, only: Option<u64>, context: &Context) -> Result<Exit, Error> {
    let printer = context.printer;
    if printer.format().is_for_people() && std::io::stdout().is_terminal() {
        let what = "this is an archive (tar), and standard output a terminal".to_owned();
        let hint = Some(format!("nimctl log {id} --file {SNAP} >{SNAP}.tar"));
        return Err(Error::Usage { what, faults: Vec::new(), hint });
    }
    let id = id.to_string();
    let new = || Bytes { only, from: None };
    match new().write(&id, context).await {
        Err(Error::Server(failure)) if failure.code == NO_SUCH_LOG => {}
        answer => return answer.map(|()| Exit::Done),
    }
    printer.note("it is not collected yet: snap -U is run on the LPAR, and what it collects is kept with the operation");
    let body = Snap { token: ClientToken(Uuid::new_v4()) };
    let target = Target::new(&["operations", &id, "snap"]);
    let accepted: Accepted = cust::ask_patiently(target, &body, None, context).await?;
    for one in &accepted.operations {
        let id = one.id.to_string();
        let view = until_over(async || context.client.get(Target::new(&["operations", &id])).await)
            .await?;
        if let Some(failure) = &view.failure {
            printer.failure(failure);
            return Ok(Exit::DidNotSucceed);
        }
    }
    new().write(&id, context).await?;
    Ok(Exit::Done)
}

/// Looks until the operation is over.
async fn until_over(
    mut look: impl AsyncFnMut() -> Result<OperationView, Error>,
) -> Result<OperationView, Error> {
    let mut away: Option<Instant> = None;
    loop {
        match look().await {
            Ok(view) if is_over(view.state) => return Ok(view),
            Ok(_) => away = None,
            // A restart, or another master that takes over: what runs goes on.
            Err(error @ (Error::NoServer { .. } | Error::Lost { .. })) => {
                if away.get_or_insert_with(Instant::now).elapsed() > AWAY_LIMIT {
                    return Err(error);
                }
            }
            Err(error) => return Err(error),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The archive, part by part.
struct Bytes {
    only: Option<u64>,
    from: Option<u64>,
}

impl Bytes {
    async fn write(mut self, id: &str, context: &Context) -> Result<(), Error> {
        loop {
            let target = Target::new(&["operations", id, "output"])
                .with_each("epoch", self.only.map(|epoch| epoch.to_string()))
                .with_each("file", Some(SNAP))
                .with_each("from", self.from.map(|from| from.to_string()));
            let part: Output = context.client.get(target).await?;
            if context.printer.format().is_for_people() {
                context.printer.raw(&decoded(&part)?)?;
            } else {
                context.printer.stream(&part)?;
            }
            match part.next {
                Some(next) if self.from.is_none_or(|from| next > from) => self.from = Some(next),
                Some(_) | None => return Ok(()),
            }
        }
    }
}

/// The archive that is made on request.
const SNAP: &str = "snap";

/// The code of a log that an operation does not have.
const NO_SUCH_LOG: &str = "NLU-0154";

/// Shows what comes until the operation is over. How it ended.
///
/// # Errors
/// What nimd refuses, or that it stayed away.
pub(crate) async fn follow(id: OperationId, context: &Context) -> Result<OperationView, Error> {
    to_the_end(id, Reader::default(), context).await
}

/// Shows all that an operation wrote, also of one that goes on.
///
/// # Errors
/// What nimd refuses.
pub(crate) async fn whole(id: OperationId, context: &Context) -> Result<(), Error> {
    let mut reader = Reader::default();
    reader.read_all(&id.to_string(), context).await?;
    reader.finish(context)
}

/// All that an operation wrote in every line of its history, or one of its logs; what is no UTF-8 is replaced.
///
/// # Errors
/// What nimd refuses.
pub(super) async fn text(
    id: OperationId,
    file: Option<&str>,
    context: &Context,
) -> Result<String, Error> {
    let (id, mut bytes, mut from) = (id.to_string(), Vec::new(), None);
    loop {
        let target = Target::new(&["operations", &id, "output"])
            .with_each("file", file)
            .with_each("from", from.map(|from: u64| from.to_string()));
        let part: Output = context.client.get(target).await?;
        bytes.extend(decoded(&part)?);
        match part.next {
            Some(next) if from.is_none_or(|from| next > from) => from = Some(next),
            Some(_) | None => return Ok(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }
}

/// The bytes of a part.
fn decoded(part: &Output) -> Result<Vec<u8>, Error> {
    STANDARD.decode(&part.data).map_err(|cause| Error::NotUnderstood {
        asked: "GET output".to_owned(),
        cause: Box::new(cause),
    })
}

/// Shows what the scripts of an operation wrote; whether it ran any.
///
/// # Errors
/// What nimd refuses.
pub(crate) async fn scripts(id: OperationId, context: &Context) -> Result<bool, Error> {
    let id = id.to_string();
    let events: Vec<EventView> =
        context.client.pages(Target::new(&["operations", &id, "events"]), None).await?;
    // Scripts come last: from the first of them on all that was written is theirs.
    let first = events.iter().rev().find_map(|EventView { event, .. }| match &event.body {
        Body::Known(known) => match &**known {
            Known::Script(step) if step.number == 1 && step.hook.is_none() && is_begun(step) => {
                Some((event.epoch, step.output))
            }
            _ => None,
        },
        Body::Other(_) => None,
    });
    let Some((epoch, from)) = first else { return Ok(false) };
    let mut reader = Reader { only: Some(epoch.0), offset: Some(from), ..Reader::default() };
    reader.read_all(&id, context).await?;
    reader.finish(context)?;
    Ok(true)
}

fn is_begun(step: &ScriptStep) -> bool {
    step.moment.known() == Some(ScriptMoment::Begun)
}

async fn to_the_end(
    id: OperationId,
    mut reader: Reader,
    context: &Context,
) -> Result<OperationView, Error> {
    let id = id.to_string();
    let view = until_over(async || step(&id, &mut reader, context).await).await?;
    reader.finish(context)?;
    Ok(view)
}

/// Shows what has come since. How the operation stood before: what comes after its end is not missed.
async fn step(id: &str, reader: &mut Reader, context: &Context) -> Result<OperationView, Error> {
    let view = context.client.get(Target::new(&["operations", id])).await?;
    reader.read_all(id, context).await?;
    Ok(view)
}

/// Where reading stands.
#[derive(Default)]
struct Reader {
    /// The one line of history that is wanted, where it is one.
    only: Option<u64>,
    /// The log that is wanted in place of what was printed.
    file: Option<String>,
    epoch: Option<Epoch>,
    /// Where the next part begins; `None` before the first.
    offset: Option<u64>,
    /// The last line, while its end is not there: characters may be cut in the middle.
    pending: Vec<u8>,
    cut: bool,
}

impl Reader {
    /// Reads and shows what there is by now.
    async fn read_all(&mut self, id: &str, context: &Context) -> Result<(), Error> {
        loop {
            let target = Target::new(&["operations", id, "output"])
                .with_each("epoch", self.only.map(|epoch| epoch.to_string()))
                .with_each("file", self.file.as_deref())
                .with_each("from", self.offset.map(|offset| offset.to_string()));
            let part: Output = context.client.get(target).await?;
            if self.epoch.is_some_and(|epoch| epoch != part.epoch) {
                context.printer.note(
                    "-- the LPAR was booted from an older copy; this is what runs since then --",
                );
            }
            self.epoch = Some(part.epoch);
            if !context.printer.format().is_for_people() {
                if !part.data.is_empty() {
                    context.printer.stream(&part)?;
                }
            } else {
                self.show(&part, context)?;
            }
            self.cut |= part.cut;
            let bytes = STANDARD.decode(&part.data).map_or(0, |bytes| bytes.len());
            let end = part.offset.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
            match part.next {
                Some(next) if self.offset.is_none_or(|offset| next > offset) => {
                    self.offset = Some(next);
                }
                _ => {
                    self.offset = self.offset.max(Some(end));
                    return Ok(());
                }
            }
        }
    }

    fn show(&mut self, part: &Output, context: &Context) -> Result<(), Error> {
        self.pending.extend(decoded(part)?);
        if let Some(last) = self.pending.iter().rposition(|byte| *byte == b'\n') {
            let whole: Vec<u8> = self.pending.drain(..=last).collect();
            context.printer.raw(clean_lines(&String::from_utf8_lossy(&whole)).as_bytes())?;
        }
        Ok(())
    }

    /// Whether there was nothing until now.
    fn is_empty(&self) -> bool {
        self.offset.is_none_or(|offset| offset == 0)
    }

    /// Shows a last line that has no end.
    fn finish(mut self, context: &Context) -> Result<(), Error> {
        if !self.pending.is_empty() {
            self.pending.push(b'\n');
            context.printer.raw(clean_lines(&String::from_utf8_lossy(&self.pending)).as_bytes())?;
        }
        if self.cut {
            context
                .printer
                .note("-- the rest was cut by the agent: the output passed its limit --");
        }
        Ok(())
    }
}
