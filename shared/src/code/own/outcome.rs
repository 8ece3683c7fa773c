//! 016x and 017x: how an operation ended.

use super::super::Entry;
use super::super::Retry::{AfterRemedy, Later, SeeOthers};
use super::own;

pub(super) const ENTRIES: &[Entry] = &[
    own(
        "NLU-0160",
        "the live update did not happen, nothing was installed",
        "The LPAR is as it was before. The summary and the codes beside this one say why.",
        "Do what the other codes say (nimctl explain), then ask again.",
        SeeOthers,
    ),
    own(
        "NLU-0161",
        "the live update did not happen, a part is installed",
        "installp failed in the middle: some filesets are at the new level. The old kernel runs on.",
        "nimctl log shows what failed, lppchk -v on the LPAR what is incomplete; mend that first.",
        AfterRemedy,
    ),
    own(
        "NLU-0162",
        "the software is installed, the old kernel still runs",
        "The updates are on disk; the move to the surrogate failed, so that they are not live yet.",
        "When the cause is gone, or the workload that caused it is stopped, move only the kernel: nimctl retry --move-only OP. Or reboot the LPAR.",
        SeeOthers,
    ),
    own(
        "NLU-0163",
        "everything is installed, and what was to follow failed",
        "The software is installed, and live where a Live Update was asked for. A script after it did not succeed.",
        "Do what the other codes say; ask for the script alone then: nim -o cust -a script=NAME.",
        SeeOthers,
    ),
    own(
        "NLU-0164",
        "a script failed",
        "It ran on the LPAR and ended with another exit status than 0, or by a signal. Scripts after it were not run.",
        "nimctl log shows what it wrote. Mend its cause, then run it alone: nim -o cust -a script=NAME.",
        AfterRemedy,
    ),
    own(
        "NLU-0165",
        "a script did not end in time",
        "It was ended, with all that ran in its session, at the limit that nimd's setting agent.script names. Scripts after it were not run.",
        "nimctl log shows how far it came. Mend it, or raise agent.script; then run it alone: nim -o cust -a script=NAME.",
        AfterRemedy,
    ),
    own(
        "NLU-0166",
        "a script was not run",
        "It could not be started, such as for want of the program that its first line names; or the LPAR was rebooted before its turn.",
        "See the first line of the script, and the folder of the operation in /var/adm/nim-agent on the LPAR; then run it alone: nim -o cust -a script=NAME.",
        AfterRemedy,
    ),
    own(
        "NLU-0167",
        "it is not known how a script ended",
        "The agent's processes were killed while it ran. It is never run twice by itself. Scripts after it were not run.",
        "nimctl log shows what it wrote until then. See on the LPAR what it did; where it may run again: nim -o cust -a script=NAME.",
        AfterRemedy,
    ),
    own(
        "NLU-0168",
        "a hook did not succeed",
        "A hook of the site failed, could not be started, or was ended at its time limit. Declared to fail, it ends the operation; hooks after it were not run.",
        "nimctl log shows what it wrote. Mend its cause, then ask for the operation again.",
        AfterRemedy,
    ),
    own(
        "NLU-0169",
        "it is not known how a hook ended",
        "It was left out, or whoever ran it was killed meanwhile. It is never run twice for one operation.",
        "nimctl log shows what it wrote until then. See what it did; what is missing is to be done by hand.",
        AfterRemedy,
    ),
    own(
        "NLU-0170",
        "stuck: something could not be put back",
        "What was changed in preparation could not be restored on the LPAR.",
        "nimctl events says what it is; put it back by hand, then nimctl resolve.",
        AfterRemedy,
    ),
    own(
        "NLU-0171",
        "stuck: a clean-up is open",
        "A failed Live Update left its lock or its surrogate behind.",
        "On the LPAR run clvupdate; on the HMC look for a partition NAME_lku0; then nimctl resolve.",
        AfterRemedy,
    ),
    own(
        "NLU-0172",
        "stuck: the journal is lost",
        "The agent took the operation, and its folder on the LPAR no longer knows of it.",
        "oslevel -s, lspv and errpt -N LVUPDATE on the LPAR say whether the update happened; then nimctl resolve.",
        AfterRemedy,
    ),
    own(
        "NLU-0173",
        "stuck: the journal is damaged",
        "A record in the middle of the agent's journal on the LPAR cannot be read.",
        "See /var/adm/nim-agent, oslevel -s and errpt -N LVUPDATE on the LPAR; then nimctl resolve.",
        AfterRemedy,
    ),
    own(
        "NLU-0174",
        "stuck: it took longer than it may",
        "A deadline passed and the LPAR does not say what became of the operation.",
        "nimctl agent status and the HMC show whether it lives. When it speaks again the operation goes on by itself.",
        Later,
    ),
    own(
        "NLU-0175",
        "stuck: the evidence contradicts itself",
        "Level, disks and error log of the LPAR do not tell the same story.",
        "oslevel -s, lspv, bootlist -m normal -o and errpt -N LVUPDATE on the LPAR; then nimctl resolve.",
        AfterRemedy,
    ),
    own(
        "NLU-0176",
        "stuck: another machine answers",
        "Serial number, partition name or installation differ from the LPAR that took the operation.",
        "nimctl agent status says who answers; correct address or attributes of the object.",
        AfterRemedy,
    ),
];
