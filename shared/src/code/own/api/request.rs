//! `nimd` refuses a request whatever it is about.

use super::super::super::Entry;
use super::super::super::Retry::{AfterRemedy, Later, SeeOthers};
use super::RELEASES;
use super::own;

pub(in super::super) const ENTRIES: &[Entry] = &[
    own(
        "NLU-0101",
        "no such path in the API",
        "A path was asked for that this nimd does not have.",
        RELEASES,
        AfterRemedy,
    ),
    own(
        "NLU-0102",
        "no such method at this path",
        "The path is there, and does not take this method.",
        RELEASES,
        AfterRemedy,
    ),
    own(
        "NLU-0103",
        "the request is too large",
        "Its body is larger than api.body of the settings allows.",
        "Send less at a time, such as a part of the fleet, or raise api.body.",
        AfterRemedy,
    ),
    own(
        "NLU-0104",
        "the request did not arrive",
        "The connection ended before the whole of its body was there. Nothing was done.",
        "Send it again.",
        Later,
    ),
    own(
        "NLU-0105",
        "the request cannot be read",
        "Its body is not what this path takes; the cause names the place.",
        RELEASES,
        AfterRemedy,
    ),
    own(
        "NLU-0106",
        "a name in the path cannot be one",
        "What stands in the place of a name or an id has not the form of one.",
        "Correct the name: letters, digits and underscores, at most 39.",
        AfterRemedy,
    ),
    own(
        "NLU-0107",
        "the query cannot be read",
        "A parameter is unknown, doubled, or has a value that it cannot have.",
        RELEASES,
        AfterRemedy,
    ),
    own(
        "NLU-0108",
        "it is not known who asks",
        "The kernel does not tell the user at the other end of the socket, and no change is made without recording who made it.",
        "Use the socket from the master itself, not through a relay.",
        AfterRemedy,
    ),
    own(
        "NLU-0109",
        "the request took too long",
        "It was not done within api.request of the settings: the database or a host is slow.",
        "Look whether it was done before you send it again; see the load of the database.",
        Later,
    ),
    own(
        "NLU-0126",
        "a selection cannot be understood",
        "Labels, fields, order and columns have a language each; what is wrong stands below, with its place.",
        "See nimctl list --help.",
        AfterRemedy,
    ),
    own(
        "NLU-0128",
        "nimd ended before a list did",
        "It was stopped while it sent the list.",
        "Ask again once nimd is back.",
        Later,
    ),
    own(
        "NLU-0133",
        "too many are watching or listing",
        "As many watch, or read lists, as api.watchers of the settings allows.",
        "End some of them, or raise api.watchers.",
        Later,
    ),
    own(
        "NLU-0134",
        "this cannot be watched",
        "Watching takes a batch, or a limited number of operations.",
        "Watch a batch: nimctl watch --batch.",
        AfterRemedy,
    ),
    own(
        "NLU-0135",
        "the place in the stream is not known",
        "A watcher came back with the id of a message of another stream.",
        "Watch anew, without Last-Event-ID.",
        AfterRemedy,
    ),
    own(
        "NLU-0199",
        "a fault in nimd",
        "Something that cannot happen did. What ran on LPARs goes on.",
        "Report what its log says.",
        SeeOthers,
    ),
];
