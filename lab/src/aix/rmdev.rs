//! `rmdev [-d] -l NAME [-R]` (LU §5.4): a device is undefined with `-d`, else it is defined and not available.

use std::io::Write;

use super::{Context, Options};

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "l");
    let name = options.value('l').unwrap_or_default().to_owned();
    let is_gone = options.has('d');
    let version = name.strip_prefix("ipsec_v").unwrap_or_default().to_owned();
    let lpar = context.lpar()?;
    let has_rules = lpar.system.filters.get(&version).is_some_and(|one| !one.rules.is_empty());
    if has_rules && lpar.variation.rules_hold_device && lpar.system.has_available(&name) {
        // Whether rules stand against it is not published.
        let text = "0514-062 Cannot perform the requested function because the\n\tspecified device is busy.";
        writeln!(std::io::stderr(), "Method error (/usr/lib/methods/ucfgdevice):\n\t{text}")?;
        return Ok(1);
    }
    let found = context.change(|lpar| {
        let devices = &mut lpar.system.devices;
        let found = devices.iter_mut().find(|device| device.name == name);
        let was_there = found.is_some();
        if let Some(device) = found {
            "Defined".clone_into(&mut device.status);
        }
        if is_gone {
            devices.retain(|device| device.name != name);
        }
        lpar.system.filters.get_mut(&version).into_iter().for_each(|one| one.active.clear());
        Ok(was_there)
    })?;
    if !version.is_empty() {
        context.files.lock_out(false)?;
    }
    if !found {
        writeln!(
            std::io::stderr(),
            "rmdev: 0514-519 The following device was not found in the customized\n\tdevice configuration database:\n\t{name}"
        )?;
        return Ok(1);
    }
    writeln!(out, "{name} {}", if is_gone { "deleted" } else { "Defined" })?;
    Ok(0)
}
