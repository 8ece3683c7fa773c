//! `alt_rootvg_op -v NAME -d DISK` renames a copy of rootvg, `-X [VG]` drops the definition of one (LU §5.3). What it prints is the lab's own.

use std::io::Write;

use super::{Context, Options};

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    _: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "vd");
    let group = |name: &str| context.lpar().ok()?.disk(name)?.vg.clone();
    let (old, new) = match (options.value('v'), options.value('d')) {
        (Some(new), Some(disk)) => (group(disk), Some(new.to_owned())),
        _ if options.has('X') => {
            (Some(options.words.first().map_or("altinst_rootvg", String::as_str).to_owned()), None)
        }
        _ => (None, None),
    };
    let Some(old) =
        old.filter(|old| old != "rootvg" && new.as_ref().is_none_or(|new| new.len() <= 15))
    else {
        writeln!(std::io::stderr(), "alt_rootvg_op: there is no such volume group")?;
        return Ok(1);
    };
    let changed = context.change(|lpar| {
        let mut held = 0;
        for disk in lpar.disks.iter_mut().filter(|disk| disk.vg.as_ref() == Some(&old)) {
            disk.vg.clone_from(&new);
            held += 1;
        }
        Ok(held)
    })?;
    Ok(u8::from(changed == 0))
}
