//! What the commands of AIX print, as values. Pure text to types; whoever runs the commands does so with `LC_ALL=C`.
//!
//! A listing is read line by line: what is no row is kept beside the rows, never dropped in silence, because a row that
//! could not be read may be the one that matters. Shapes of the outputs: LU §5.

mod device;
mod disk;
mod errpt;
mod partition;
mod service;
mod software;
mod stanza;
mod storage;

pub use device::{
    Device, GroupState, LogicalVolume, Mounted, lsdev_fields, lsvg, lsvg_l, mount, tunable,
};
pub use disk::{
    BootDevice, DiskPath, FileSystem, GroupDisk, VolumeGroup, bootlist, df, disk_size, lspath,
    lspath_fields, lspv, lsvg_p, path_counts,
};
pub use errpt::{ErrorEntry, LiveUpdateLog, LogTime, errpt};
pub use partition::{Lparstat, Partition, Token, hmcauth, lparstat, uname_l};
pub use service::{
    ControlPoint, NotifiedScript, Process, Subsystem, Wpar, fuser, lssrc, lswpar, lvupdate_scripts,
    ps, rmcdomainstatus, trustchk,
};
pub use software::{
    Fileset, FilesetState, InterimFix, Lock, Outdated, emgr_l, emgr_p, fileset_of, genld, lslpp_l,
    lslpp_q, lu_capable, oslevel,
};
pub use stanza::{stanza_value, stanzas, with_stanza_value};
pub use storage::{PagingSpace, lsmpio_q, lsps_a, lspv_u, sysdumpdev_l};

use crate::id::printable;

/// The rows of an output, and the lines that are none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing<T> {
    /// The rows in order.
    pub rows: Vec<T>,
    /// Lines that are neither a row nor a heading nor blank: the first [`MAX_UNREAD`].
    pub unread: Vec<Unread>,
    /// How many rows and lines were left out, because there were more than [`MAX_ROWS`] or [`MAX_UNREAD`].
    pub omitted: usize,
}

/// Most rows of one output that are kept.
pub const MAX_ROWS: usize = 20_000;

/// Most unread lines of one output that are kept.
pub const MAX_UNREAD: usize = 50;

/// A line that is no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unread {
    /// Its number, from 1.
    pub line: usize,
    /// Its text, without control characters, at most 200 characters.
    pub text: String,
}

/// An output that holds no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{command} printed no {wanted}: \"{found}\"")]
pub struct Unreadable {
    /// The command.
    pub command: &'static str,
    /// What it should have printed.
    pub wanted: &'static str,
    /// What it printed: the first line that is not blank, shortened.
    pub found: String,
}

/// What a line is.
enum Row<T> {
    Is(T),
    /// A heading, a rule, a legend, nothing.
    Skip,
    /// Nothing that is known.
    Other,
}

impl<T> From<Option<T>> for Row<T> {
    fn from(row: Option<T>) -> Self {
        row.map_or(Self::Other, Self::Is)
    }
}

/// Reads line by line. `read` gets lines without white space at their end, blank ones not at all.
fn listing<'a, T>(text: &'a str, mut read: impl FnMut(&'a str) -> Row<T>) -> Listing<T> {
    let mut all = Listing { rows: Vec::new(), unread: Vec::new(), omitted: 0 };
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_end();
        if line.is_empty() {
            continue;
        }
        match read(line) {
            Row::Is(row) if all.rows.len() < MAX_ROWS => all.rows.push(row),
            Row::Skip => {}
            Row::Other if all.unread.len() < MAX_UNREAD => {
                all.unread.push(Unread { line: at + 1, text: shortened(line) });
            }
            Row::Is(_) | Row::Other => all.omitted = all.omitted.saturating_add(1),
        }
    }
    all
}

fn unreadable(command: &'static str, wanted: &'static str, text: &str) -> Unreadable {
    let found = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    Unreadable { command, wanted, found: shortened(found) }
}

fn shortened(text: &str) -> String {
    printable(&text.chars().take(200).collect::<String>())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_flood_of_rows_or_of_rubbish_is_bounded_and_counted() {
        let rows = "Proc_pid: 1 Proc_name: x\n".repeat(MAX_ROWS + 7);
        let all = genld(&rows);
        assert_eq!((all.rows.len(), all.omitted), (MAX_ROWS, 7));
        let all = genld(&"rubbish\n".repeat(MAX_UNREAD + 3));
        assert_eq!((all.unread.len(), all.omitted), (MAX_UNREAD, 3));
    }

    #[test]
    fn an_output_without_answer_is_quoted_in_its_error() {
        let error = oslevel("\nksh: oslevel:  not found.\u{7}\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "oslevel -s printed no level: \"ksh: oslevel:  not found.\u{fffd}\""
        );
    }

    proptest! {
        #[test]
        fn no_text_panics_any_parser(text in "([ -~\t\nä:=*]|hdisk1 |rootvg:\n|none |Enabled |PV_NAME|=== |ID|12295E0B |\\* |%|Address: |TTL: 1:2:3|STATE codes){0,120}") {
            let counted = [
                lspv(&text).rows.len(),
                lspath(&text).rows.len(),
                lspath_fields(&text).rows.len(),
                bootlist(&text).rows.len(),
                lsvg_p(&text).disks.rows.len(),
                df(&text).rows.len(),
                emgr_l(&text).rows.len(),
                emgr_p(&text).rows.len(),
                lslpp_q(&text).rows.len(),
                lslpp_l(&text).rows.len(),
                genld(&text).rows.len(),
                hmcauth(&text).rows.len(),
                errpt(&text).rows.len(),
                lsdev_fields(&text).rows.len(),
                lsvg_l(&text).rows.len(),
                mount(&text).rows.len(),
                lssrc(&text).rows.len(),
                rmcdomainstatus(&text).rows.len(),
                trustchk(&text).len(),
                lvupdate_scripts(&text).rows.len(),
                ps(&text).rows.len(),
                lswpar(&text).rows.len(),
                usize::from(lsvg(&text).is_ok()),
                usize::from(tunable(&text).is_ok()),
                fuser(&text).unread.len(),
                usize::from(oslevel(&text).is_ok()),
                usize::from(uname_l(&text).is_ok()),
                usize::from(disk_size(&text).is_ok()),
                usize::from(lparstat(&text).partition_name().is_some()),
            ];
            prop_assert!(counted.iter().all(|rows| *rows <= text.lines().count()));
        }
    }
}
