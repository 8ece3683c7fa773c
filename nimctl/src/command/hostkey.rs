//! `hostkey`: nothing is sent to a host whose key is not on record; here is how it comes there.

use nim_shared::api::{HostKey, ImportKeys, Scan, Scanned, TrustKeys, Trusted};
use serde::Serialize;

use crate::cli::Hostkey;
use crate::client::Target;
use crate::command::{Context, apply, ask, each};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::table::{Columns, Piece, or_none};
use crate::output::text::{Paint, count};
use crate::output::{Style, View};

pub(super) async fn run(args: &Hostkey, context: &Context) -> Result<Exit, Error> {
    match args {
        Hostkey::Scan { replace, dry_run, yes, targets } => {
            let scan = Scan { targets: targets.clone() };
            let target = Target::new(&["hostkeys", "scan"]);
            let scanned: Scanned = context.client.post(target, &scan).await?;
            confirm(&scanned, *replace, *dry_run, *yes, context).await
        }
        Hostkey::Import { replace, file } => {
            let body = ImportKeys { file: apply::read(file)?, replace: *replace };
            let target = Target::new(&["hostkeys", "import"]);
            trusted(&context.client.post(target, &body).await?, context)
        }
        Hostkey::List { names } => {
            let target = Target::new(&["hostkeys"]).with_each("name", names);
            let keys = context.client.whole(target).await?;
            context.printer.show(&Keys(keys))?;
            Ok(Exit::Done)
        }
        Hostkey::Remove { names } => {
            each(names, context, async |name| {
                context.client.delete(Target::new(&["hostkeys", name])).await?;
                context.printer.done(&format!("keys of {name} removed"))
            })
            .await
        }
    }
}

/// Shows what hosts offer, and puts on record what a person agrees to.
async fn confirm(
    scanned: &Scanned,
    replace: bool,
    dry_run: bool,
    yes: bool,
    context: &Context,
) -> Result<Exit, Error> {
    let printer = context.printer;
    let people = printer.format().is_for_people();
    let shown = Offered(scanned);
    if people {
        printer.show(&shown)?;
    } else if dry_run {
        printer.data(&shown)?;
    }
    let mut exit = Exit::Done;
    for failure in &scanned.failed {
        printer.failure(failure);
        exit = exit.max(failure.kind.into());
    }
    let mut keys = scanned.new.clone();
    if replace {
        keys.extend(scanned.changed.iter().cloned());
    } else if !scanned.changed.is_empty() {
        printer.note(
            "Changed keys are not taken over: find out why they changed, then scan again with --replace.",
        );
        exit = exit.max(Exit::Refused);
    }
    if dry_run || keys.is_empty() {
        if !people && !dry_run {
            printer.data(&shown)?;
        }
        return Ok(exit);
    }
    if !yes {
        if !people {
            printer.on_stderr(&shown.table(printer.style_of_stderr()));
        }
        let number = count(keys.len(), "key");
        let question = format!("Put {number} on record? Compare the fingerprints first.");
        ask::confirm(
            &question,
            &format!("{number} would be put on record"),
            "`--yes` puts them on record without a question, `--dry-run` only shows",
            context,
        )?;
    }
    let body = TrustKeys { keys, replace };
    let target = Target::new(&["hostkeys"]);
    Ok(exit.max(trusted(&context.client.post(target, &body).await?, context)?))
}

fn trusted(trusted: &Trusted, context: &Context) -> Result<Exit, Error> {
    if context.printer.format().is_for_people() {
        let Trusted { added, replaced, known } = trusted;
        context
            .printer
            .done(&format!("on record: {added} new, {replaced} replaced, {known} as before"))?;
    } else {
        context.printer.data(trusted)?;
    }
    Ok(Exit::Done)
}

#[derive(Serialize)]
#[serde(transparent)]
struct Keys(Vec<HostKey>);

impl View for Keys {
    fn table(&self, style: Style) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let mut columns = Columns::new(&["NAME", "ALGORITHM", "FINGERPRINT", "SOURCE"], style);
        for key in &self.0 {
            columns.row([
                Piece::from(&key.name),
                Piece::from(&key.algorithm),
                Piece::from(&key.fingerprint),
                Piece::from(or_none(key.source)),
            ]);
        }
        columns.text()
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Offered<'a>(&'a Scanned);

impl View for Offered<'_> {
    fn table(&self, style: Style) -> String {
        let Scanned { new, known, changed, .. } = self.0;
        let mut columns = Columns::new(&["NAME", "STATE", "ALGORITHM", "FINGERPRINT"], style);
        let sorts = [
            (new, "new", Paint::Care),
            (known, "known", Paint::Good),
            (changed, "CHANGED", Paint::Bad),
        ];
        for (keys, state, paint) in sorts {
            for key in keys {
                columns.row([
                    Piece::from(&key.name),
                    Piece::painted(state, paint),
                    Piece::from(&key.algorithm),
                    Piece::from(&key.fingerprint),
                ]);
            }
        }
        if new.len() + known.len() + changed.len() == 0 { String::new() } else { columns.text() }
    }
}
