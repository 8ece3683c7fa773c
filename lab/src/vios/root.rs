//! Root's shell of a VIO server: `echo "cmd" | oem_setup_env`, or `viosvrcmd --admin` (HV §2.6, §3.1). Under it is an AIX, of which
//! only what is installed can be asked here.

use std::collections::BTreeMap;

use super::failed;
use crate::aix::lslpp;
use crate::shell;
use crate::ssh::Output;
use crate::world::frame::Vios;
use crate::world::lpar::{Applied, Software};

pub(super) fn run(server: &Vios, line: &str) -> Output {
    let commands = match shell::split(line) {
        Ok(commands) => commands,
        Err(text) => return failed(&format!("ksh: {text}"), 2),
    };
    let mut all = Output::default();
    for command in commands {
        let said = match command.words.split_first() {
            Some((name, arguments)) if name == "lslpp" => {
                let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
                // Writing to memory cannot fail.
                let listed = lslpp::list(&software(server), arguments, &mut stdout, &mut stderr);
                Output { stdout, stderr, status: listed.unwrap_or(1) }
            }
            Some((unknown, _)) => failed(&format!("ksh: {unknown}:  not found."), 127),
            None => Output::default(),
        };
        all.stdout.extend(said.stdout);
        all.stderr.extend(said.stderr);
        all.status = said.status;
    }
    all
}

/// A few filesets of the AIX under a VIO server, at levels of the lab's own.
fn software(server: &Vios) -> Software {
    const ALL: [&str; 5] =
        ["bos.rte", "bos.rte.install", "bos.rte.libc", "openssh.base.server", "rsct.core.rmc"];
    let filesets: BTreeMap<_, _> =
        ALL.iter().map(|name| ((*name).to_owned(), "7.2.5.200".to_owned())).collect();
    Software {
        level: server.level.clone(),
        filesets,
        ifixes: Vec::new(),
        fixes: std::collections::BTreeSet::new(),
        applied: Applied::default(),
    }
}
