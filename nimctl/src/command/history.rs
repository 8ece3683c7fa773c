//! `history`: who changed what of an object, and when.

use nim_shared::api::PastChange;
use serde::Serialize;

use crate::cli::History;
use crate::client::Target;
use crate::command::{Context, difference};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::text::{Paint, clean, moment};
use crate::output::{Style, View};

pub(super) async fn run(args: &History, context: &Context) -> Result<Exit, Error> {
    let target = Target::new(&["objects", args.name.as_str(), "history"]);
    let target = target.with("limit", args.limit.to_string());
    context.printer.show(&Past(context.client.get(target).await?))?;
    Ok(Exit::Done)
}

#[derive(Serialize)]
#[serde(transparent)]
struct Past(Vec<PastChange>);

impl View for Past {
    fn table(&self, style: Style) -> String {
        let mut text = String::new();
        for one in &self.0 {
            let paint = match one.what.as_str() {
                "define" => Paint::Good,
                _ => Paint::Care,
            };
            let what = paint.paint(&clean(&one.what), style);
            text += &format!("{}  {what}  by uid {}\n", moment(one.at), one.by_uid);
            one.attributes.iter().for_each(|change| text += &difference::row(change));
        }
        text
    }
}
