//! The published pitfalls, by number, with the log lines by which some of them are known. Sources: LU §4.5, §4.6, §2.8 (log lines).
//!
//! Those that have a message of Live Update are told by that; what stands here is the whole of it: what one does before, what bites,
//! and how to get out.

use super::fixes::{AUTOFS, LIBRARIES, LICENCES};
use super::{Entry, Retry};
use crate::stage::Phase as P;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "pitfall-1",
        says: &["procfs open"],
        title: "the kernel denied the freeze: a file under /proc is open",
        phases: &[P::Move, P::Blackout],
        cause: "truss, a debugger or a monitor holds files under /proc; one process is enough to keep the whole LPAR from being frozen (1020-311).",
        remedy: "Find it before the next attempt (fuser -c /proc) and stop it for the update.",
        retry: Retry::AfterRemedy,
        checks: &["S26"],
        ..Entry::PLAIN
    },
    Entry {
        code: "pitfall-2",
        title: "the Workload Manager is active",
        phases: &[P::Move],
        cause: "WLM runs, or rcnetwlm stands in /etc/inittab: the move fails.",
        remedy: "wlmcntrl -o, and take rcnetwlm out of /etc/inittab for the update.",
        retry: Retry::AfterRemedy,
        checks: &["S22"],
        ..Entry::PLAIN
    },
    Entry {
        code: "pitfall-3",
        title: "the flash cache daemon is slow to start, or stopped",
        phases: &[P::Notify],
        cause: "The registered script /opt/triton/daemon-stop fails (1430-134) when pfcdaemon does not run; after an update it takes minutes to start.",
        remedy: "Update first without Live Update, run startsrc -s pfcdaemon, wait until it is active, and move the kernel then.",
        retry: Retry::AfterRemedy,
        levels: "seen on 7200-02-02",
        checks: &["S23"],
        ..Entry::PLAIN
    },
    Entry {
        code: "pitfall-4",
        title: "licences are not agreed to through IBM's NIM master",
        phases: &[P::Preview],
        cause: "NIM's client method leaves out -Y, so that the preview stops at licences.",
        remedy: "Agree to licences with the order, or install the fix of this level on that NIM master.",
        retry: Retry::AfterRemedy,
        levels: "7200-01 to 7200-03",
        fixes: LICENCES,
        checks: &["S38"],
        ..Entry::PLAIN
    },
    Entry {
        code: "pitfall-5",
        title: "a script of autofs is registered that is not there",
        phases: &[P::Notify],
        cause: "The registration AUTOFS_UMOUNT names a script that is gone: exit status 127 (1430-134), then 1430-025.",
        remedy: "lvupdateRegScript -r -n AUTOFS_UMOUNT -d orig -P LVUP_CHECK, or install the fix of this level.",
        retry: Retry::AfterRemedy,
        levels: "7200-01 to 7200-03",
        fixes: AUTOFS,
        checks: &["S25"],
        ..Entry::PLAIN
    },
    Entry {
        code: "pitfall-6",
        says: &["cke_buf /"],
        title: "the kernel keeps shared libraries of users other than root",
        phases: &[P::Blackout],
        cause: "The running kernel does not release them, so that the checkpoint fails (1020-007, errors 50 and 52); cke_buf names the library.",
        remedy: "The fix must be in the running kernel, so it cannot come by Live Update: stop that workload and move again, or reboot once.",
        retry: Retry::AfterRemedy,
        levels: "7200-04-00 to 7200-04-02, 7200-05-00, 7200-05-01",
        fixes: LIBRARIES,
        checks: &["P06"],
    },
    Entry {
        code: "pitfall-7",
        title: "domainname fails where there is no NIS domain",
        phases: &[P::Notify],
        cause: "A registered script calls domainname, which returns an error without a NIS domain. That it bites in this phase is a supposition.",
        remedy: "Remove the fileset that is not needed, or have the call return 0.",
        retry: Retry::AfterRemedy,
        checks: &["S24"],
        ..Entry::PLAIN
    },
    Entry {
        code: "pitfall-8",
        says: &["No valid management console", "no valid management console"],
        title: "the connection to the HMC was lost during the run",
        phases: &[P::Move, P::Blackout],
        cause: "Live Update gave up its console. The messages mislead: 1020-154 and 1020-089 speak of devices.",
        remedy: "Repair RSCT (rmcdomainstatus -s ctrmc) and the role of the HMC user, fetch a new token, and try again.",
        retry: Retry::AfterRemedy,
        checks: &["M05", "M08"],
        ..Entry::PLAIN
    },
];
