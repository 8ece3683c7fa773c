//! `tree`: HMC, frame, VIOSes and LPARs, with what is free and what runs, as the HMC showed it last.

use nim_shared::api::{FramePartition, FrameStatus};
use nim_shared::id::ObjectName;
use nim_shared::stamp::Timestamp;
use serde::Serialize;
use time::OffsetDateTime;

use crate::cli::Tree;
use crate::client::Target;
use crate::command::{Context, adapter};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::text::{Paint, ago, clean};
use crate::output::{Style, View};

pub(super) async fn run(args: &Tree, context: &Context) -> Result<Exit, Error> {
    let mut frames: Vec<FrameStatus> = context.client.get(Target::new(&["frames"])).await?;
    let mut unknown = Vec::new();
    if !args.names.is_empty() {
        let is_of = |frame: &FrameStatus, name: &ObjectName| {
            frame.name == *name || frame.hmcs.iter().any(|hmc| hmc.name == *name)
        };
        unknown = args
            .names
            .iter()
            .filter(|name| !frames.iter().any(|frame| is_of(frame, name)))
            .collect();
        frames.retain(|frame| args.names.iter().any(|name| is_of(frame, name)));
    }
    context.printer.show(&Frames { frames, now: Timestamp::new(OffsetDateTime::now_utc()) })?;
    for name in &unknown {
        context.printer.failure(&nim_shared::api::Failure {
            code: "NLU-0529".to_owned(),
            message: format!("no frame and no HMC of a frame is called \"{name}\""),
            causes: Vec::new(),
            hint: Some("nimctl list cec".to_owned()),
            faults: Vec::new(),
            kind: nim_shared::api::FailureKind::NotFound,
        });
    }
    Ok(if unknown.is_empty() { Exit::Done } else { Exit::Refused })
}

#[derive(Serialize)]
#[serde(transparent)]
struct Frames {
    frames: Vec<FrameStatus>,
    #[serde(skip)]
    now: Timestamp,
}

impl View for Frames {
    fn table(&self, style: Style) -> String {
        let mut hmcs: Vec<Option<&ObjectName>> = Vec::new();
        for frame in &self.frames {
            let first = frame.hmcs.first().map(|hmc| &hmc.name);
            if !hmcs.contains(&first) {
                hmcs.push(first);
            }
        }
        let mut text = String::new();
        for hmc in hmcs {
            let name = hmc.map_or_else(|| "(no HMC)".to_owned(), ToString::to_string);
            text += &format!("{name}\n");
            let frames: Vec<_> = self
                .frames
                .iter()
                .filter(|frame| frame.hmcs.first().map(|hmc| &hmc.name) == hmc)
                .collect();
            for (number, frame) in frames.iter().enumerate() {
                let last = number + 1 == frames.len();
                text += &self.frame(frame, if last { LAST } else { ONE }, style);
                let before = if last { GAP } else { LINE };
                for (number, partition) in frame.partitions.iter().enumerate() {
                    let last = number + 1 == frame.partitions.len();
                    let branch = if last { LAST } else { ONE };
                    let row = row(partition, frame.reading.is_some(), style);
                    text += &format!("{before}{branch}{row}\n");
                    if style.wide {
                        let below = if last { GAP } else { LINE };
                        for line in beside(partition, self.now) {
                            text += &format!("{before}{below}   {line}\n");
                        }
                    }
                }
            }
        }
        text
    }
}

impl Frames {
    fn frame(&self, frame: &FrameStatus, branch: &str, style: Style) -> String {
        let state =
            frame.hmcs.first().and_then(|hmc| hmc.state.as_deref()).unwrap_or("never asked");
        let others: Vec<_> = frame.hmcs.iter().skip(1).map(|hmc| hmc.name.to_string()).collect();
        let others = match others.as_slice() {
            [] => String::new(),
            others => format!("  also on {}", others.join(", ")),
        };
        let free = frame.reading.as_ref().map_or_else(
            || "nothing read yet".to_owned(),
            |reading| {
                let partitions = match (reading.partitions, reading.max_partitions) {
                    (Some(there), Some(most)) => format!(", {there} of {most} partitions"),
                    _ => String::new(),
                };
                format!(
                    "free: {} of {} MB, {} processors{partitions}; read {}",
                    reading.free_memory.0,
                    reading.memory.0,
                    reading.free_processors,
                    ago(reading.read_at, self.now)
                )
            },
        );
        let paint = if state == OPERATING { Paint::Good } else { Paint::Care };
        format!(
            "{branch}{}  {}  {}{others}  {free}\n",
            frame.name,
            frame.mtms,
            paint.paint(&clean(state), style)
        )
    }
}

/// One partition; `is_read` says whether its frame was ever read.
fn row(partition: &FramePartition, is_read: bool, style: Style) -> String {
    let Some(seen) = &partition.seen else {
        let name = partition.object.as_ref().map(ToString::to_string).unwrap_or_default();
        let missing = if is_read {
            Paint::Care.paint("not shown by the HMC", style)
        } else {
            "not read yet".to_owned()
        };
        return format!("{name}  {missing}");
    };
    let name = match &partition.object {
        Some(object) if object.as_str() == seen.name => object.to_string(),
        Some(object) => format!("{object} ({})", clean(&seen.name)),
        None => format!("{} (no object)", clean(&seen.name)),
    };
    format!(
        "{name}  id {}  {}  {}  RMC {}",
        seen.lpar_id,
        clean(&seen.state),
        clean(if seen.os_version.is_empty() { "-" } else { &seen.os_version }),
        clean(&seen.rmc_state)
    )
}

/// What there is no room for in the row: how a VIOS was read, what an LPAR gets from which VIOS.
fn beside(partition: &FramePartition, now: Timestamp) -> Vec<String> {
    let vios = partition.vios.iter().map(|status| adapter::vios(status, now));
    vios.chain(partition.adapters.iter().map(adapter::line)).collect()
}

/// How an HMC calls a frame that can be worked with. Source: HMC reference §2.2.
const OPERATING: &str = "Operating";

const ONE: &str = "├─ ";
const LAST: &str = "└─ ";
const LINE: &str = "│  ";
const GAP: &str = "   ";
