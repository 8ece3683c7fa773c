//! `emgr`: `-l` and `-P` list, `-d -e FILE -v2` and `-p -e FILE` describe, `-e FILE` installs, `-r -L LABEL` removes (LU §5.2).

use std::io::Write;

use super::locale::language;
use super::{Context, Options, media, stamp};
use crate::world::lpar::Ifix;

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "eLv");
    let lpar = context.lpar()?;
    if let Some(file) = options.value('e') {
        let package = match media::read(&context.find(file)) {
            Ok(media::Package::Ifix(package)) => package,
            Ok(media::Package::Updates { .. }) | Err(_) => {
                writeln!(std::io::stderr(), "emgr: 0645-082 {file} is not a valid efix package.")?;
                return Ok(1);
            }
        };
        describe(&package, out)?;
        let lacks = package.requires.iter().filter(|(name, level)| {
            lpar.software.filesets.get(*name).is_none_or(|installed| installed < *level)
        });
        let lacks: Vec<_> = lacks.map(|(name, level)| format!("{name} {level}")).collect();
        if !lacks.is_empty() && !options.has('d') {
            // The sentence is not known: the lab's own.
            writeln!(out, "emgr: prerequisites are missing: {}", lacks.join(", "))?;
            return Ok(1);
        }
        if !options.has('p') && !options.has('d') {
            // Installed without Live Update it waits for a reboot (LU S02).
            let now = context.now()?;
            context.change(|lpar| {
                lpar.software.ifixes.push(package.installed("*Q*", stamp::emgr(now)));
                Ok(())
            })?;
        }
        return Ok(0);
    }
    if options.has('r') {
        let label = options.value('L').unwrap_or_default();
        let removed = context.change(|lpar| {
            let before = lpar.software.ifixes.len();
            lpar.software.ifixes.retain(|ifix| ifix.label != label);
            Ok(lpar.software.ifixes.len() < before)
        })?;
        return Ok(u8::from(!removed));
    }
    if let Some(label) = options.value('L') {
        // What a fix was made for stands at the beginning of its label.
        let apar = label.get(..7).filter(|apar| apar.starts_with("IJ"));
        writeln!(out, "APAR information:\n=================")?;
        match apar {
            Some(apar) => writeln!(out, "APAR number: {apar}\nAPAR abstract: a fix")?,
            None => writeln!(out, "No APAR numbers listed.")?,
        }
        return Ok(0);
    }
    if lpar.software.ifixes.is_empty() {
        writeln!(out, "{}", language().say("There is no efix data on this system."))?;
    } else if options.has('P') {
        writeln!(out, "\n{:<56} {:<11} LABEL", "PACKAGE", "INSTALLER")?;
        writeln!(out, "{} {} {}", "=".repeat(56), "=".repeat(11), "=".repeat(10))?;
        for ifix in &lpar.software.ifixes {
            for package in &ifix.packages {
                writeln!(out, "{package:<56} {:<11} {}", "installp", ifix.label)?;
            }
        }
    } else {
        list(&lpar.software.ifixes, out)?;
    }
    Ok(0)
}

fn list(ifixes: &[Ifix], out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "\nID  STATE LABEL      INSTALL TIME      UPDATED BY ABSTRACT")?;
    writeln!(
        out,
        "=== ===== ========== ================= ========== ======================================"
    )?;
    for (number, ifix) in (1..).zip(ifixes) {
        writeln!(
            out,
            "{number:<3} {:^5} {:<10} {:<17} {:<10} {}",
            ifix.state, ifix.label, ifix.installed, "", ifix.text
        )?;
    }
    writeln!(
        out,
        "\nSTATE codes:\n S = STABLE\n M = MOUNTED\n U = UNMOUNTED\n Q = REBOOT REQUIRED\n B = BROKEN\n I = INSTALLING\n R = REMOVING\n T = TESTED\n P = PATCHED\n N = NOT PATCHED"
    )?;
    Ok(())
}

fn describe(package: &media::IfixPackage, out: &mut dyn Write) -> anyhow::Result<()> {
    let live_update = if package.live_update { "yes" } else { "no" };
    let rows = [
        ("LABEL:", package.label.as_str()),
        ("PACKAGING DATE:", "Thu Oct 31 09:12:41 CDT 2024"),
        ("ABSTRACT:", &package.text),
        ("PACKAGER VERSION:", "7"),
        ("VUID:", "00F7CD554C00103109124124"),
        ("REBOOT REQUIRED:", "yes"),
        ("BUILD BOOT IMAGE:", "yes"),
        ("LU CAPABLE:", live_update),
        ("PRE-REQUISITES:", if package.requires.is_empty() { "no" } else { "yes" }),
        ("SUPERSEDE:", "no"),
    ];
    for (key, value) in rows {
        writeln!(out, "{key:<18} {value}")?;
    }
    Ok(())
}
