//! Subsystems, processes, policies, registered scripts.

use std::collections::BTreeMap;

use super::{Listing, Row, listing};

/// A subsystem of the system resource controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subsystem {
    /// Its name.
    pub name: String,
    /// Its process, while it runs.
    pub pid: Option<u64>,
    /// `active`, `inoperative`, `stopping`, `warned`.
    pub status: String,
}

impl Subsystem {
    /// Whether it runs.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status == "active"
    }
}

/// `lssrc -a`, `lssrc -s NAME`: name, group, process id and status, of which group and process id may be absent. Source: LU §5.4.
#[must_use]
pub fn lssrc(text: &str) -> Listing<Subsystem> {
    listing(text, |line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        match fields[..] {
            ["Subsystem", ..] => Row::Skip,
            [name, ref others @ .., status] if STATES.contains(&status) => Row::Is(Subsystem {
                name: name.to_owned(),
                pid: others.last().and_then(|text| text.parse().ok()),
                status: status.to_owned(),
            }),
            _ => Row::Other,
        }
    })
}

/// Source: LU §5.4.
const STATES: [&str; 4] = ["active", "inoperative", "stopping", "warned"];

/// A management console as RMC sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ControlPoint {
    /// Whether the two flags are `I A`.
    pub is_up: bool,
    /// Its address.
    pub address: String,
}

/// `rmcdomainstatus -s ctrmc`: below the heading of the management domain a line for each console: two flags, node id, number,
/// address. Lines below other headings are of other domains. Source: LU §5.4.
#[must_use]
pub fn rmcdomainstatus(text: &str) -> Listing<ControlPoint> {
    let mut consoles = false;
    listing(text, |line| {
        if !line.starts_with(' ') {
            consoles = line.contains("Management Control Points");
            return Row::Skip;
        }
        let fields: Vec<&str> = line.split_whitespace().collect();
        match fields[..] {
            [known, up, node, _, address] if node.starts_with("0x") => {
                if !consoles {
                    return Row::Skip;
                }
                let is_up = (known, up) == ("I", "A");
                Row::Is(ControlPoint { is_up, address: address.to_owned() })
            }
            _ => Row::Other,
        }
    })
}

/// `trustchk -p`: `NAME=ON` or `NAME=OFF`; the paths that stand in second lines of TEP and TLP are left out. Source: LU §5.4.
#[must_use]
pub fn trustchk(text: &str) -> BTreeMap<String, bool> {
    let policies = text.lines().take(MOST_POLICIES).filter_map(|line| {
        let (name, state) = line.trim().split_once('=')?;
        let is_on = match state {
            "ON" => true,
            "OFF" => false,
            _ => return None,
        };
        Some((name.to_owned(), is_on))
    });
    policies.collect()
}

/// There are some ten.
const MOST_POLICIES: usize = 200;

/// A script that Live Update notifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifiedScript {
    /// `orig,LVUP_CHECK,6`.
    pub place: String,
    /// Its label.
    pub label: String,
    /// What is run.
    pub command: String,
}

/// `lvupdateRegScript -l`: a place that ends with a colon, below it `LABEL = command`. Source: LU §5.1.
#[must_use]
pub fn lvupdate_scripts(text: &str) -> Listing<NotifiedScript> {
    let mut place = String::new();
    listing(text, |line| {
        if let Some(heading) = line.strip_suffix(':').filter(|_| !line.starts_with([' ', '\t'])) {
            heading.clone_into(&mut place);
            return Row::Skip;
        }
        match line.trim().split_once(" = ") {
            Some((label, command)) if !place.is_empty() => Row::Is(NotifiedScript {
                place: place.clone(),
                label: label.trim().to_owned(),
                command: command.trim().to_owned(),
            }),
            _ => Row::Other,
        }
    })
}

/// A process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u64,
    /// Its command line.
    pub command: String,
}

impl Process {
    /// The name of its program: the last part of the path.
    #[must_use]
    pub fn name(&self) -> &str {
        let first = self.command.split_whitespace().next().unwrap_or_default();
        first.rsplit('/').next().unwrap_or(first)
    }
}

/// `ps -e -o pid,args`.
#[must_use]
pub fn ps(text: &str) -> Listing<Process> {
    listing(text, |line| {
        let line = line.trim_start();
        let (pid, command) = line.split_once(' ').unwrap_or((line, ""));
        if pid == "PID" {
            return Row::Skip;
        }
        let command = command.trim().to_owned();
        pid.parse().ok().map(|pid| Process { pid, command }).into()
    })
}

