//! `wlmcntrl -q`, `-a`, `-p`, `-o`: whether Workload Manager runs is told by the exit status of `-q` (LU §5.4, inferred).

use std::io::Write;

use super::{Context, Options};
use crate::world::running::WorkloadManager;

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "Td");
    let wanted = [
        ('a', WorkloadManager::Active),
        ('p', WorkloadManager::Passive),
        ('o', WorkloadManager::Stopped),
    ];
    if let Some((_, state)) = wanted.into_iter().find(|(flag, _)| options.has(*flag)) {
        context.change(|lpar| {
            lpar.running.workload_manager = state;
            Ok(())
        })?;
        return Ok(0);
    }
    let (text, status) = match context.lpar()?.running.workload_manager {
        WorkloadManager::Stopped => ("WLM is stopped", 1),
        WorkloadManager::Active => ("WLM is running", 0),
        WorkloadManager::Passive => ("WLM is running in passive mode", 2),
    };
    writeln!(out, "{text}")?;
    Ok(status)
}
