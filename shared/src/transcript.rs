//! What `geninstall -k` prints, understood line by line.
//!
//! The text is all that a running Live Update tells, and it comes in two styles: 7.2 prints dots while it works,
//! 7.3 prints time stamps. It reaches us through terminals that wrap it, colleagues whose broadcasts stand in its
//! middle, connections that stop anywhere, and documents that set its quotes in type. None of that changes what
//! the reader makes of it. What it does not know it passes over; what it gets may be hostile, so it has limits.
//!
//! The text proposes, the LPAR decides: whoever acts on an [`Ending`] looks at the LPAR as well (LU §6.4).

mod broadcast;
mod event;
mod line;
mod local_time;
mod message;
mod outcome;
mod prefix;
mod reader;
mod sentence;
mod understanding;

pub use event::{
    CappedKind, Check, CodeMention, Device, Estimate, Event, Install, SizeKind, Step, What,
};
pub use local_time::{BadLocalTime, LocalTime};
pub use outcome::{Ending, Outcome};
pub use reader::{MAX_EVENTS, Reader};
pub use understanding::{CheckLine, Omitted, PhaseSpan, Understanding, explain};

pub use crate::frame::Verdict;

#[cfg(test)]
mod tests;
