//! `lswpar -qc -a name,state`: no LPAR of the lab has workload partitions (LU §4.4 S18).

use std::io::Write;

use super::Context;

pub(super) fn run(_: &Context, _: &[String], _: &mut dyn Write) -> anyhow::Result<u8> {
    Ok(0)
}
