//! 00xx: `nimd` does not start, or does not go on.

use super::super::Entry;
use super::super::Retry::{AfterRemedy, Later, NotNeeded};
use super::own;

pub(super) const ENTRIES: &[Entry] = &[
    own(
        "NLU-0001",
        "the data folder cannot be used",
        "The path that --data-dir gives cannot be made absolute; the cause below says why.",
        "Give --data-dir an absolute path.",
        AfterRemedy,
    ),
    own(
        "NLU-0002",
        "the settings cannot be read",
        "The file of the settings is not there although it was named, or may not be read.",
        "See owner and mode of the file (ls -l), or correct --config.",
        AfterRemedy,
    ),
    own(
        "NLU-0003",
        "the settings are not right",
        "The file has keys that do not exist, or values that cannot be meant; all of them are listed with their lines.",
        "Correct them; nimd check-config looks again, nimd config --defaults lists every key.",
        AfterRemedy,
    ),
    own(
        "NLU-0004",
        "the path of the socket is too long",
        "The system takes at most 107 bytes as the path of a Unix socket.",
        "Set socket.path to a shorter one, or use another --data-dir.",
        AfterRemedy,
    ),
    own(
        "NLU-0010",
        "the system refused something that nimd needs",
        "A folder, a file or a signal; the message names it, the cause says why.",
        "Put right what the cause says: a full file system, a missing permission.",
        AfterRemedy,
    ),
    own(
        "NLU-0011",
        "the private key of the master cannot be used",
        "The file is not there, is no private key, or others may read it.",
        "Do what the hint says; without it nimd makes a new key, which no LPAR knows.",
        AfterRemedy,
    ),
    own(
        "NLU-0012",
        "another program listens on the socket",
        "Another nimd runs, and answers at this path.",
        "Use the one that runs, or set socket.path for a second one.",
        AfterRemedy,
    ),
    own(
        "NLU-0013",
        "something that is no socket is in its place",
        "A file or a folder has the name that the socket is to have.",
        "See what it is (ls -l) and move it away.",
        AfterRemedy,
    ),
    own(
        "NLU-0014",
        "the socket cannot be made",
        "The system refuses to make it, or to give it its mode and group; the cause says why.",
        "See owner and mode of its folder, and socket.group and socket.mode of the settings.",
        AfterRemedy,
    ),
    own(
        "NLU-0015",
        "the group of the socket is not there",
        "socket.group of the settings names a group that this system does not know.",
        "Make it with groupadd --system, or correct socket.group.",
        AfterRemedy,
    ),
    own(
        "NLU-0016",
        "another nimd took over",
        "Another nimd was started on the same data folder, and goes on where this one was.",
        "Nothing, if that was meant; otherwise see who started it.",
        NotNeeded,
    ),
    own(
        "NLU-0017",
        "the engine ended by a fault",
        "A fault in nimd. What ran on LPARs goes on there; the next nimd takes it up.",
        "Start nimd again and report what its log says.",
        Later,
    ),
];
