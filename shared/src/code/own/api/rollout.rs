//! `nimd` refuses what is asked of a rollout.

use super::super::super::Entry;
use super::super::super::Retry::{AfterRemedy, Later};
use super::own;

pub(in super::super) const ENTRIES: &[Entry] = &[
    own(
        "NLU-0118",
        "that is neither a rollout nor an LPAR",
        "What waits for something is a rollout, or an LPAR that is updated.",
        "Name one: nimctl rollout list, nimctl list standalone.",
        AfterRemedy,
    ),
    own(
        "NLU-0136",
        "the rollout's plan is another one than was seen",
        "Its fingerprint stands for the file, the site and the time at which it begins; one of them is other than it was.",
        "Plan it again, look at it, and give the fingerprint of that plan, with the same --begin.",
        AfterRemedy,
    ),
    own(
        "NLU-0137",
        "a rollout of that name is under way",
        "Of one name one rollout runs at a time, so that a name says which is meant.",
        "See nimctl rollout status; or give the file another name.",
        AfterRemedy,
    ),
    own(
        "NLU-0142",
        "that makes no sense for the rollout now",
        "What was asked for does not fit the state that it is in, or who asks may not do it.",
        "nimctl rollout status says what it waits for.",
        AfterRemedy,
    ),
    own(
        "NLU-0143",
        "nobody would be updated",
        "The plan has no LPAR that takes part.",
        "nimctl rollout plan says who is left out and why.",
        AfterRemedy,
    ),
    own(
        "NLU-0149",
        "a rollout changes all the time",
        "Each time it was to be changed it had become another one meanwhile.",
        "Give the command again; nimctl rollout status shows what it is now.",
        Later,
    ),
    own(
        "NLU-0157",
        "a change of a rollout cannot be tried",
        "What --what-if is given is no list of KEY=VALUE that the planner knows.",
        "Correct it: max_in_flight, per_hmc, per_frame, per_vios_pair with a number, finish_by with a time.",
        AfterRemedy,
    ),
    own(
        "NLU-0158",
        "the file of a rollout has faults",
        "Each is named with its line; nothing was planned.",
        "Correct them all; schemas/rollout.schema.json has the form.",
        AfterRemedy,
    ),
    own(
        "NLU-0178",
        "the operation of a rollout cannot be asked for",
        "nimctl cust would refuse the same attributes, whatever the LPAR.",
        "Do what the faults say, such as defining the lpp_source.",
        AfterRemedy,
    ),
    own(
        "NLU-0225",
        "another ticket is needed",
        "The policy of the site says what is done with rollouts under a ticket only, or what a ticket looks like.",
        "Give it with --ticket; nimctl policy show has what is wanted.",
        AfterRemedy,
    ),
    own(
        "NLU-0226",
        "no lab runs so fast",
        "The speed of a lab is a number of times that it is faster than life.",
        "Give one from 1 to 100000.",
        AfterRemedy,
    ),
    own(
        "NLU-0227",
        "a rollout names what is not on record",
        "An LPAR or a group that is to be left out, or LPARs that are to be kept apart, are called otherwise: as the file stands, they would be updated, or together.",
        "Correct the names, or take out what is there no more; nimctl list standalone and nimctl list mac_group show them.",
        AfterRemedy,
    ),
    own(
        "NLU-0228",
        "a rollout cannot be rehearsed so",
        "A fault that was named is none by which updates fail, or is for an LPAR that the plan does not update; or the number of runs is none.",
        "Correct it: CODE, CODE=LPAR or CODE=5%, where the code may be unreachable or stuck too.",
        AfterRemedy,
    ),
    own(
        "NLU-0250",
        "a receiver cannot be told",
        "A rollout names receivers that the policy of the site does not have, whose secret is not set, or that get mail while nimd has no program for it.",
        "nimctl policy set and nimctl secret set; notify.mail in nimd's settings; nimctl notify tries a receiver.",
        AfterRemedy,
    ),
    own(
        "NLU-0251",
        "a receiver was not told",
        "A test message did not arrive: the causes say how far it came.",
        "Correct the receiver with nimctl policy set, or what stands between, and try again.",
        AfterRemedy,
    ),
];
