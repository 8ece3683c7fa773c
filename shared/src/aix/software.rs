//! Levels, filesets, interim fixes, and processes that still use what was replaced.

use super::{Listing, Row, Unreadable, listing, unreadable};
use crate::level::{FilesetLevel, Level};

/// `oslevel -s`. Source: LU §5.2.
///
/// # Errors
/// [`Unreadable`] when it is no level.
pub fn oslevel(text: &str) -> Result<Level, Unreadable> {
    text.trim().parse().map_err(|_| unreadable("oslevel -s", "level", text))
}

/// An interim fix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterimFix {
    /// Its number in the list.
    pub id: u32,
    /// Its state without the stars around it: `S`, `Q`, `ST` and others.
    pub state: String,
    /// Its label.
    pub label: String,
    /// When it was installed, as printed.
    pub installed_at: String,
    /// The update that replaced it.
    pub updated_by: Option<String>,
    /// What it is about.
    pub subject: String,
}

impl InterimFix {
    /// Whether a reboot is still to come for it.
    #[must_use]
    pub fn wants_reboot(&self) -> bool {
        self.state.contains('Q')
    }
}

/// `emgr -l`: a table, then a legend. Nothing when no fix is installed. Source: LU §5.2.
#[must_use]
pub fn emgr_l(text: &str) -> Listing<InterimFix> {
    let mut columns: Vec<usize> = Vec::new();
    let mut legend = false;
    listing(text, |line| {
        legend |= line.trim_start().starts_with("STATE codes");
        if legend || line.trim_start().starts_with("ID ") || line.contains(NO_FIX) {
            return Row::Skip;
        }
        if is_rule(line) {
            columns = starts(line);
            return Row::Skip;
        }
        fix(line, &columns).into()
    })
}

/// Said instead of an empty table.
const NO_FIX: &str = "There is no efix data on this system";

fn fix(line: &str, columns: &[usize]) -> Option<InterimFix> {
    let mut words = line.split_whitespace();
    let id = words.next()?.parse().ok()?;
    let state = words.next()?.trim_matches('*').to_owned();
    let label = words.next()?.to_owned();
    let installed_at = format!("{} {}", words.next()?, words.next()?);
    // `UPDATED BY` is usually blank, so only the columns tell it from what follows.
    let column = |number: usize| -> Option<&str> {
        let begin = *columns.get(number)?;
        let end = columns.get(number + 1).copied().unwrap_or(line.len());
        line.get(begin..end.min(line.len())).map(str::trim)
    };
    let updated_by = column(4).filter(|text| !text.is_empty()).map(str::to_owned);
    let subject = column(5).map_or_else(|| words.collect::<Vec<_>>().join(" "), str::to_owned);
    Some(InterimFix { id, state, label, installed_at, updated_by, subject })
}

/// A fileset that an interim fix locks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// The fileset.
    pub fileset: String,
    /// Who locks it, such as `installp`.
    pub installer: String,
    /// Label of the interim fix.
    pub label: String,
}

/// `emgr -P`. Nothing when no fix is installed. Source: LU §5.2.
#[must_use]
pub fn emgr_p(text: &str) -> Listing<Lock> {
    listing(text, |line| {
        if is_rule(line) || line.contains(NO_FIX) {
            return Row::Skip;
        }
        let fields: Vec<&str> = line.split_whitespace().collect();
        match fields[..] {
            ["PACKAGE", "INSTALLER", "LABEL"] => Row::Skip,
            [fileset, installer, label] => Row::Is(Lock {
                fileset: fileset.to_owned(),
                installer: installer.to_owned(),
                label: label.to_owned(),
            }),
            _ => Row::Other,
        }
    })
}

fn is_rule(line: &str) -> bool {
    line.contains("===") && line.chars().all(|c| matches!(c, '=' | ' '))
}

/// Where the columns under a rule begin.
fn starts(rule: &str) -> Vec<usize> {
    let mut before = ' ';
    let mut starts = Vec::new();
    for (at, c) in rule.char_indices() {
        if c == '=' && before == ' ' {
            starts.push(at);
        }
        before = c;
    }
    starts
}

/// An installed fileset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fileset {
    /// Its name.
    pub name: String,
    /// Its level as printed; what is no AIX package has levels of other shapes.
    pub level: String,
    /// Its state.
    pub state: FilesetState,
    /// What it is about.
    pub description: String,
}

