//! What is on the wire. A frame that was sent may arrive at any later time, any number of times, in any order, or never.

use crate::agent::{Kind, Record};

/// One acquisition of an operation by a master. `serial` counts them all, and never falls back with the database: the model
/// judges by it, the parts of the system cannot see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Claim {
    pub(crate) fence: u8,
    pub(crate) serial: u8,
}

/// A place in a line of history: after `seq` records, whose chained hash is `hash`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) epoch: u8,
    pub(crate) seq: u8,
    pub(crate) hash: u32,
}

/// A frame on its way, with the operation that it is about and the claim under which its session was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Message {
    pub(crate) operation: usize,
    pub(crate) claim: Claim,
    pub(crate) frame: Frame,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Frame {
    // From a master.
    Start,
    Attach(Position),
    Proceed,
    Cancel,
    Forget,
    // From the agent.
    Taken,
    Tombstoned,
    Busy,
    /// A record with its place: that after it was appended.
    Event(Record, Position),
}

impl Frame {
    pub(crate) fn is_for_agent(self) -> bool {
        match self {
            Self::Start | Self::Attach(_) | Self::Proceed | Self::Cancel | Self::Forget => true,
            Self::Taken | Self::Tombstoned | Self::Busy | Self::Event(..) => false,
        }
    }
}

/// The place after `records` in `epoch`: each hash covers the record and the hash before it.
pub(crate) fn position(epoch: u8, records: &[Record]) -> Position {
    let hash = records.iter().fold(0, |hash, record| chain(hash, *record));
    let seq = u8::try_from(records.len()).expect("a journal of the model is short");
    Position { epoch, seq, hash }
}

/// The hash after `record`.
pub(crate) fn chain(before: u32, record: Record) -> u32 {
    let kind = match record.kind {
        Kind::Taken => 1,
        Kind::Ready => 2,
        Kind::Begun => 3,
        Kind::Reopened => 4,
        Kind::Finished(outcome) => 5 + outcome as u32,
    };
    (before ^ (kind << 8 | u32::from(record.boot))).wrapping_mul(0x0100_0193).wrapping_add(1)
}
