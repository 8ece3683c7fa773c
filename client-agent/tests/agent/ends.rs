//! An update with all steps of prep, by each of its ends before and beside success: a step that fails, a copy that fails, a cancel, a boot of
//! the LPAR. Everything is as before then; of its own it leaves the copy alone.

use nim_shared::operation::{Outcome, Report, Software};
use nim_shared::request::Request;
use nim_shared::unit::Seconds;

use crate::lpar::{Lpar, OWN_DATA};
use crate::master::{AtReady, Master};
use crate::prep::{self, lpar, run, run_by, state, with_copy, with_prep};

/// How an update ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ends {
    /// A step behind the copy fails, with some that are done before it.
    StepFails,
    /// The copy fails, behind the steps that it needs.
    CopyFails,
    /// Nobody says `proceed` in time.
    NotLetOn,
    /// Somebody cancels it when it is ready.
    Cancelled,
}

impl Ends {
    const ALL: [Self; 4] = [Self::StepFails, Self::CopyFails, Self::NotLetOn, Self::Cancelled];

    fn lpar(self) -> Lpar {
        let lpar = lpar();
        match self {
            Self::StepFails => lpar.set("wlm", "5\n"),
            Self::CopyFails => lpar.set("copy.fails", ""),
            Self::NotLetOn | Self::Cancelled => {}
        }
        lpar
    }

    fn request(self) -> Request {
        let mut request = with_prep();
        if self == Self::NotLetOn {
            request.limits.proceed = Seconds(0);
        }
        request
    }

    fn master(self) -> Master {
        let at_ready = if self == Self::Cancelled { AtReady::Cancel } else { AtReady::Proceed };
        let mut master = Master::new(&self.request());
        master.at_ready = at_ready;
        master
    }

    fn outcome(self) -> Outcome {
        match self {
            Self::StepFails | Self::CopyFails => Outcome::Failed { software: Software::Unchanged },
            Self::NotLetOn | Self::Cancelled => Outcome::Cancelled,
        }
    }

    /// What has to be there in the end.
    fn state(self) -> Vec<(&'static str, String)> {
        let before = state(&self.lpar());
        match self {
            Self::StepFails | Self::NotLetOn | Self::Cancelled => with_copy(before),
            // It was tried, and that is all.
            Self::CopyFails => {
                let tried = |(name, text): (&'static str, String)| match name {
                    "state/copies" => (name, "-B -d hdisk3\n".to_owned()),
                    _ => (name, text),
                };
                before.into_iter().map(tried).collect()
            }
        }
    }

    /// Says what is not as it has to be.
    fn check(self, lpar: &Lpar, master: &Master, report: &Report) {
        assert_eq!(report.outcome, self.outcome(), "{self:?}: {report:?}");
        assert_eq!(state(lpar), self.state(), "{self:?}");
        assert_eq!(std::fs::read_to_string(lpar.data()).unwrap(), OWN_DATA, "{self:?}");
        assert_eq!((lpar.get("token"), lpar.get("runs")), (String::new(), String::new()));
        assert_eq!(master.open_changes(), [], "{self:?}");
    }
}

#[test]
fn whatever_ends_it_before_geninstall_all_steps_of_prep_are_put_back() {
    for ends in Ends::ALL {
        let lpar = ends.lpar();
        let (master, report) = run_by(ends.master(), &lpar);
        ends.check(&lpar, &master, &report);
    }
}

#[test]
fn the_copy_is_made_behind_what_it_needs_and_before_all_the_rest() {
    let lpar = lpar();
    let script = std::fs::read_to_string(lpar.path("usr/sbin/alt_disk_copy")).unwrap();
    let files = prep::CHANGED.map(|name| format!("../{name}")).join(" ");
    let sees = format!(
        "echo \"$*\" >> copies\nfor f in {files}; do echo \"$f: $(cat $f)\"; done > seen\n"
    );
    let script = script.replacen("echo \"$*\" >> copies\n", &sees, 1);
    std::fs::write(lpar.path("usr/sbin/alt_disk_copy"), script).unwrap();
    let before = state(&lpar);
    run(&lpar, &with_prep());
    // What is not named here is as it was before.
    let needed = |(name, text): (&'static str, String)| match name {
        "state/te" => (name, "off\n".to_owned()),
        "etc/nscontrol.conf" => (name, text.replace("LDAP,files", "files")),
        // Somebody else's copy is out of the way.
        "state/lspv" => (name, text.replace("altinst_rootvg", "nimalt_00000001")),
        "state/copies" => (name, "-B -d hdisk3\n".to_owned()),
        _ => (name, text),
    };
    let seen = before.into_iter().map(needed);
    let seen: String =
        seen.map(|(name, text)| format!("../{name}: {}\n", text.trim_end())).collect();
    assert_eq!(lpar.get("seen"), seen);
}

