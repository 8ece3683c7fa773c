//! 05xx: `nimctl` itself.

use super::super::Entry;
use super::super::Retry::{AfterRemedy, Later, NotNeeded};
use super::own;

pub(super) const ENTRIES: &[Entry] = &[
    own(
        "NLU-0501",
        "nimd cannot be reached",
        "Nothing listens on the socket, it is not there, or you may not use it.",
        "See whether nimd runs; --server or NIMD_SERVER say where, mode and group of the socket who may.",
        AfterRemedy,
    ),
    own(
        "NLU-0502",
        "nimd went away",
        "The connection ended before the answer was there.",
        "Ask again; what was accepted before goes on: nimctl status.",
        Later,
    ),
    own(
        "NLU-0503",
        "nimd does not answer",
        "No answer came within the time limit.",
        "Ask again later; nimctl server shows whether it answers at all.",
        Later,
    ),
    own(
        "NLU-0504",
        "the answer is not understood",
        "Another program listens there, or a nimd of another release.",
        "See nimctl --version, and nimctl server.",
        AfterRemedy,
    ),
    own(
        "NLU-0505",
        "this cannot be asked for",
        "Values on the command line do not go together; all faults are listed.",
        "Correct them; --help lists what there is.",
        AfterRemedy,
    ),
    own(
        "NLU-0506",
        "nobody can be asked",
        "A question has to be answered, and there is no terminal.",
        "Give --yes when you know what will be changed.",
        AfterRemedy,
    ),
    own(
        "NLU-0507",
        "not confirmed",
        "The answer to the question was no. Nothing was changed.",
        "Nothing has to be done.",
        NotNeeded,
    ),
    own(
        "NLU-0508",
        "a file cannot be used",
        "A file that the command line names cannot be read or written; the cause says why.",
        "Correct its name, or its owner and mode.",
        AfterRemedy,
    ),
    own(
        "NLU-0509",
        "no operation is meant",
        "No id begins like this, and no LPAR of this name had an operation.",
        "nimctl status --all lists them.",
        AfterRemedy,
    ),
    own(
        "NLU-0510",
        "several operations may be meant",
        "Several ids begin like this.",
        "Type more of it.",
        AfterRemedy,
    ),
    own(
        "NLU-0511",
        "the output cannot be written",
        "The file system is full, or the terminal is gone.",
        "See the cause.",
        AfterRemedy,
    ),
    own(
        "NLU-0512",
        "the output has no such form",
        "A value cannot be written in this format.",
        "Report it; another --output works meanwhile.",
        AfterRemedy,
    ),
    own(
        "NLU-0513",
        "no object matches",
        "A name with * or ? stands for nothing that there is.",
        "nimctl list shows all.",
        AfterRemedy,
    ),
    own(
        "NLU-0514",
        "neither a file nor a code",
        "Nothing of this name is there to be explained.",
        "A code is such as 1430-030, HSCL350B or NLU-0201; - reads standard input.",
        AfterRemedy,
    ),
    own(
        "NLU-0515",
        "Ctrl-C cannot be listened for",
        "The system refuses to tell of it, and following an operation needs that.",
        "See the cause; --detach does without.",
        AfterRemedy,
    ),
];
