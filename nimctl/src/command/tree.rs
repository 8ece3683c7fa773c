//! `tree`: HMC, frame, VIOSes and LPARs, with what is free and what runs, as the HMC showed it last.

use nim_shared::api::{FramePartition, FrameStatus};
use nim_shared::id::ObjectName;
use nim_shared::stamp::Timestamp;
use time::OffsetDateTime;

use crate::cli::Tree;
use crate::client::Target;
use crate::command::{Context, adapter};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::Style;
use crate::output::stream::Items;
use crate::output::text::{Paint, ago, clean};

pub(super) async fn run(args: &Tree, context: &Context) -> Result<Exit, Error> {
    let target =
        Target::new(&["frames"]).with_each("name", args.names.iter().map(ObjectName::as_str));
    let mut frames = context.client.lines::<FrameStatus>(target).await?;
    let mut unknown: Vec<&ObjectName> = args.names.iter().collect();
    let printer = context.printer;
    let mut tree = Frames {
        style: printer.style_of_stdout(),
        now: Timestamp::new(OffsetDateTime::now_utc()),
        hmc: None,
        held: None,
    };
    let mut items = Items::new(printer);
    while let Some(frame) = frames.next().await? {
        unknown
            .retain(|name| frame.name != **name && frame.hmcs.iter().all(|hmc| hmc.name != **name));
        if printer.format().is_for_people() {
            printer.raw(tree.next(Some(frame)).as_bytes())?;
        } else {
            items.item(&frame)?;
        }
    }
    if printer.format().is_for_people() {
        printer.raw(tree.next(None).as_bytes())?;
    } else {
        items.end()?;
    }
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

/// The tree, frame by frame; those of one HMC come together.
struct Frames {
    style: Style,
    now: Timestamp,
    /// The HMC whose frames are shown now.
    hmc: Option<Option<ObjectName>>,
    /// The frame that is shown next: whether it is the last of its HMC says the one behind it.
    held: Option<FrameStatus>,
}

impl Frames {
    /// The text of the frame before this one.
    fn next(&mut self, next: Option<FrameStatus>) -> String {
        let hmc = |frame: &FrameStatus| frame.hmcs.first().map(|hmc| hmc.name.clone());
        let Some(frame) = std::mem::replace(&mut self.held, next) else { return String::new() };
        let own = hmc(&frame);
        let mut text = String::new();
        if self.hmc.as_ref() != Some(&own) {
            let name = own.as_ref().map_or_else(|| "(no HMC)".to_owned(), ToString::to_string);
            text += &format!("{name}\n");
            self.hmc = Some(own.clone());
        }
        let last = self.held.as_ref().is_none_or(|next| hmc(next) != own);
        text += &self.frame(&frame, if last { LAST } else { ONE }, self.style);
        let before = if last { GAP } else { LINE };
        for (number, partition) in frame.partitions.iter().enumerate() {
            let last = number + 1 == frame.partitions.len();
            let branch = if last { LAST } else { ONE };
            let row = row(partition, frame.reading.is_some(), self.style);
            text += &format!("{before}{branch}{row}\n");
            if self.style.wide {
                let below = if last { GAP } else { LINE };
                for line in beside(partition, self.now) {
                    text += &format!("{before}{below}   {line}\n");
                }
            }
        }
        text
    }

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
