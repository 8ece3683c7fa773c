//! The table of the messages themselves. Sources: LU §3.1 (Live Update and checkpoint), §3.2 (tools), §3.3 (HMC).

use super::fixes::{AUTOFS, FILTERS, LIBRARIES};
use super::{Entry, Retry};
use crate::stage::Phase as P;

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        code: "1430-025",
        says: &[],
        title: "telling the applications failed",
        phases: &[P::Notify],
        cause: "A script registered for LVUP_CHECK returned an error; perhaps a process that takes part in reconfiguration refused.",
        remedy: "Read the 1430-134 line before it: it names the script and its exit status.",
        retry: Retry::AfterRemedy,
        ..Entry::PLAIN
    },
    Entry {
        code: "1430-030",
        says: &[],
        title: "moving the workload failed",
        phases: &[P::Move, P::Blackout],
        cause: "The workload could not be frozen on the original or started on the surrogate. It runs on the original again.",
        remedy: "Read the 1020 lines before it: the first one is the reason, later ones follow from it.",
        retry: Retry::AfterRemedy,
        ..Entry::PLAIN
    },
    Entry {
        code: "1430-045",
        says: &[],
        title: "the live update failed",
        phases: &[],
        cause: "The closing line of every failed run. The reason stands before it.",
        remedy: "Keep /var/adm/ras/liveupdate/logs. When the automatic clean-up did not finish, run clvupdate before the next attempt.",
        retry: Retry::SeeOthers,
        ..Entry::PLAIN
    },
    Entry {
        code: "1430-094",
        says: &[],
        title: "updated, but not everything is tidied up",
        phases: &[P::Transfer, P::Cleanup, P::Shutdown, P::Delete],
        cause: "The update is in effect; something after the move went wrong, such as a path that was lost again.",
        remedy: "Check lspath and run cfgmgr; look on the HMC for a partition NAME_lku0. Do not repeat the update.",
        retry: Retry::Never,
        ..Entry::PLAIN
    },
    Entry {
        code: "1430-134",
        says: &[],
        title: "a notification script failed",
        phases: &[P::Notify, P::Move, P::Blackout, P::Running],
        cause: "A script registered with lvupdateRegScript returned an error; exit status 127 means that it is not there.",
        remedy: "Repair the script or the service behind it. Unregister it (lvupdateRegScript -r) only when it is known to be stale.",
        retry: Retry::AfterRemedy,
        checks: &["S24", "S25"],
        ..Entry::PLAIN
    },
    Entry {
        code: "1430-134",
        says: &["/opt/triton/daemon-stop"],
        title: "the flash cache daemon could not be stopped",
        phases: &[P::Notify],
        cause: "pfcdaemon does not run, or takes minutes to start (seen on 7200-02-02).",
        remedy: "Run startsrc -s pfcdaemon and wait until it is active; if the software update itself delays it, update first and move afterwards.",
        retry: Retry::AfterRemedy,
        levels: "seen on 7200-02-02",
        checks: &["S23"],
        ..Entry::PLAIN
    },
    Entry {
        code: "1430-134",
        says: &["/usr/lpp/nfs/autofs/"],
        title: "a script of autofs is registered that is not there",
        phases: &[P::Notify],
        cause: "A stale registration of AUTOFS_UMOUNT (seen on 7200-02-02).",
        remedy: "lvupdateRegScript -r -n AUTOFS_UMOUNT -d orig -P LVUP_CHECK; or install the fix of this level.",
        retry: Retry::AfterRemedy,
        levels: "7200-01 to 7200-03",
        fixes: AUTOFS,
        checks: &["S25"],
    },
    Entry {
        code: "1430-143",
        says: &[],
        title: "auditing runs in stream mode",
        phases: &[P::Preview],
        cause: "Before 7300-03 Live Update does not move a system whose auditing runs in stream mode; later with audit_stream_check = yes.",
        remedy: "audit shutdown, then streammode = off in /etc/security/audit/config; or update to 7300-03 first.",
        retry: Retry::AfterRemedy,
        levels: "before 7300-03; later with audit_stream_check = yes",
        ..Entry::PLAIN
    },
    Entry {
        code: "1430-187",
        says: &[],
        title: "capacity on demand was not handed back",
        phases: &[P::Cleanup],
        cause: "Mobile resources of an Enterprise Pool could not be returned.",
        remedy: "Look at the pool on the HMC and return what is left there.",
        retry: Retry::NotNeeded,
        ..Entry::PLAIN
    },
    Entry {
        code: "1430-237",
        says: &[],
        title: "no management console is named",
        phases: &[P::Preview],
        cause: "lvupdate.data has no usable hmc: or pvc: stanza: it is missing, or perhaps its lines are not indented.",
        remedy: "Complete /var/adm/ras/liveupdate/lvupdate.data; every attribute line begins with a tab.",
        retry: Retry::AfterRemedy,
        ..Entry::PLAIN
    },
    Entry {
        code: "1430-244",
        says: &[],
        title: "a file system of an unsupported type is mounted",
        phases: &[P::Preview],
        cause: "Something else than jfs2 or NFS is mounted (autofs on NFS only from 7200-04).",
        remedy: "Unmount it for the update. On nodes of a cluster leave AHAFS mounted and ask its vendor.",
        retry: Retry::AfterRemedy,
        ..Entry::PLAIN
    },
    Entry {
        code: "1430-246",
        says: &[],
        title: "no valid authentication with the HMC",
        phases: &[P::Preview],
        cause: "The kernel has no token, it has expired (a reboot loses it), or its address or user differ from lvupdate.data.",
        remedy: "hmcauth -l shows the token; hmcauth -a HMC -u USER gets a new one. Both names must be those of the hmc: stanza.",
        retry: Retry::AfterRemedy,
        ..Entry::PLAIN
    },
    Entry {
        code: "1430-249",
        says: &[],
        title: "an error after the move",
        phases: &[P::Transfer, P::Cleanup, P::Shutdown, P::Delete],
        cause: "Comes with 1430-094: the update is in effect, tidying up failed.",
        remedy: "As for 1430-094: check paths and the HMC; do not repeat the update.",
        retry: Retry::Never,
        ..Entry::PLAIN
    },
    Entry {
        code: "1020-007",
        says: &[],
        title: "a system call of the checkpoint failed",
        phases: &[P::Blackout],
        cause: "The state of shared libraries could not be collected.",
        remedy: "Install the fix of this level, and read the lines around it: an error 52 names the library.",
        retry: Retry::AfterRemedy,
        levels: "7200-04-00 to 7200-04-02, 7200-05-00, 7200-05-01",
        fixes: LIBRARIES,
        checks: &["P06"],
    },
    Entry {
        code: "1020-007",
        says: &["MCR_GET_SHLIB_ASYNCINFO"],
        title: "shared libraries of other users are not released",
        phases: &[P::Blackout],
        cause: "The running kernel does not release shared libraries of users other than root; the log names the library (cke_buf).",
        remedy: "The fix must be in the running kernel: stop that workload and try again, or reboot once.",
        retry: Retry::AfterRemedy,
        levels: "7200-04-00 to 7200-04-02, 7200-05-00, 7200-05-01",
        fixes: LIBRARIES,
        checks: &["P06"],
    },
    Entry {
        code: "1020-089",
        says: &[],
        title: "internal error of the checkpoint",
        phases: &[P::Blackout],
        cause: "Follows from another error.",
        remedy: "Look for the first message before it.",
        retry: Retry::SeeOthers,
        ..Entry::PLAIN
    },
    Entry {
        code: "1020-154",
        says: &[],
        title: "an open device cannot be moved",
        phases: &[P::Blackout],
        cause: "A process holds a device that has no checkpoint support; the message names both. In one published case it misled: the connection to the HMC was lost.",
        remedy: "Run no lscfg, prtconf or the like during the move; check the link to the HMC (rmcdomainstatus -s ctrmc) and its logs.",
        retry: Retry::AfterRemedy,
        checks: &["M05"],
        ..Entry::PLAIN
    },
    Entry {
        code: "1020-311",
        says: &[],
        title: "a process has a file under /proc open",
        phases: &[P::Blackout],
        cause: "truss, a debugger or a monitor holds files under /proc; the kernel log says DENY Blocking entry: procfs open.",
        remedy: "Find it with lsof or fuser before the next attempt and stop it: nmon, lpar2rrd, truss, debuggers, agents.",
        retry: Retry::AfterRemedy,
        checks: &["S26"],
        ..Entry::PLAIN
    },
    Entry {
        code: "0973-006",
        says: &[],
        title: "the checkpoint cannot be restarted",
        phases: &[P::Blackout],
        cause: "Seen with active IPsec filters and bos.net.ipsec.rte 7.3.3.1, in the second and later live updates.",
        remedy: "Update to the level that repairs it, or unload the filters for the update.",
        retry: Retry::AfterRemedy,
        levels: "7300-03 with bos.net.ipsec.rte 7.3.3.1",
        fixes: FILTERS,
        checks: &["P09"],
    },
    Entry {
        code: "0503-409",
        says: &[],
        title: "the boot image is being verified",
        phases: &[P::Install],
        cause: "installp says what it does.",
        remedy: "Nothing to do.",
        retry: Retry::NotNeeded,
        ..Entry::PLAIN
    },
    Entry {
        code: "0503-497",
        says: &[],
        title: "the boot image cannot be built",
        phases: &[P::Install],
        cause: "Verification before the installation failed: a wrong bootlist, a wrong boot logical volume, or links of /unix.",
        remedy: "Repair that before any update: bootlist -m normal -o, bosboot -a.",
        retry: Retry::AfterRemedy,
        ..Entry::PLAIN
    },
    Entry {
        code: "0513-004",
        says: &[],
        title: "a subsystem is stopped already",
        phases: &[],
        cause: "stopsrc was asked to stop what does not run.",
        remedy: "Nothing to do.",
        retry: Retry::NotNeeded,
        ..Entry::PLAIN
    },
    Entry {
        code: "0513-029",
        says: &[],
        title: "a subsystem runs already",
        phases: &[],
        cause: "startsrc was asked to start what runs.",
        remedy: "Nothing to do.",
        retry: Retry::NotNeeded,
        ..Entry::PLAIN
    },
    Entry {
        code: "0513-044",
        says: &[],
        title: "a subsystem was asked to stop",
        phases: &[],
        cause: "stopsrc says what it did.",
        remedy: "Nothing to do.",
        retry: Retry::NotNeeded,
        ..Entry::PLAIN
    },
    Entry {
        code: "0513-059",
        says: &[],
        title: "a subsystem was started",
        phases: &[],
        cause: "startsrc says what it did.",
        remedy: "Nothing to do.",
        retry: Retry::NotNeeded,
        ..Entry::PLAIN
    },
    Entry {
        code: "0513-071",
        says: &[],
        title: "a subsystem was added",
        phases: &[],
        cause: "Reconfiguration of RSCT says what it did.",
        remedy: "Nothing to do.",
        retry: Retry::NotNeeded,
        ..Entry::PLAIN
    },
    Entry {
        code: "0513-085",
        says: &[],
        title: "a subsystem is not known",
        phases: &[],
        cause: "It is not installed, or not defined to the System Resource Controller.",
        remedy: "Nothing to do when it is not wanted; else install its fileset.",
        retry: Retry::NotNeeded,
        ..Entry::PLAIN
    },
    Entry {
        code: "2610-656",
        says: &[],
        title: "no information about a cluster",
        phases: &[],
        cause: "Comes while RSCT is reconfigured and has no cluster definition; harmless then.",
        remedy: "See whether rmcdomainstatus -s ctrmc shows the HMC afterwards.",
        retry: Retry::NotNeeded,
        ..Entry::PLAIN
    },
    Entry {
        code: "efix-locks",
        says: &["EFIX MANAGER LOCKS", "are locked by EFIX manager", "To remove the given EFIX"],
        title: "interim fixes lock filesets of the update",
        phases: &[P::Install],
        cause: "Filesets that would be updated carry interim fixes that installp does not remove by itself.",
        remedy: "emgr -P lists them; emgr -r -L LABEL removes each. Do not reboot in between. A fix removed before an update cannot be put back on the new level.",
        retry: Retry::AfterRemedy,
        ..Entry::PLAIN
    },
    Entry {
        code: "missing-apars",
        says: &["do not contain all the APARs"],
        title: "the update lacks APARs of installed interim fixes",
        phases: &[P::Install],
        cause: "The build date check found interim fixes whose APARs are not in the update, so it does not remove them.",
        remedy: "Use a later service pack that has them, or remove those fixes: emgr -P, then emgr -r -L LABEL.",
        retry: Retry::AfterRemedy,
        ..Entry::PLAIN
    },
    Entry {
        code: "install-failed",
        says: &[
            "will not proceed because of an install failure",
            "install_all_updates: Result = FAILURE",
        ],
        title: "the software was not installed, so the move did not begin",
        phases: &[P::Install],
        cause: "installp or emgr failed. The kernel is unchanged; some filesets may be updated.",
        remedy: "Read /var/adm/ras/install_all_updates.log and /var/adm/ras/emgr.log; lppchk -v shows what is incomplete.",
        retry: Retry::AfterRemedy,
        ..Entry::PLAIN
    },
    Entry {
        code: "higher-install-utilities",
        says: &["a higher level of install utilities is available"],
        title: "the media has newer install utilities",
        phases: &[P::Install],
        cause: "A preview cannot judge the rest before bos.rte.install is updated.",
        remedy: "Nothing to do for an update, which installs them first; a preview stays incomplete until then.",
        retry: Retry::NotNeeded,
        ..Entry::PLAIN
    },
    Entry {
        code: "nothing-to-install",
        says: &["is already at the same level as on the media"],
        title: "nothing to install",
        phases: &[P::Install],
        cause: "The software is at the level of the media already, or the media does not have what was asked for.",
        remedy: "Compare oslevel -s with the level of the media. To move to a new kernel without an update, run it without media.",
        retry: Retry::NotNeeded,
        ..Entry::PLAIN
    },
    Entry {
        code: "no-efix-data",
        says: &["There is no efix data on this system"],
        title: "no interim fix is installed",
        phases: &[],
        cause: "emgr has nothing to list.",
        remedy: "Nothing to do.",
        retry: Retry::NotNeeded,
        ..Entry::PLAIN
    },
    Entry {
        code: "trustchk-attribute",
        says: &["trustchk: Invalid attribute"],
        title: "trustchk does not know an attribute",
        phases: &[],
        cause: "This level of AIX does not have it; 7.2 has no sig_ver.",
        remedy: "Nothing to do.",
        retry: Retry::NotNeeded,
        ..Entry::PLAIN
    },
    Entry {
        code: "HSCL350B",
        says: &[],
        title: "the HMC user lacks authority",
        phases: &[P::Preview, P::Resources, P::Move, P::Blackout],
        cause: "The user may not read the Enterprise Pool, whereupon Live Update gives up that console. Also seen with a broken RMC link.",
        remedy: "Give the user the role hmcclientliveupdate with access to all managed systems; check rmcdomainstatus -s ctrmc.",
        retry: Retry::AfterRemedy,
        ..Entry::PLAIN
    },
    Entry {
        code: "PMCSS00G",
        says: &[],
        title: "the HMC refused user or password",
        phases: &[],
        cause: "hmcauth was given a wrong user or a wrong password.",
        remedy: "Correct the secret before anything else logs in with it: repeated failures lock the user on the HMC.",
        retry: Retry::AfterRemedy,
        ..Entry::PLAIN
    },
    Entry {
        code: "op-param-error",
        says: &["OperationError::OP_PARAM_ERROR"],
        title: "a query to the HMC failed",
        phases: &[],
        cause: "The dump of the managed system in the logs shows that the HMC did not answer the query.",
        remedy: "Look for the HSCL message near it.",
        retry: Retry::SeeOthers,
        ..Entry::PLAIN
    },
    Entry {
        code: "HSCL03EC",
        says: &[],
        title: "not enough memory or processors for the surrogate",
        phases: &[P::Resources, P::Boot],
        cause: "Probably the frame has too little free memory or processor capacity to activate the surrogate.",
        remedy: "Free capacity on the frame, use cpu_reduction or capacity on demand, or choose another time.",
        retry: Retry::Later,
        ..Entry::PLAIN
    },
    Entry {
        code: super::HMC,
        says: &[],
        title: "a message of the HMC",
        phases: &[],
        cause: "The HMC refused or failed to do something; its sentence says what.",
        remedy: "Read the sentence behind the number, and look the number up in the documentation of the HMC.",
        retry: Retry::SeeOthers,
        ..Entry::PLAIN
    },
];
