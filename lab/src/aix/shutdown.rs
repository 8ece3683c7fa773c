//! `shutdown -Fr`: at once, and the LPAR boots again by its boot list (LU §6.3). Everything on it dies, this command too.

use std::io::Write;

use super::{Context, Options};
use crate::control::Request;

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "");
    if !options.has('F') || !options.has('r') {
        writeln!(std::io::stderr(), "shutdown: the lab knows only -Fr")?;
        return Ok(1);
    }
    writeln!(out, "SHUTDOWN PROGRAM")?;
    out.flush()?;
    context.site()?.done(&Request::Reboot { lpar: context.name.clone(), disk: None })?;
    Ok(0)
}
