//! The processes below one process, read from the machine's /proc.

use std::collections::{BTreeMap, BTreeSet};
use std::{fs, io};

use crate::sys;

/// All descendants of `root`, parents before children. `root` itself is not among them.
pub(super) fn below(root: i32) -> io::Result<Vec<i32>> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else { continue };
        if let Some(parent) = parent(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        found.extend(children.get(&pid).into_iter().flatten());
        next += 1;
    }
    found.remove(0);
    Ok(found)
}

/// Arguments of a process; empty when it is gone.
pub(super) fn arguments(pid: i32) -> Vec<String> {
    let text = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    text.split(|byte| *byte == 0)
        .filter(|part| !part.is_empty())
        .map(|part| String::from_utf8_lossy(part).into_owned())
        .collect()
}

/// A process of an LPAR.
#[derive(Debug)]
pub(crate) struct Process {
    /// Its id.
    pub(crate) pid: i32,
    /// The id of its parent.
    pub(crate) parent: i32,
    /// Its arguments, the program first.
    pub(crate) arguments: Vec<String>,
}

/// All processes of the LPAR on which this one runs: what its root process and that one's descendants are.
pub(crate) fn processes_of_this_lpar() -> io::Result<Vec<Process>> {
    let mut root = i32::try_from(std::process::id()).map_err(io::Error::other)?;
    while arguments(root).get(1).is_none_or(|word| word != super::ROOT_PROCESS) {
        root = match parent(root) {
            Some(above) if above > 0 => above,
            _ => return Err(io::Error::other("this process runs on no LPAR of the lab")),
        };
    }
    let processes = seen_below(root)?.into_iter().filter(|pid| !is_zombie(*pid));
    Ok(processes
        .map(|pid| Process {
            pid,
            parent: parent(pid).unwrap_or_default(),
            arguments: arguments(pid),
        })
        .collect())
}

/// All descendants of `root` by what the kernel lists of each process: a site of a thousand LPARs costs a look no more than one of
/// twenty. A list passes over a child where the one before it ends meanwhile, so that two of them have to agree.
fn seen_below(root: i32) -> io::Result<BTreeSet<i32>> {
    let mut before = None;
    loop {
        let mut seen = BTreeSet::new();
        let mut next = vec![root];
        while let Some(pid) = next.pop() {
            let Some(children) = children(pid) else {
                // A kernel without such lists.
                return Ok(below(root)?.into_iter().collect());
            };
            next.extend(&children);
            seen.extend(children);
        }
        if before.as_ref() == Some(&seen) {
            return Ok(seen);
        }
        before = Some(seen);
    }
}

/// The children of a process, none when it is gone; `None` where the kernel keeps no such list.
fn children(pid: i32) -> Option<Vec<i32>> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Some(Vec::new()) };
    let mut all = Vec::new();
    for thread in threads.flatten() {
        match fs::read_to_string(thread.path().join("children")) {
            Ok(text) => {
                all.extend(text.split_whitespace().filter_map(|word| word.parse::<i32>().ok()))
            }
            Err(_) if thread.path().exists() => return None,
            Err(_) => {}
        }
    }
    Some(all)
}

/// Stops everything below `root`, looking again until no new process has come up in between.
pub(super) fn stop(root: i32) -> io::Result<Vec<i32>> {
    let mut stopped = Vec::new();
    loop {
        let fresh: Vec<i32> =
            below(root)?.into_iter().filter(|pid| !stopped.contains(pid)).collect();
        if fresh.is_empty() {
            return Ok(stopped);
        }
        for pid in &fresh {
            sys::signal(*pid, libc::SIGSTOP)?;
        }
        stopped.extend(fresh);
    }
}

/// Lets everything below `root` go on.
pub(super) fn go_on(root: i32) -> io::Result<()> {
    below(root)?.into_iter().try_for_each(|pid| sys::signal(pid, libc::SIGCONT))
}

/// Kills everything below `root`, also what is stopped, until nothing is left.
pub(super) fn kill(root: i32) -> io::Result<()> {
    loop {
        let left: Vec<i32> = below(root)?.into_iter().filter(|pid| !is_zombie(*pid)).collect();
        if left.is_empty() {
            return Ok(());
        }
        for pid in left {
            sys::signal(pid, libc::SIGKILL)?;
        }
        std::thread::yield_now();
    }
}

/// `None` when the process is gone. The name in the second field may hold anything, also blanks and brackets.
fn stat(pid: i32) -> Option<(char, i32)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?.chars().next()?;
    Some((state, fields.next()?.parse().ok()?))
}

fn parent(pid: i32) -> Option<i32> {
    stat(pid).map(|(_, parent)| parent)
}

fn is_zombie(pid: i32) -> bool {
    stat(pid).is_none_or(|(state, _)| matches!(state, 'Z' | 'X'))
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_stopped_tree_stands_still_and_a_killed_one_is_gone() {
        // A shell with a child that is in a session of its own, as a supervisor would be.
        let mut shell = Command::new("sh")
            .args(["-c", "setsid sleep 1000 & echo $!; sh -c 'echo ready; sleep 1000; true'; true"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let root = i32::try_from(shell.id()).unwrap();
        let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines();
        lines.next().unwrap().unwrap();
        lines.next().unwrap().unwrap();
        let stopped = stop(root).unwrap();
        assert!(stopped.len() >= 2, "{stopped:?}");
        // A signal is sent, not yet taken, when kill returns: look until it is. A shell whose child was stopped between vfork and
        // exec waits for that child in the kernel (D) and takes the signal only then: it stands still just as well.
        let still = |pid: &i32| stat(*pid).is_some_and(|(state, _)| matches!(state, 'T' | 'D'));
        while !stopped.iter().all(still) {
            std::thread::yield_now();
        }
        assert_eq!(seen_below(root).unwrap(), below(root).unwrap().into_iter().collect());
        go_on(root).unwrap();
        kill(root).unwrap();
        shell.kill().unwrap();
        shell.wait().unwrap();
        assert!(stopped.iter().all(|pid| is_zombie(*pid) || parent(*pid) != Some(root)));
    }
}
