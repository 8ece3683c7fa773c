//! `install-links`: the links by which this program is called NIM's names.

use std::io;
use std::path::{Path, PathBuf};

use crate::cli::InstallLinks;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;

/// The links, with the folders where scripts expect them.
const LINKS: [(&str, &str); 7] = [
    ("nim", "usr/sbin"),
    ("lsnim", "usr/sbin"),
    ("nimclient", "usr/sbin"),
    ("nimquery", "usr/sbin"),
    ("dpasswd", "usr/bin"),
    ("dkeyexch", "usr/bin"),
    ("c_rsh", "usr/lpp/bos.sysmgt/nim/methods"),
];

/// Makes the links that `args` ask for. A link that is there already stays; anything else under its name is not touched.
///
/// # Errors
/// The first link that cannot be made; those before it are.
pub(crate) fn install(args: &InstallLinks, context: &Context) -> Result<Exit, Error> {
    let program = std::env::current_exe().map_err(|cause| failed(Path::new("nimctl"), cause))?;
    let root = args.root.clone().unwrap_or_else(|| PathBuf::from("/"));
    for (name, place) in LINKS {
        let folder = args.directory.clone().unwrap_or_else(|| root.join(place));
        std::fs::create_dir_all(&folder).map_err(|cause| failed(&folder, cause))?;
        let link = folder.join(name);
        if std::fs::read_link(&link).is_ok_and(|to| to == program) {
            continue;
        }
        std::os::unix::fs::symlink(&program, &link).map_err(|cause| failed(&link, cause))?;
        context.printer.done(&format!("{} -> {}", link.display(), program.display()))?;
    }
    Ok(Exit::Done)
}

fn failed(path: &Path, cause: io::Error) -> Error {
    Error::File { what: "make the link", path: path.to_owned(), cause }
}
