//! `uname`: `-L` is id and name of the partition, `-m` the machine id, which is that of the frame (LU §5.4, §6.1).

use std::io::Write;

use super::{Context, Options};

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "");
    let world = context.world()?;
    let lpar = world.lpar(&context.name)?;
    let frame = world.frame_of(&context.name)?;
    if options.has('L') {
        // The name without the suffix it has on the HMC for a while: the hypervisor's view of the moved LPAR (HV §4.1).
        writeln!(out, "{} {}", lpar.partition_id, context.name)?;
        return Ok(0);
    }
    if options.has('M') {
        writeln!(out, "IBM,{}", frame.type_model)?;
        return Ok(0);
    }
    if options.has('u') {
        writeln!(out, "IBM,02{}", frame.serial)?;
        return Ok(0);
    }
    let version = if lpar.software.level.starts_with("73") { "3" } else { "2" };
    let parts = [
        ('s', "AIX".to_owned()),
        ('n', lpar.hostname.clone()),
        ('r', version.to_owned()),
        ('v', "7".to_owned()),
        ('m', machine_id(&frame.serial)),
        ('p', "powerpc".to_owned()),
    ];
    let all = options.has('a');
    let shown: Vec<&str> = parts
        .iter()
        .filter(|(letter, _)| options.has(*letter) || (all && *letter != 'p'))
        .map(|(_, value)| value.as_str())
        .collect();
    writeln!(out, "{}", if shown.is_empty() { "AIX".to_owned() } else { shown.join(" ") })?;
    Ok(0)
}

/// `00F60E590000`-like: `00`, six digits of the serial, `4C00`.
pub(super) fn machine_id(serial: &str) -> String {
    let tail: String = serial.chars().skip(serial.chars().count().saturating_sub(6)).collect();
    format!("00{tail}4C00")
}
