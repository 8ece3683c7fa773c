//! `lswpar -qc -a name,state`: workload partitions (LU §4.4 S18).

use std::io::Write;

use super::Context;

pub(super) fn run(context: &Context, _: &[String], out: &mut dyn Write) -> anyhow::Result<u8> {
    for (name, state) in context.lpar()?.system.workload_partitions {
        writeln!(out, "{name}:{state}")?;
    }
    Ok(0)
}
