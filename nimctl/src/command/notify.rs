//! `notify`: whether messages about rollouts would arrive.

use nim_shared::api::ReceiverTold;

use crate::cli::Notify;
use crate::client::Target;
use crate::command::{Context, each};
use crate::error::Error;
use crate::exit::Exit;

pub(super) async fn run(args: &Notify, context: &Context) -> Result<Exit, Error> {
    let mut told = Vec::new();
    let exit = each(&args.receivers, context, async |receiver| {
        let target = Target::new(&["receivers", receiver.as_str(), "test"]);
        let answer: ReceiverTold = context.client.post(target, &()).await?;
        if context.printer.format().is_for_people() {
            context.printer.done(&format!("{receiver} was sent a test message: {}", answer.at))?;
        }
        told.push(answer);
        Ok(())
    })
    .await?;
    if !context.printer.format().is_for_people() {
        context.printer.data(&told)?;
    }
    Ok(exit)
}
