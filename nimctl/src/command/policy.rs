//! `policy`: what the site lets be done around an update.

use nim_shared::api::{LparPolicy, PolicyView, SetPolicy};
use serde::Serialize;

use crate::cli::Policy;
use crate::client::Target;
use crate::command::{Context, apply, each, rollback};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::text::clean;
use crate::output::{Style, View};

pub(super) async fn run(args: &Policy, context: &Context) -> Result<Exit, Error> {
    let target = Target::new(&["policy"]);
    match args {
        Policy::Set { file } => {
            let body = SetPolicy { file: apply::read(file)? };
            let view: PolicyView = context.client.put(target, &body).await?;
            if context.printer.format().is_for_people() {
                context.printer.done(&format!("policy set, version {}", view.version))?;
            } else {
                context.printer.data(&view)?;
            }
            Ok(Exit::Done)
        }
        Policy::Show { lpars } if lpars.is_empty() => {
            let view: PolicyView = context.client.get(target).await?;
            if view.version == 0 && context.printer.format().is_for_people() {
                context.printer.note("no policy was set: nothing is changed before an update, and no TL or SP is installed by one");
            }
            context.printer.show(&Whole(view))?;
            Ok(Exit::Done)
        }
        Policy::Show { lpars } => {
            let mut found = Vec::new();
            let exit = each(lpars, context, async |lpar| {
                let target = Target::new(&["policy", lpar.as_str()]);
                found.push(context.client.get::<LparPolicy>(target).await?);
                Ok(())
            })
            .await?;
            context.printer.show(&Lpars(found))?;
            Ok(exit)
        }
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Whole(PolicyView);

impl View for Whole {
    fn table(&self, _: Style) -> String {
        self.0.text.lines().map(|line| format!("{}\n", clean(line))).collect()
    }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Lpars(Vec<LparPolicy>);

impl View for Lpars {
    fn table(&self, _: Style) -> String {
        let mut text = String::new();
        for LparPolicy { lpar, prep, restart, backup, before_reboot } in &self.0 {
            text += &format!("{lpar}:\n");
            if prep.is_empty() {
                text += "   nothing is changed before an update\n";
            }
            let backup = backup.as_ref().map_or_else(
                || "nothing is said of what one goes back to after a TL or SP".to_owned(),
                ToString::to_string,
            );
            text += &format!("   backup: {}\n", clean(&backup));
            let width = prep.len().to_string().len();
            for (at, step) in prep.iter().enumerate() {
                text += &format!("   {:width$} {}\n", at + 1, clean(&step.to_string()));
            }
            if !restart.is_empty() {
                let names: Vec<_> = restart.iter().map(ToString::to_string).collect();
                let names = names.join(" ");
                text +=
                    &format!("   started anew after it, where on replaced libraries: {names}\n");
            }
            text += &rollback::stops(before_reboot, "   before a rollback boots it: ");
        }
        text
    }
}
