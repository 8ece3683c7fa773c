//! `lparstat -i`: labels padded to 43 columns (LU §5.4).

use std::io::Write;

use super::Context;

pub(super) fn run(context: &Context, _: &[String], out: &mut dyn Write) -> anyhow::Result<u8> {
    let world = context.world()?;
    let lpar = world.lpar(&context.name)?;
    let partition = world.partition_of(&context.name)?;
    let (whole, part) = (partition.hundredths / 100, partition.hundredths % 100);
    let usual = partition.memory_mb.min(2048);
    let minimum = lpar.system.minimum_memory_mb.unwrap_or(usual);
    let rows = [
        ("Node Name", lpar.hostname.clone()),
        ("Partition Name", context.name.clone()),
        ("Partition Number", lpar.partition_id.to_string()),
        ("Type", "Shared-SMT-8".to_owned()),
        ("Mode", "Uncapped".to_owned()),
        ("Entitled Capacity", format!("{whole}.{part:02}")),
        ("Partition Group-ID", "32779".to_owned()),
        ("Shared Pool ID", "0".to_owned()),
        ("Online Virtual CPUs", partition.procs.to_string()),
        ("Maximum Virtual CPUs", (partition.procs * 2).to_string()),
        ("Minimum Virtual CPUs", "1".to_owned()),
        ("Online Memory", format!("{} MB", partition.memory_mb)),
        ("Maximum Memory", format!("{} MB", partition.memory_mb * 2)),
        ("Minimum Memory", format!("{minimum} MB")),
        ("Variable Capacity Weight", "128".to_owned()),
        ("Minimum Capacity", "0.10".to_owned()),
        ("Memory Mode", lpar.system.memory_mode.clone().unwrap_or_else(|| "Dedicated".to_owned())),
    ];
    for (label, value) in rows {
        writeln!(out, "{label:<43}: {value}")?;
    }
    Ok(0)
}
