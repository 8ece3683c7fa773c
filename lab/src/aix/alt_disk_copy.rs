//! `alt_disk_copy -d "disks"`: copies rootvg, updates the copy where `-l` and `-b` say so, and sets the bootlist unless `-B` is given (LU §5.3). The
//! copy is `altinst_rootvg` afterwards. What it prints is known in part: `Creating logical volume alt_hd2.` and the refusal with
//! `0505-126` (NIM §1.6); the rest is the lab's own.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;

use super::geninstall::say::Printer;
use super::{Context, Options, media};
use crate::Phase;
use crate::fault::Fault;
use crate::world::lpar::{Lpar, Software};
use crate::world::update::fresh_pvid;

/// The volume group of the copy.
const COPY: &str = "altinst_rootvg";

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "dPlbIfFwesixcR");
    let names: Vec<String> =
        options.value('d').unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let phases = match options.value('P').unwrap_or("all") {
        "all" => "123",
        some => some,
    };
    let lpar = context.lpar()?;
    let mut printer = Printer::new(context, out)?;
    if let Some(text) = refusal(&lpar, &names, phases) {
        printer.plain(&text)?;
        return Ok(1);
    }
    if phases.contains('1') {
        copy(context, &mut printer, &names)?;
        if lpar.has(Fault::CloneFails) {
            printer.plain("0505-102 alt_disk_copy: it failed.")?;
            return Ok(1);
        }
    }
    if phases.contains('2')
        && let (Some(folder), Some(list)) = (options.value('l'), options.value('b'))
    {
        let wanted: Vec<String> =
            fs::read_to_string(context.find(list))?.split_whitespace().map(str::to_owned).collect();
        let selection = match media::select(&context.find(folder), &wanted) {
            Ok(selection) => selection,
            Err(error) => {
                printer.plain(&format!("alt_disk_copy: {error:#}"))?;
                return Ok(1);
            }
        };
        printer.plain("Installing optional filesets or updates into altinst_rootvg...")?;
        change(context, &names, |software| install(software, &selection))?;
    }
    if phases.contains('3') {
        if !options.has('B') {
            printer.plain(&format!("Bootlist is set to the boot disk: {} blv=hd5", names[0]))?;
            context.change(|lpar| {
                lpar.bootlist.clone_from(&names);
                Ok(())
            })?;
        }
        for pvid in names.iter().filter_map(|name| lpar_disk(context, name)) {
            context.files.copy_running_to(&pvid)?;
        }
    }
    Ok(0)
}

fn lpar_disk(context: &Context, name: &str) -> Option<String> {
    context.lpar().ok()?.disk(name)?.pvid.clone()
}

/// Why nothing is done.
fn refusal(lpar: &Lpar, names: &[String], phases: &str) -> Option<String> {
    if names.is_empty() {
        return Some("alt_disk_copy: no target disk is named".to_owned());
    }
    names.iter().find_map(|name| match lpar.disk(name).map(|disk| disk.vg.as_deref()) {
        None => Some(format!("alt_disk_copy: there is no disk {name}")),
        Some(Some(group)) if phases.contains('1') || group != COPY => Some(format!(
            "0505-126 alt_disk_install- target disk {name} has a volume group assigned to it."
        )),
        Some(None) if !phases.contains('1') => Some(format!("alt_disk_copy: {name} holds no copy")),
        Some(_) => None,
    })
}

fn copy(context: &Context, printer: &mut Printer<'_>, names: &[String]) -> anyhow::Result<()> {
    printer.plain("Calling mkszfile to create new /image.data file.")?;
    printer.plain("Creating cloned rootvg volume group and associated logical volumes.")?;
    context.change(|lpar| {
        let software = lpar.software.clone();
        for name in names {
            if let Some(disk) = lpar.disk_mut(name) {
                disk.pvid.get_or_insert_with(|| fresh_pvid(&disk.udid));
                disk.vg = Some(COPY.to_owned());
                disk.image = Some(software.clone());
            }
        }
        Ok(())
    })?;
    for volume in ["hd5", "hd6", "hd8", "hd4", "hd2", "hd9var"] {
        printer.plain(&format!("Creating logical volume alt_{volume}."))?;
    }
    printer.wait(Phase::Clone, Phase::Clone.sample_seconds())
}

fn change(
    context: &Context,
    names: &[String],
    change: impl Fn(&mut Software),
) -> anyhow::Result<()> {
    context.change(|lpar| {
        for name in names {
            if let Some(image) = lpar.disk_mut(name).and_then(|disk| disk.image.as_mut()) {
                change(image);
            }
        }
        Ok(())
    })
}

fn install(software: &mut Software, selection: &media::Selection) {
    let new: BTreeMap<_, _> = selection.filesets.clone();
    software.filesets.extend(new);
    software.fixes.extend(selection.fixes.iter().cloned());
    if let Some(level) = selection.level.clone().filter(|level| *level > software.level) {
        software.level = level;
    }
}