#[cfg(feature = "crash-points")]
mod struck {
    use std::collections::BTreeSet;

    use super::*;
    use crate::master::{Session, push};
    use crate::process::Process;
    use crate::recovery::{LOG, at_each, has_crashed};

    /// What happens at a place.
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Strike {
        /// The process that comes there is killed.
        Kill,
        /// The LPAR is booted from the rootvg that it runs on: nothing of it lives on.
        Boot,
    }

    /// Runs an update; the first process that comes to `crash` is struck. How it ended, and the places that were passed.
    fn run(
        lpar: &Lpar,
        mut master: Master,
        strike: Strike,
        crash: &str,
    ) -> (Master, Report, Vec<String>) {
        push(lpar);
        let log = lpar.path(LOG);
        let log = log.to_str().unwrap();
        let variables = [("NIM_AGENT_CRASH", crash), ("NIM_AGENT_CRASH_LOG", log)];
        let mut session = Session::open(lpar, &variables);
        let mut report = master.follow_until(&mut session, || has_crashed(log, crash));
        drop(session);
        if strike == Strike::Boot && report.is_none() {
            let all: Vec<Process> =
                lpar.processes().into_iter().filter_map(Process::open).collect();
            all.iter().for_each(Process::kill);
            all.iter().for_each(Process::wait);
            lpar.set("boot", "   .        system boot Nov 12 10:20\n");
        }
        while report.is_none() {
            report = master.follow(&mut Session::open(lpar, &[]));
        }
        lpar.wait_for_supervisors(master.operation);
        let passed = std::fs::read_to_string(log).unwrap_or_default();
        (master, report.unwrap(), passed.lines().map(str::to_owned).collect())
    }

    #[test]
    fn wherever_the_agent_is_killed_when_prep_does_not_come_to_its_end_everything_is_put_back() {
        let (_, _, success) = run(&lpar(), Master::new(&with_prep()), Strike::Kill, "");
        // Not the one that nobody lets on: a successor waits anew, and its master may say `proceed` by then.
        for ends in [Ends::StepFails, Ends::CopyFails, Ends::Cancelled] {
            let (_, _, passed) = run(&ends.lpar(), ends.master(), Strike::Kill, "");
            // The places that a success passes first in the same order are another test's.
            let same = success.iter().zip(&passed).take_while(|(a, b)| a == b).count();
            assert!(passed.len() > same + 20, "{ends:?}: {same} of {}", passed.len());
            at_each(&passed, same, |point| {
                let lpar = ends.lpar();
                let (master, report, _) = run(&lpar, ends.master(), Strike::Kill, point);
                ends.check(&lpar, &master, &report);
            });
        }
    }

    #[test]
    fn wherever_the_lpar_is_booted_all_steps_of_prep_are_put_back() {
        let (_, _, passed) = run(&lpar(), Master::new(&with_prep()), Strike::Kill, "");
        // Each kind of place once: where the agent is killed is what tells places of one kind apart.
        let kinds: BTreeSet<String> = passed.into_iter().collect();
        let kinds: Vec<String> = kinds.into_iter().collect();
        assert!(kinds.len() > 15, "{kinds:?}");
        // How far a copy comes that a boot breaks off is its own affair.
        let settings = |lpar: &Lpar| {
            let mut state = state(lpar);
            state.retain(|(name, _)| !["state/lspv", "state/copies"].contains(name));
            state
        };
        let before = settings(&lpar());
        at_each(&kinds, 0, |point| {
            let lpar = lpar();
            let (master, report, _) = run(&lpar, Master::new(&with_prep()), Strike::Boot, point);
            assert_eq!(settings(&lpar), before, "{point}: {report:?}");
            assert!(lpar.get("lspv").contains("hdisk4 00f94f58c90ae059 altinst_rootvg"), "{point}");
            assert_eq!(std::fs::read_to_string(lpar.data()).unwrap(), OWN_DATA, "{point}");
            assert_eq!(lpar.get("token"), "", "{point}");
            assert_eq!(master.open_changes(), [], "{point}");
            assert!(lpar.get("runs").lines().count() <= 1, "{point}");
        });
    }
}
