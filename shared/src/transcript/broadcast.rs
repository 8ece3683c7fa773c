//! Broadcasts (`wall`) between the lines of a captured terminal: they are no part of what geninstall prints.
//!
//! Live Update announces its start and its end to every terminal, and anybody else may write in between. A
//! broadcast proves nothing about the update, so it is left out, body included: a colleague who writes
//! "the live update operation succeeded" into a broadcast must not end an operation.
//! Source: `Broadcast message from root@aix721534A (pts/0) at 09:28:43 ...` (LU §2.8).

use super::prefix::Stripped;

/// Lines of a body. A longer one is taken for something else, lest it swallow the rest of a transcript.
const MAX_BODY: usize = 20;

/// Where the text stands with respect to a broadcast.
#[derive(Debug, Default)]
pub(super) enum Filter {
    /// Outside.
    #[default]
    Outside,
    /// In the header, which a narrow terminal may have wrapped.
    Header,
    /// Behind the header; the body has not begun.
    BeforeBody,
    /// In the body, so many lines of it seen.
    Body(usize),
}

impl Filter {
    /// Whether this line belongs to a broadcast and is to be left out.
    pub(super) fn takes(&mut self, line: &Stripped<'_>) -> bool {
        let text = line.text.trim();
        if text.starts_with("Broadcast message from ") {
            *self = if header_ends(text) { Self::BeforeBody } else { Self::Header };
            return true;
        }
        match self {
            Self::Outside => false,
            Self::Header if !text.is_empty() => {
                let ends = header_ends(text) || line.is_only_dots();
                *self = if ends { Self::BeforeBody } else { Self::Outside };
                ends
            }
            Self::Header => {
                *self = Self::BeforeBody;
                true
            }
            Self::BeforeBody if line.is_only_dots() || line.has_stamp() => self.ends(),
            Self::BeforeBody if text.is_empty() => true,
            Self::BeforeBody if OWN.contains(&text) => {
                *self = Self::Outside;
                true
            }
            Self::BeforeBody => {
                *self = Self::Body(1);
                true
            }
            Self::Body(_) if text.is_empty() || line.has_stamp() => self.ends(),
            Self::Body(lines) if *lines >= MAX_BODY => self.ends(),
            Self::Body(lines) => {
                *lines += 1;
                true
            }
        }
    }

    fn ends(&mut self) -> bool {
        *self = Self::Outside;
        false
    }
}

/// What Live Update itself broadcasts: one line each, with whatever behind them.
const OWN: [&str; 2] = ["Live AIX update in progress.", "Live AIX update completed."];

fn header_ends(text: &str) -> bool {
    text.ends_with("...")
}
