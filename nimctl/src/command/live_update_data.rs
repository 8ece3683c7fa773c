//! `live-update-data generate`: `lvupdate.data` as it would be written, with a reason for each value and against each disk.

use std::time::Duration;

use nim_shared::api::{self, DataProposal, Generated, JudgedDisk, ProposalState};
use nim_shared::disks::Role;
use serde::Serialize;

use crate::cli::LiveUpdateData;
use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::table::{Columns, NONE, Piece};
use crate::output::text::{Paint, clean};
use crate::output::{Style, View};

/// How long `nimd` may take: a slow LPAR takes minutes, and a fleet goes in turns.
const LIMIT: Duration = Duration::from_secs(1800);

pub(super) async fn run(args: &LiveUpdateData, context: &Context) -> Result<Exit, Error> {
    let LiveUpdateData::Generate(args) = args;
    let client = context.client.with_limit(LIMIT);
    let body = api::Generate { targets: args.targets.clone() };
    let found: Generated = client.post(Target::new(&["live-update-data"]), &body).await?;
    let mut exit = Exit::Done;
    for one in &found.lpars {
        if one.state.known() != Some(ProposalState::Ready) {
            exit = exit.max(Exit::Refused);
        }
        if let Some(failure) = &one.failure {
            exit = exit.max(failure.kind.into());
        }
    }
    let view = Proposals(found);
    context.printer.show_end(&view, exit)?;
    for failure in view.0.lpars.iter().filter_map(|one| one.failure.as_ref()) {
        context.printer.failure(failure);
    }
    Ok(exit)
}

/// What would be written.
#[derive(Serialize)]
#[serde(transparent)]
struct Proposals(Generated);

impl View for Proposals {
    fn table(&self, style: Style) -> String {
        let mut columns =
            Columns::new(&["LPAR", "STATE", "NHDISK", "MHDISK", "CONSOLE", "LEVEL"], style);
        for one in &self.0.lpars {
            let paint = match one.state.known() {
                Some(ProposalState::Ready) => Paint::Good,
                Some(ProposalState::Proposed) => Paint::Care,
                Some(ProposalState::Incomplete) | None => Paint::Bad,
            };
            let cells: [Piece; 6] = [
                one.lpar.as_str().into(),
                Piece::painted(one.state.to_string(), paint),
                value(one, Role::Nhdisk.name()).into(),
                value(one, Role::Mhdisk.name()).into(),
                value(one, "management_console").into(),
                one.level.as_deref().unwrap_or(NONE).into(),
            ];
            columns.row(cells);
        }
        let mut text = columns.text();
        for one in &self.0.lpars {
            text += &details(one, style);
        }
        text
    }
}

/// A value of the file; `-` where there is none.
fn value<'a>(one: &'a DataProposal, key: &str) -> &'a str {
    let found = one.values.iter().find(|value| value.key == key);
    found.map(|value| value.value.as_str()).filter(|value| !value.is_empty()).unwrap_or(NONE)
}

/// Why each value is as it is, what speaks against each disk that the pool names, and what is missing.
fn details(one: &DataProposal, style: Style) -> String {
    let mut text = format!("\n{}\n", one.lpar);
    for value in &one.values {
        let shown = if value.value.is_empty() { "(blank)" } else { &value.value };
        text += &format!(
            "  {}: {} = {}: {}\n",
            value.stanza,
            value.key,
            clean(shown),
            clean(&value.why)
        );
    }
    let refused = |disk: &&JudgedDisk| !disk.against.is_empty();
    // Disks in use and disks of others are most of them, and no news.
    let is_news = |disk: &&JudgedDisk| {
        style.wide
            || !disk
                .against
                .iter()
                .any(|why| matches!(&*why.reason, "volume_group" | "not_in_pool"))
    };
    for disk in one.disks.iter().filter(refused).filter(is_news) {
        let why: Vec<String> = disk.against.iter().map(|why| clean(&why.text)).collect();
        text += &format!("  not {}: {}\n", disk.disk.name, why.join("; "));
    }
    for missing in &one.missing {
        text += &format!("  {} {}\n", Paint::Bad.paint("missing:", style), clean(missing));
    }
    if let Some(next) = &one.next {
        text += &format!("  next: {}\n", clean(next));
    }
    text
}

#[cfg(test)]
mod tests {
    use nim_shared::api::{Against, ProposedValue};
    use nim_shared::disks::SeenDisk;
    use nim_shared::operation::Named;

    use super::*;

    fn disk(name: &str, against: &[(&str, &str)]) -> JudgedDisk {
        JudgedDisk {
            disk: SeenDisk {
                name: name.parse().unwrap(),
                pvid: None,
                udid: None,
                volume_group: None,
                state: None,
                lun: None,
            },
            size: None,
            role: None,
            against: against
                .iter()
                .map(|(reason, text)| Against {
                    reason: (*reason).to_owned(),
                    text: (*text).to_owned(),
                })
                .collect(),
        }
    }

    #[test]
    fn each_value_and_each_disk_that_is_left_alone_says_why() {
        let value = |stanza: &str, key: &str, value: &str, why: &str| ProposedValue {
            stanza: stanza.to_owned(),
            key: key.to_owned(),
            value: value.to_owned(),
            why: why.to_owned(),
        };
        let one = DataProposal {
            lpar: "lpar01".parse().unwrap(),
            at: "2026-01-01T00:00:00Z".parse().unwrap(),
            level: Some("7300-03-01-2520".to_owned()),
            state: Named::Known(ProposalState::Incomplete),
            pool: Vec::new(),
            values: vec![
                value("disks", "nhdisk", "hdisk2", "empty"),
                value("hmc", "lpar_id", "", "the HMC chooses a free one"),
            ],
            text: None,
            disks: vec![
                disk("hdisk0", &[("volume_group", "it is in the volume group rootvg")]),
                disk("hdisk2", &[]),
                disk(
                    "hdisk3",
                    &[("shared", "lpar02 sees it too"), ("held", "open in process 7\u{1b}")],
                ),
            ],
            missing: vec!["no disk is left for mhdisk".to_owned()],
            next: Some("nimctl change".to_owned()),
            failure: None,
        };
        let view = Proposals(Generated { lpars: vec![one] });
        let style = Style { color: false, width: None, wide: false };
        insta::assert_snapshot!(view.table(style), @r"
        LPAR    STATE       NHDISK  MHDISK  CONSOLE  LEVEL
        lpar01  incomplete  hdisk2  -       -        7300-03-01-2520

        lpar01
          disks: nhdisk = hdisk2: empty
          hmc: lpar_id = (blank): the HMC chooses a free one
          not hdisk3: lpar02 sees it too; open in process 7�
          missing: no disk is left for mhdisk
          next: nimctl change
        ");
        let wide = Style { wide: true, ..style };
        assert!(view.table(wide).contains("not hdisk0: it is in the volume group rootvg"));
    }
}