impl Fileset {
    /// The level, where it has the shape of AIX.
    #[must_use]
    pub fn fileset_level(&self) -> Option<FilesetLevel> {
        self.level.parse().ok()
    }
}

/// State of a fileset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FilesetState {
    /// Can still be rejected.
    Applied,
    /// Cannot be rejected.
    Committed,
    /// Neither; repair it first.
    Broken,
    /// Another state, as printed.
    Other(String),
}

impl FilesetState {
    fn read(text: &str) -> Self {
        match text {
            "A" | "APPLIED" => Self::Applied,
            "C" | "COMMITTED" => Self::Committed,
            "B" | "BROKEN" => Self::Broken,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// `lslpp -Lqc`: package, fileset, level, two fields, state, a field, description and more. Source: LU §5.2.
#[must_use]
pub fn lslpp_q(text: &str) -> Listing<Fileset> {
    listing(text, |line| {
        let fields: Vec<&str> = line.split(':').map(str::trim).collect();
        if line.starts_with('#') {
            return Row::Skip;
        }
        match fields[..] {
            [_, name, level, _, _, state, _, description, ..] => {
                fileset(name, level, state, description).into()
            }
            _ => Row::Other,
        }
    })
}

/// `lslpp -lc`. Its rows begin with a path that its heading does not have. Source: LU §5.2.
#[must_use]
pub fn lslpp_l(text: &str) -> Listing<Fileset> {
    listing(text, |line| {
        let fields: Vec<&str> = line.split(':').map(str::trim).collect();
        match fields[..] {
            [heading, ..] if heading.starts_with('#') => Row::Skip,
            [path, name, level, _ptf, state, _kind, description, ..] if path.starts_with('/') => {
                fileset(name, level, state, description).into()
            }
            [name, level, _ptf, state, _kind, description, ..] => {
                fileset(name, level, state, description).into()
            }
            _ => Row::Other,
        }
    })
}

fn fileset(name: &str, level: &str, state: &str, description: &str) -> Option<Fileset> {
    let named = !name.is_empty() && !level.is_empty() && !name.contains(char::is_whitespace);
    named.then(|| Fileset {
        name: name.to_owned(),
        level: level.to_owned(),
        state: FilesetState::read(state),
        description: description.to_owned(),
    })
}

/// `lslpp -w FILE…`: the fileset that `file` belongs to: a row has file, fileset and type. Source: AIX's description of `lslpp`.
#[must_use]
pub fn fileset_of<'a>(text: &'a str, file: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next() == Some(file)).then(|| words.next()).flatten()
    })
}

/// `emgr -d -e FILE -v2`: whether a Live Update can install the interim fix; `None` where that is not said. Source: LU §5.2.
#[must_use]
pub fn lu_capable(text: &str) -> Option<bool> {
    let value = text.lines().find_map(|line| line.trim().strip_prefix("LU CAPABLE:"))?;
    match value.trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// A process that uses objects which were replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outdated {
    /// Its id.
    pub pid: u64,
    /// Its name.
    pub name: String,
}

