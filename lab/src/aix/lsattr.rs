//! `lsattr -El NAME [-a attribute] [-F value]` for disks and `sys0` (LU §4.3 D08; HV §4.2).

use std::io::Write;

use super::{Context, Options};

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "laF");
    let world = context.world()?;
    let lpar = world.lpar(&context.name)?;
    let frame = world.frame_of(&context.name)?;
    let name = options.value('l').unwrap_or_default();
    let rows: Vec<(&str, String, &str)> = if name == "sys0" {
        vec![
            ("modelname", format!("IBM,{}", frame.type_model), "Machine name"),
            ("systemid", format!("IBM,02{}", frame.serial), "Hardware system identifier"),
            ("os_uuid", world.partition_of(&context.name)?.uuid.to_lowercase(), "N/A"),
        ]
    } else if let Some(disk) = lpar.disk(name) {
        let module = lpar.system.path_control.as_deref().unwrap_or("PCM/friend/vscsi");
        let pvid =
            disk.pvid.as_deref().map_or("none".to_owned(), |id| format!("{id}0000000000000000"));
        vec![
            ("PCM", module.to_owned(), "Path Control Module"),
            ("algorithm", "fail_over".to_owned(), "Algorithm"),
            ("pvid", pvid, "Physical volume identifier"),
            ("unique_id", disk.udid.clone(), "Unique device identifier"),
            ("size_in_mb", disk.size_mb.to_string(), "Size in Megabytes"),
        ]
    } else {
        writeln!(
            std::io::stderr(),
            "lsattr: 0514-519 The following device was not found in the customized\n\tdevice configuration database:\n\t{name}"
        )?;
        return Ok(255);
    };
    for (attribute, value, text) in rows {
        if options.value('a').is_none_or(|wanted| wanted == attribute) {
            match options.value('F') {
                Some("value") => writeln!(out, "{value}")?,
                _ => writeln!(out, "{attribute:<15} {value:<45} {text:<40} True")?,
            }
        }
    }
    Ok(0)
}
