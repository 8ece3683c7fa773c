//! Servers that an earlier `nimd` left behind.
//!
//! A `nimd` that is killed takes its server with it, but the server needs a moment. Since we hold the lock of the data folder,
//! whatever still works in PGDATA has lost its `nimd`. A server's processes have PGDATA as their working folder, which no
//! stranger has; a process id in a file proves nothing.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use super::ClusterError;
use super::folder::Folders;
use super::process::{self, Signal};

/// How long a survivor may take for each: to end by itself, after SIGINT, after SIGQUIT.
const PATIENCE: [Duration; 3] =
    [Duration::from_secs(5), Duration::from_secs(20), Duration::from_secs(10)];

/// Sees that no server works in the folder, and takes away what the last one left.
pub(super) fn see_off(folders: &Folders) -> Result<(), ClusterError> {
    let steps = [None, Some(Signal::Interrupt), Some(Signal::Quit)];
    for (signal, patience) in steps.into_iter().zip(PATIENCE) {
        if let (Some(signal), Some(pid)) = (signal, postmaster(folders)) {
            process::send(pid, signal);
        }
        if all_gone(folders, patience) {
            return tidy(folders);
        }
    }
    match at_work(folders).first() {
        Some(pid) => Err(ClusterError::Survivor { pid: *pid, folder: folders.server.clone() }),
        None => tidy(folders),
    }
}

/// Waits until nobody works in PGDATA.
fn all_gone(folders: &Folders, patience: Duration) -> bool {
    let end = Instant::now() + patience;
    loop {
        if at_work(folders).is_empty() {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// The processes whose working folder is PGDATA.
fn at_work(folders: &Folders) -> Vec<u32> {
    let Ok(data) = folders.data.canonicalize() else { return Vec::new() };
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let pid = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    let works_here =
        |pid: &u32| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd == data);
    processes.filter_map(Result::ok).filter_map(pid).filter(works_here).collect()
}

/// The main process of the server, if it is one of those at work.
fn postmaster(folders: &Folders) -> Option<u32> {
    let text = fs::read_to_string(folders.data.join("postmaster.pid")).ok()?;
    let pid = text.lines().next()?.trim().parse().ok()?;
    at_work(folders).contains(&pid).then_some(pid)
}

/// Removes what only a living server needs: its process id may be another's by now, and would keep the next one from starting.
fn tidy(folders: &Folders) -> Result<(), ClusterError> {
    let socket = folders.socket_file();
    let mut lock = socket.clone().into_os_string();
    lock.push(".lock");
    for path in [folders.data.join("postmaster.pid"), socket, lock.into()] {
        match fs::remove_file(&path) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                return Err(ClusterError::io(format!("remove {}", path.display()))(cause));
            }
            Ok(()) | Err(_) => (),
        }
    }
    Ok(())
}
