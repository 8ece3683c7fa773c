//! `lslpp -L`, `-Lqc`, `-lc`, `-l` (LU §5.2). Status 1 when a fileset is not there.

use std::io::Write;

use super::{Context, Options};
use crate::world::lpar::Software;

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    list(&context.lpar()?.software, arguments, out, &mut std::io::stderr())
}

/// Lists what of `software` the arguments ask for.
pub(crate) fn list(
    software: &Software,
    arguments: &[String],
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "");
    if options.has('w') {
        return owners(&options.words, out, err);
    }
    let found: Vec<(&String, &String)> = software
        .filesets
        .iter()
        .filter(|(name, _)| {
            options.words.is_empty()
                || options.words.iter().any(|word| word == "all" || matches(word, name))
        })
        .collect();
    if found.is_empty() {
        let wanted = options.words.join(" ");
        writeln!(err, "lslpp: 0504-132  Fileset {wanted} not installed.")?;
        return Ok(1);
    }
    if options.has('f') {
        // One file a fileset, in the colon form (inferred).
        for (name, level) in found {
            writeln!(out, "/usr/lib/objrepos:{name} {level}:/usr/sbin/{name}")?;
        }
        return Ok(0);
    }
    // Source: LU §5.2: C committed, A applied.
    let is_applied = |name: &str| software.applied.filesets.contains_key(name);
    let locked = |name: &str| software.ifixes.iter().any(|ifix| ifix.packages.contains(name));
    if options.has('c') {
        if !options.has('q') {
            writeln!(out, "#Fileset:Level:PTF Id:State:Type:Description:EFIX Locked")?;
        }
        for (name, level) in found {
            let mark = if locked(name) { "EFIXLOCKED" } else { "" };
            let state = if is_applied(name) { 'A' } else { 'C' };
            if options.has('L') {
                writeln!(
                    out,
                    "{name}:{name}:{level}: : :{state}: :{}:{mark}: : : : : :",
                    describe(name)
                )?;
            } else {
                let state = if is_applied(name) { "APPLIED" } else { "COMMITTED" };
                writeln!(
                    out,
                    "/usr/lib/objrepos:{name}:{level}::{state}:I:{}:{mark}",
                    describe(name)
                )?;
            }
        }
        return Ok(0);
    }
    if !options.has('q') {
        writeln!(
            out,
            "  Fileset                      Level  State  Type  Description (Uninstaller)"
        )?;
        writeln!(
            out,
            "  ----------------------------------------------------------------------------"
        )?;
    }
    for (name, level) in found {
        let state = if is_applied(name) { 'A' } else { 'C' };
        writeln!(out, "  {name:<25} {level:>9}    {state}     F    {}", describe(name))?;
    }
    Ok(0)
}

/// `-w`: which fileset a file belongs to. Source: AIX's description of `lslpp`. The lab knows few files.
fn owners(files: &[String], out: &mut dyn Write, err: &mut dyn Write) -> anyhow::Result<u8> {
    writeln!(out, "  {:<43} {:<21} Type", "File", "Fileset")?;
    writeln!(out, "  {}", "-".repeat(76))?;
    let mut status = 0;
    for file in files {
        match FILES.iter().find(|(known, _)| known == file) {
            Some((_, fileset)) => writeln!(out, "  {file:<43} {fileset:<21} File")?,
            None => {
                writeln!(err, "lslpp: no fileset is known that {file} belongs to.")?;
                status = 1;
            }
        }
    }
    Ok(status)
}

const FILES: [(&str, &str); 2] =
    [("/usr/sbin/srcmstr", "bos.rte.SRC"), ("/usr/sbin/sshd", "openssh.base.server")];

/// A fileset name or a pattern with `*`.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => {
            name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
        }
        None => pattern == name,
    }
}

fn describe(name: &str) -> &'static str {
    match name {
        "bos.rte" => "Base Operating System Runtime",
        "bos.mp64" => "Base Operating System 64-bit Multiprocessor Runtime",
        "bos.rte.libc" => "libc Library",
        "bos.rte.install" => "LPP Install Commands",
        "bos.liveupdate.rte" => "Live Update Runtime",
        "bos.sysmgt.hmc" => "HMC Client",
        _ => "Fileset",
    }
}
