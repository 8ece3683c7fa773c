//! The error log: what it says about Live Update.

use std::fmt;

use super::{Listing, Row, listing};

/// One line of `errpt`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorEntry {
    /// Eight hexadecimal digits that name the kind of entry.
    pub identifier: String,
    /// When it was written.
    pub at: LogTime,
    /// `I` information, `T` temporary, `P` permanent and others.
    pub kind: char,
    /// `S` software, `H` hardware, `O` operator.
    pub class: char,
    /// Who wrote it, such as `LVUPDATE`.
    pub resource: String,
    /// A sentence.
    pub description: String,
}

/// A minute on the wall clock of the LPAR, which is all that `errpt` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogTime {
    year: u16,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
}

impl fmt::Display for LogTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { year, month, day, hour, minute } = self;
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}")
    }
}

/// `errpt`, also with `-N LVUPDATE`: newest first. Source: LU §2.8, §5.4.
#[must_use]
pub fn errpt(text: &str) -> Listing<ErrorEntry> {
    listing(text, |line| {
        if line.starts_with("IDENTIFIER ") {
            return Row::Skip;
        }
        entry(line).into()
    })
}

/// What the error log says about the last Live Update.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveUpdateLog {
    /// It was completed.
    Completed(LogTime),
    /// It was started, and no completion was logged since.
    Started(LogTime),
    /// There was none, or its entries are gone.
    Nothing,
}

impl LiveUpdateLog {
    /// Looks for the newest entry. The order of the lines decides: the times have no seconds, and a clock may step.
    #[must_use]
    pub fn of(newest_first: &[ErrorEntry]) -> Self {
        let found = newest_first.iter().find_map(|entry| match entry.identifier.as_str() {
            COMPLETED => Some(Self::Completed(entry.at)),
            STARTED => Some(Self::Started(entry.at)),
            _ => None,
        });
        found.unwrap_or(Self::Nothing)
    }
}

/// `Live AIX update started`. Source: LU §2.8.
const STARTED: &str = "9A74C7AB";
/// `Live AIX update completed successfully`. Source: LU §2.8.
const COMPLETED: &str = "12295E0B";

fn entry(line: &str) -> Option<ErrorEntry> {
    let mut words = line.split_whitespace();
    let identifier =
        words.next().filter(|id| id.len() == 8 && id.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let at = time(words.next()?)?;
    let letter =
        |word: &str| word.chars().next().filter(|c| word.len() == 1 && c.is_ascii_alphabetic());
    let (kind, class) = (letter(words.next()?)?, letter(words.next()?)?);
    let resource = words.next()?.to_owned();
    let description = words.collect::<Vec<_>>().join(" ");
    Some(ErrorEntry {
        identifier: identifier.to_ascii_uppercase(),
        at,
        kind,
        class,
        resource,
        description,
    })
}

/// `MMDDhhmmYY`.
fn time(text: &str) -> Option<LogTime> {
    if text.len() != 10 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |at: usize| text[at..at + 2].parse::<u8>().ok();
    let (month, day, hour, minute) = (number(0)?, number(2)?, number(4)?, number(6)?);
    let fits = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60;
    fits.then_some(LogTime { year: 2000 + u16::from(number(8)?), month, day, hour, minute })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AIX wiki, after an update from 7200-05-03 to 7200-05-04.
    const SAMPLE: &str = "\
IDENTIFIER TIMESTAMP  T C RESOURCE_NAME  DESCRIPTION
12295E0B   0207154623 I S LVUPDATE       Live AIX update completed successfully
CB4A951F   0207154223 I S SRC            SOFTWARE PROGRAM ERROR
9DBCFDEE   0207154223 T O errdemon       ERROR LOGGING TURNED ON
9A74C7AB   0207152323 I S LVUPDATE       Live AIX update started
";

    #[test]
    fn entries_are_read_and_the_newest_about_live_update_decides() {
        let all = errpt(SAMPLE);
        assert_eq!((all.rows.len(), all.unread.len()), (4, 0));
        assert_eq!(all.rows[2].resource, "errdemon");
        assert_eq!(all.rows[1].description, "SOFTWARE PROGRAM ERROR");
        let LiveUpdateLog::Completed(at) = LiveUpdateLog::of(&all.rows) else {
            panic!("not completed")
        };
        assert_eq!(at.to_string(), "2023-02-07T15:46");
        let LiveUpdateLog::Started(at) = LiveUpdateLog::of(&all.rows[1..]) else {
            panic!("not started")
        };
        assert_eq!(at.to_string(), "2023-02-07T15:23");
        assert_eq!(LiveUpdateLog::of(&[]), LiveUpdateLog::Nothing);
    }

    #[test]
    fn what_is_no_entry_is_kept_apart() {
        for line in [
            "12295E0B 1307154623 I S LVUPDATE x",
            "12295E0B 02071546 I S LVUPDATE x",
            "nothing",
            "12295E0B 0207154623 IS S LVUPDATE x",
        ] {
            assert_eq!((errpt(line).rows.len(), errpt(line).unread.len()), (0, 1), "{line}");
        }
    }
}