/// `genld -u`: rows, with or without blank lines between them. Source: LU §5.1.
#[must_use]
pub fn genld(text: &str) -> Listing<Outdated> {
    listing(text, |line| {
        let read = || {
            let (pid, name) = line.trim().strip_prefix("Proc_pid:")?.split_once("Proc_name:")?;
            Some(Outdated { pid: pid.trim().parse().ok()?, name: name.trim().to_owned() })
        };
        read().into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fix_says_whether_a_live_update_can_install_it_or_does_not() {
        let of =
            |value| format!("LABEL:             IJ1\nLU CAPABLE:       {value}\nSUPERSEDE:  no\n");
        assert_eq!(lu_capable(&of("yes")), Some(true));
        assert_eq!(lu_capable(&of("no")), Some(false));
        assert_eq!(lu_capable("REBOOT REQUIRED:  yes\n"), None);
    }

    /// IBM/ansible-power-aix, and C. Gibson 2015 for the last two rows.
    const EMGR_L: &str = "

ID  STATE LABEL      INSTALL TIME      UPDATED BY ABSTRACT
=== ===== ========== ================= ========== ======================================
1    S    IJ20785s2a 04/30/20 11:03:46            tcpdump CVEs fixed
3   *Q*   IJ09625s2a 04/30/20 11:04:14 IJ30000    IJ09624 7.2.3.2
4    ST   dummy      09/14/15 09:38:56            Test fix for Live Update

STATE codes:
 S = STABLE
 Q = REBOOT REQUIRED
 RQ = REMOVING + REBOOT REQUIRED
";

    #[test]
    fn interim_fixes_are_read_up_to_the_legend() {
        let all = emgr_l(EMGR_L);
        assert!(all.unread.is_empty(), "{:?}", all.unread);
        let table: Vec<_> = all
            .rows
            .iter()
            .map(|fix| {
                (
                    fix.id,
                    fix.label.as_str(),
                    fix.state.as_str(),
                    fix.updated_by.as_deref(),
                    fix.subject.as_str(),
                )
            })
            .collect();
        assert_eq!(
            table,
            [
                (1, "IJ20785s2a", "S", None, "tcpdump CVEs fixed"),
                (3, "IJ09625s2a", "Q", Some("IJ30000"), "IJ09624 7.2.3.2"),
                (4, "dummy", "ST", None, "Test fix for Live Update"),
            ]
        );
        let waiting: Vec<_> = all.rows.iter().map(InterimFix::wants_reboot).collect();
        assert_eq!(waiting, [false, true, false]);
        assert_eq!(all.rows[0].installed_at, "04/30/20 11:03:46");
    }

    #[test]
    fn a_system_without_fixes_says_so_in_a_sentence() {
        let text = "There is no efix data on this system.\n";
        assert_eq!((emgr_l(text).rows.len(), emgr_l(text).unread.len()), (0, 0));
        assert_eq!((emgr_p(text).rows.len(), emgr_p(text).unread.len()), (0, 0));
    }

    #[test]
    fn locks_are_read() {
        let all = emgr_p(
            "\nPACKAGE                                                  INSTALLER   LABEL\n\
             ======================================================== =========== ==========\n\
             bos.rte.security                                         installp    IJ36810s3a\n\
             openssl.base                                             installp    1022104a\n",
        );
        assert!(all.unread.is_empty());
        assert_eq!(
            (all.rows[1].fileset.as_str(), all.rows[1].label.as_str()),
            ("openssl.base", "1022104a")
        );
    }

    #[test]
    fn filesets_are_read_in_both_forms() {
        let short = lslpp_q(
            "bos.liveupdate.rte:bos.liveupdate.rte:7.2.0.0: : :C: :Live Update Runtime: : : : : : :0:0:/:\n",
        );
        assert!(short.unread.is_empty());
        assert_eq!(short.rows[0].state, FilesetState::Committed);
        assert_eq!(short.rows[0].fileset_level(), "7.2.0.0".parse().ok());
        let long = lslpp_l(
            "#Fileset:Level:PTF Id:State:Type:Description:EFIX Locked\n\
             /usr/lib/objrepos:bos.rte:7.3.4.2::COMMITTED:I:Base Operating System Runtime:\n\
             /usr/lib/objrepos:bos.mp64:7.3.4.1::APPLIED:F:Base Operating System 64-bit:EFIXLOCKED\n",
        );
        assert!(long.unread.is_empty());
        let table: Vec<_> =
            long.rows.iter().map(|f| (f.name.as_str(), f.level.as_str(), &f.state)).collect();
        assert_eq!(
            table,
            [
                ("bos.rte", "7.3.4.2", &FilesetState::Committed),
                ("bos.mp64", "7.3.4.1", &FilesetState::Applied)
            ]
        );
        assert_eq!(lslpp_q("lslpp: Fileset bos.sysmgt.pvc not installed.\n").unread.len(), 1);
    }

    #[test]
    fn outdated_processes_are_read_with_any_white_space_between() {
        let all =
            genld("Proc_pid: 15466758  Proc_name: sshd\n\nProc_pid: 3473882\tProc_name: srcmstr\n");
        assert!(all.unread.is_empty());
        let table: Vec<_> = all.rows.iter().map(|p| (p.pid, p.name.as_str())).collect();
        assert_eq!(table, [(15_466_758, "sshd"), (3_473_882, "srcmstr")]);
        assert_eq!(genld("").rows, []);
    }

    #[test]
    fn a_level_is_the_whole_output() {
        assert_eq!(oslevel("7200-05-04-2220\n"), Ok("7200-05-04-2220".parse().unwrap()));
        assert!(oslevel("Could not determine the level\n").is_err());
    }
}
