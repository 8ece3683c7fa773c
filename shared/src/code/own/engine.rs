//! 04xx: the session with an agent.

use super::super::Entry;
use super::super::Retry::{AfterRemedy, Later, NotNeeded, SeeOthers};
use super::own;

pub(super) const ENTRIES: &[Entry] = &[
    own(
        "NLU-0401",
        "it is not known how an LPAR is reached",
        "Its attributes lead to no host, or a host key on record cannot be read.",
        "Do what the cause says, with nimctl change or nimctl hostkey.",
        AfterRemedy,
    ),
    own(
        "NLU-0402",
        "the agent does not run",
        "The command of the agent ended at once; the message has its exit status and its words.",
        "nimctl agent status shows more; nimctl agent bundle installs the agent anew.",
        SeeOthers,
    ),
    own(
        "NLU-0403",
        "what an agent says is not understood",
        "A message of it breaks the rules: another program answers, a release that is too far from ours, or a journal that was changed on the LPAR. What was stored before stays.",
        "nimctl agent status shows its version; nimctl agent bundle installs ours. The journal lies in /var/adm/nim-agent/operations on the LPAR.",
        AfterRemedy,
    ),
    own(
        "NLU-0404",
        "an agent does not answer",
        "The connection is there, its greeting is not.",
        "See the load of the LPAR.",
        Later,
    ),
    own(
        "NLU-0405",
        "a session was given up",
        "This master may not command just now, another connection answered first, or a person has to decide.",
        "Nothing: whoever may goes on.",
        NotNeeded,
    ),
    own(
        "NLU-0406",
        "an agent refuses to start an operation",
        "The message has its reason, such as another operation that it still has, or a level that it does not support.",
        "Do what the reason says, then ask again.",
        AfterRemedy,
    ),
    own(
        "NLU-0407",
        "files cannot be sent to an LPAR",
        "The lpp_source is gone or cannot be read, or the LPAR does not take it, such as for want of space.",
        "Do what the message says: nimctl show of the lpp_source, df on the LPAR.",
        AfterRemedy,
    ),
];
