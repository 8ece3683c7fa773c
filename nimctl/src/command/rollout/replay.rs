//! `rollout replay`: whether what a rollout was told leads to the same decisions again.

use nim_shared::api::RolloutReplayed;
use serde::Serialize;

use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::text::{Paint, clean, count};
use crate::output::{Style, View};

pub(super) async fn run(rollout: &str, context: &Context) -> Result<Exit, Error> {
    let target = Target::new(&["rollouts", rollout, "replay"]);
    let replayed: RolloutReplayed = context.client.get(target).await?;
    let exit = if replayed.differs.is_some() { Exit::DidNotSucceed } else { Exit::Done };
    context.printer.show_end(&Replayed(replayed), exit)
}

#[derive(Serialize)]
#[serde(transparent)]
struct Replayed(RolloutReplayed);

impl View for Replayed {
    fn table(&self, style: Style) -> String {
        let of = &self.0;
        let told = format!("{} in {}", count(of.events, "event"), count(of.steps, "step"));
        let mut text = format!("rollout {}: {told}, {}\n", of.name, count(of.starts, "start"));
        if !of.complete {
            text += "not all that it was told is on record; as far as it is:\n";
        }
        text += &match &of.differs {
            None => "the same decisions and states\n".to_owned(),
            Some(differs) => {
                format!("{}: {}\n", Paint::Bad.paint("not the same", style), clean(differs))
            }
        };
        text
    }
}
