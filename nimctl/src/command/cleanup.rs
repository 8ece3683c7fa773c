//! `cleanup`: has `clvupdate` clean up after a Live Update. Who runs where is shown first, and each flag is asked for with the evidence.

use std::time::Duration;

use nim_shared::api::{Accepted, Advice, CleanUp as Body, CleanUpView, FlagView};
use nim_shared::id::ClientToken;
use nim_shared::request::CleanUpFlag;
use serde::Serialize;
use uuid::Uuid;

use crate::cli::Cleanup;
use crate::client::Target;
use crate::command::{Context, ask, cust, log};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::fold::folded;
use crate::output::table::{Columns, NONE, Piece};
use crate::output::text::{Paint, clean};
use crate::output::{Style, View};

pub(super) async fn run(args: &Cleanup, context: &Context) -> Result<Exit, Error> {
    let target = Target::new(&["clean-up", args.lpar.as_str()]);
    let found: CleanUpView = context.client.with_limit(LOOK).get(target.clone()).await?;
    let shown = Found(found);
    let printer = context.printer;
    let is_named =
        [args.yes, args.only_lock, args.after_reboot, args.force_original, args.ignore_processes];
    let stop = shown.0.nothing_left && !is_named.contains(&true);
    if stop || printer.format().is_for_people() {
        printer.show(&shown)?;
    } else {
        printer.on_stderr(&shown.table(printer.style_of_stderr()));
    }
    if stop {
        printer.note(&format!(
            "nothing is to be cleaned up: no operation on {0} is stuck, there is no second partition of it, and no lock; \
             `nimctl cleanup --yes {0}` runs clvupdate all the same",
            args.lpar
        ));
        return Ok(Exit::Done);
    }
    let mut flags = Vec::new();
    for one in &shown.0.flags {
        // It goes alone.
        if flags.contains(&CleanUpFlag::OnlyLock) {
            break;
        }
        if is_meant(one, args, context)? {
            flags.push(one.flag);
        }
    }
    let words: String = flags.iter().map(|flag| format!(" -{flag}")).collect();
    if !args.yes {
        ask::confirm(
            &format!("Run `clvupdate{words}` on {}?", args.lpar),
            &format!("clvupdate would be run on {}", args.lpar),
            "--yes runs it, and tells it what is named and nothing else",
            context,
        )?;
    }
    let body = Body { token: ClientToken(Uuid::new_v4()), flags };
    let accepted: Accepted = cust::ask_patiently(target, &body, Some(LOOK), context).await?;
    let operation = accepted.operations.first().map(|one| one.id);
    let exit = cust::follow(accepted, args.detach, context).await?;
    if let (Some(id), false, true) = (operation, args.detach, printer.format().is_for_people()) {
        log::whole(id, context).await?;
    }
    Ok(exit)
}

/// Whether `clvupdate` is told this: where that is a question, a person answers it.
fn is_meant(one: &FlagView, args: &Cleanup, context: &Context) -> Result<bool, Error> {
    let (name, named) = match one.flag {
        CleanUpFlag::OnlyLock => ("--only-lock", args.only_lock),
        CleanUpFlag::AfterReboot => ("--after-reboot", args.after_reboot),
        CleanUpFlag::ForceOriginal => ("--force-original", args.force_original),
        CleanUpFlag::IgnoreProcesses => ("--ignore-processes", args.ignore_processes),
    };
    let because = clean(&one.because);
    match decide(one.advice, named, !args.yes && ask::is_anybody_there()) {
        Decision::Told => Ok(true),
        Decision::NotTold => Ok(false),
        Decision::LeftOut => {
            context
                .printer
                .note(&format!("without {name} it is not told -{}: {because}", one.flag));
            Ok(false)
        }
        Decision::Asked => {
            let question =
                format!("{because}\nTell clvupdate -{} ({})?", one.flag, meaning(one.flag));
            match ask::confirm(&question, "clvupdate is told that", "name it, with --yes", context)
            {
                Ok(()) => Ok(true),
                Err(Error::Declined) => Ok(false),
                Err(error) => Err(error),
            }
        }
    }
}

