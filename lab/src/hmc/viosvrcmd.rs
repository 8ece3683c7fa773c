//! `viosvrcmd`: a command on a VIO server, over RMC (HV §2.6). The command is given without `ioscli`; `--admin` runs it as root.

use super::{Failure, frame_named, missing};
use crate::vios::{self, As};
use crate::world::World;
use crate::world::frame::{Frame, PartitionState};

pub(super) fn run(world: &World, hmc: &str, arguments: &[String]) -> Result<String, Failure> {
    let value = |option: &str| {
        let at = arguments.iter().position(|word| word == option)?;
        arguments.get(at + 1).map(String::as_str)
    };
    let frame = frame_named(world, hmc, value("-m"))?;
    let name = named(frame, value("-p"), value("--id"))?;
    let command = value("-c").ok_or_else(|| missing("-c"))?;
    let by = if arguments.iter().any(|word| word == "--admin") { As::Root } else { As::Padmin };
    let is_up = |id: &str| frame.named(id).is_some_and(|one| one.state == PartitionState::Running);
    if !is_up(name) {
        return Err(Failure::Command(format!(
            "HSCL294C There is no RMC connection to the partition {name}."
        )));
    }
    let said = vios::run(world, name, command, by);
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    if said.status == 0 {
        return Ok(text(said.stdout));
    }
    // HV §1.6: the text of the VIO server follows; the wording before it is ours.
    Err(Failure::Command(format!(
        "HSCL2970 The command on the partition {name} failed with status {}.\n{}{}",
        said.status,
        text(said.stdout),
        text(said.stderr).trim_end()
    )))
}

/// The VIO server that `-p` or `--id` means.
fn named<'a>(
    frame: &'a Frame,
    name: Option<&str>,
    id: Option<&str>,
) -> Result<&'a String, Failure> {
    let wanted = name.or(id).ok_or_else(|| missing("-p"))?;
    let is_it = |own: &String| match id {
        _ if name.is_some() => own == wanted,
        _ => frame.named(own).is_some_and(|one| one.id.to_string() == wanted),
    };
    frame.vioses.keys().find(|own| is_it(own)).ok_or_else(|| {
        Failure::Command(format!(
            "HSCL8012 The partition named {wanted} was not found.  Please check your entry and retry the command."
        ))
    })
}
