//! `why`: what something waits for, since when, until when, and who decides.

use nim_shared::api;
use serde::Serialize;

use crate::cli::Why;
use crate::client::Target;
use crate::command::Context;
use crate::command::rollout::long;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::fold::{folded, painted};
use crate::output::text::{Paint, clean, count};
use crate::output::{Style, View};

pub(super) async fn run(args: &Why, context: &Context) -> Result<Exit, Error> {
    let found = context.client.get(Target::new(&["why", &args.name])).await?;
    context.printer.show(&Reasons(found))?;
    Ok(Exit::Done)
}

/// How many reasons fit one screen.
const SHOWN: usize = 4;

#[derive(Serialize)]
#[serde(transparent)]
struct Reasons(Vec<api::Why>);

impl View for Reasons {
    fn table(&self, style: Style) -> String {
        let parts: Vec<String> = self.0.iter().map(|one| part(one, style)).collect();
        parts.join("\n")
    }
}

fn part(why: &api::Why, style: Style) -> String {
    let since = why.since.map(|at| format!(", since {}", long(at))).unwrap_or_default();
    let about = format!("{}: ", clean(&why.about));
    let mut text = folded(&about, &format!("{}{since}", clean(&why.stands)), style);
    text += &why.ticket.as_ref().map(|one| format!("ticket     {one}\n")).unwrap_or_default();
    if why.waits.is_empty() {
        text += "waits for  nothing\n";
    }
    let shown = if style.wide { why.waits.len() } else { SHOWN };
    for one in why.waits.iter().take(shown) {
        let who = one.lpars.map(|number| format!("  ({})", count(number, "LPAR")));
        let what = format!("{}{}", clean(&one.what), who.unwrap_or_default());
        text += &painted("waits for  ", &what, style, |line| Paint::Care.paint(line, style));
        for (label, at) in [("since", one.since), ("until", one.until)] {
            text += &at.map(|at| format!("  {label}    {}\n", long(at))).unwrap_or_default();
        }
        text += &folded("  decides  ", &clean(&one.decides), style);
        text += &typed(one.hint.as_deref(), style);
    }
    if why.waits.len() > shown {
        text += &format!("... and for {} more: -o wide\n", why.waits.len() - shown);
    }
    if let Some(at) = why.given_up_at {
        text += &format!("given up   {}, if nothing changes before\n", long(at));
    }
    text + &typed(why.hint.as_deref(), style)
}

fn typed(hint: Option<&str>, style: Style) -> String {
    hint.map(|hint| folded("  type     ", &clean(hint), style)).unwrap_or_default()
}