/// What comes of one flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decision {
    /// It is told.
    Told,
    /// It is not, and nothing speaks for it.
    NotTold,
    /// It is not, though the situation asks for it: nobody has agreed.
    LeftOut,
    /// A person is asked.
    Asked,
}

/// What comes of a flag that was `named` or not, where `somebody` is there to be asked or not.
const fn decide(advice: Advice, named: bool, somebody: bool) -> Decision {
    match (advice, named) {
        // nimd refuses, and says why.
        (Advice::Refused, true) => Decision::Told,
        (Advice::Refused | Advice::Possible, false) => Decision::NotTold,
        (Advice::Wanted | Advice::Possible, _) if somebody => Decision::Asked,
        (Advice::Wanted | Advice::Possible, true) => Decision::Told,
        (Advice::Wanted, false) => Decision::LeftOut,
    }
}

/// What a flag means.
const fn meaning(flag: CleanUpFlag) -> &'static str {
    match flag {
        CleanUpFlag::OnlyLock => "release the lock, and nothing else",
        CleanUpFlag::AfterReboot => "ignore what the kernel knows",
        CleanUpFlag::ForceOriginal => "force the original down",
        CleanUpFlag::IgnoreProcesses => "ignore that processes may still run",
    }
}

/// What is found.
#[derive(Serialize)]
#[serde(transparent)]
struct Found(CleanUpView);

impl View for Found {
    fn table(&self, style: Style) -> String {
        let view = &self.0;
        let id = view
            .lpar_id
            .map_or_else(|| "an id that it does not say".to_owned(), |id| format!("id {id}"));
        let booted = view
            .booted_at
            .as_deref()
            .map_or_else(String::new, |at| format!(", booted {}", clean(at)));
        let mut text = format!("{}: {id}{booted}\n", view.lpar);
        if let Some(operation) = view.operation {
            text += &format!("operation {operation} on it is stuck\n");
        }
        if let Some(why) = &view.not_seen {
            text += &format!("no HMC shows its partitions: {}\n", clean(why));
        } else {
            let mut columns = Columns::new(&["PARTITION", "ID", "STATE", "RMC"], style);
            for row in &view.partitions {
                let rmc = if row.rmc_state.is_empty() { NONE } else { row.rmc_state.as_str() };
                columns.row([
                    Piece::from(row.name.as_str()),
                    Piece::from(row.lpar_id.to_string()),
                    Piece::from(row.state.as_str()),
                    Piece::from(rmc),
                ]);
            }
            text += &columns.text();
        }
        text += &folded("", &clean(&view.place), style);
        if view.nothing_left {
            return text;
        }
        text += "\n";
        let mut columns = Columns::new(&["FLAG", "MEANING", "ADVICE", "BECAUSE"], style);
        for one in &view.flags {
            let paint = match one.advice {
                Advice::Wanted => Paint::Care,
                Advice::Possible => Paint::None,
                Advice::Refused => Paint::Bad,
            };
            columns.row([
                Piece::from(format!("-{}", one.flag)),
                Piece::from(meaning(one.flag)),
                Piece::painted(one.advice.to_string(), paint),
                Piece::from(one.because.as_str()),
            ]);
        }
        text + &columns.text()
    }
}

/// How long it may take to ask the LPAR and an HMC.
const LOOK: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flag_is_told_where_a_person_has_named_it_or_agreed() {
        use {Advice as A, Decision as D};
        for (advice, named, somebody, decision) in [
            (A::Wanted, false, true, D::Asked),
            (A::Wanted, true, true, D::Asked),
            (A::Wanted, false, false, D::LeftOut),
            (A::Wanted, true, false, D::Told),
            (A::Possible, false, true, D::NotTold),
            (A::Possible, true, true, D::Asked),
            (A::Possible, true, false, D::Told),
            (A::Refused, false, true, D::NotTold),
            (A::Refused, true, false, D::Told),
        ] {
            assert_eq!(decide(advice, named, somebody), decision, "{advice} {named} {somebody}");
        }
    }
}