/// `fuser -c PATH`: process ids, each with letters for how it uses the file system; the path with a colon stands before them where
/// both streams come together. Source: LU §5.4, where the command stands as the way of base AIX (inferred).
#[must_use]
pub fn fuser(text: &str) -> Listing<u64> {
    let mut found = Vec::new();
    let rest = listing::<u64>(text, |line| {
        let line = line.split_once(':').map_or(line, |(_, after)| after);
        for word in line.split_whitespace() {
            match word.trim_end_matches(|c: char| c.is_ascii_alphabetic()).parse() {
                Ok(pid) if found.len() < super::MAX_ROWS => found.push(pid),
                Ok(_) | Err(_) => return Row::Other,
            }
        }
        Row::Skip
    });
    Listing { rows: found, ..rest }
}

/// A workload partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wpar {
    /// Its name.
    pub name: String,
    /// `A` for active.
    pub state: String,
}

/// `lswpar -qc -a name,state`. Source: LU §4.4 S18.
#[must_use]
pub fn lswpar(text: &str) -> Listing<Wpar> {
    listing(text, |line| {
        let (name, state) = line.split_once(':').unwrap_or_default();
        let is_row = !name.is_empty() && !state.is_empty() && !state.contains([' ', ':']);
        is_row.then(|| Wpar { name: name.to_owned(), state: state.to_owned() }).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsystems_with_and_without_process() {
        let all = lssrc(
            "Subsystem         Group            PID          Status\n ctrmc            rsct             6619442      active\n \
             pfcdaemon                                      inoperative\n0513-085 The x Subsystem is not on file.\n",
        );
        let shown: Vec<_> = all.rows.iter().map(|one| (&*one.name, one.is_active())).collect();
        assert_eq!(shown, [("ctrmc", true), ("pfcdaemon", false)]);
        assert_eq!(all.unread.len(), 1);
    }

    #[test]
    fn consoles_are_those_of_the_management_domain() {
        let all = rmcdomainstatus(
            "Peer Domain Status\n  I A  0x1db4439af21a36f0  0001  node2\nManagement Domain Status: Management Control Points\n  \
             I A  0x7edb4439af21a36f  0002  10.1.1.1\n  i a  0x7edb4439af21a370  0003  10.1.1.2\n",
        );
        assert!(all.unread.is_empty(), "{all:?}");
        let shown: Vec<_> = all.rows.iter().map(|one| (one.is_up, &*one.address)).collect();
        assert_eq!(shown, [(true, "10.1.1.1"), (false, "10.1.1.2")]);
    }

    #[test]
    fn policies_are_on_or_off_and_paths_are_none() {
        let all = trustchk("TE=ON\nCHKEXEC=OFF\nTEP=OFF\nTEP=/usr/bin:/usr/sbin:/etc:\n");
        let wanted = [("CHKEXEC", false), ("TE", true), ("TEP", false)];
        assert_eq!(all, wanted.map(|(name, on)| (name.to_owned(), on)).into());
    }

    #[test]
    fn scripts_stand_below_their_place() {
        let all = lvupdate_scripts(
            "orig,LVUP_CHECK,6:\n        STOP_CACHE = /usr/sbin/cache_mgt cache stop -t all\norig,LVUP_ERROR,1:\n        A = b\n",
        );
        assert!(all.unread.is_empty());
        assert_eq!(all.rows[0].command, "/usr/sbin/cache_mgt cache stop -t all");
        assert_eq!((&*all.rows[1].place, &*all.rows[1].label), ("orig,LVUP_ERROR,1", "A"));
    }

    #[test]
    fn processes_have_a_name_and_users_of_a_file_system_an_id() {
        let all = ps(
            "     PID COMMAND\n       1 /etc/init\n 6619442 /usr/sbin/nmon -f -s 60\n      12\n",
        );
        let names: Vec<_> = all.rows.iter().map(|one| (one.pid, one.name())).collect();
        assert_eq!(names, [(1, "init"), (6_619_442, "nmon"), (12, "")]);
        assert_eq!(fuser("/proc:  6619442c 77ce\n").rows, [6_619_442, 77]);
        assert_eq!(fuser("/proc: \n").rows, [0; 0]);
        assert_eq!(fuser("fuser: cannot open /proc\n").unread.len(), 1);
    }

    #[test]
    fn workload_partitions_have_a_state() {
        let all = lswpar("web:A\ntest:D\nlswpar: nothing here\n");
        let shown: Vec<_> = all.rows.iter().map(|one| (&*one.name, &*one.state)).collect();
        assert_eq!((shown, all.unread.len()), (vec![("web", "A"), ("test", "D")], 1));
    }
}
