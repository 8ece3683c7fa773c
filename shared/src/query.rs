//! What an LPAR may be asked: a list of commands that only read, compiled into the agent and named by id.
//!
//! A master never sends a command line. It sends an id, options out of that id's list and operands of that id's kind; the agent
//! builds the arguments from its own copy of the list and starts the program without a shell. The LPAR's policy file takes ids
//! away, nothing adds any. What is not here is refused by name, so a query is no way around the restricted key.
//!
//! The options are those that list and neither install, commit nor correct anything. Source: AIX's own descriptions of the
//! commands; which of them deployed tools ask for: the NIM reference, §3.5 and §9.4, and the Live Update reference, §5.

use serde::{Deserialize, Serialize};

use crate::id::printable;
use crate::operation::Named;
use crate::stage::names;
use crate::unit::Seconds;

names! {
    /// A command that only reads.
    QueryId, "query" {
        /// The level of the system.
        Oslevel = "oslevel",
        /// The interim fixes that are installed.
        EmgrList = "emgr_list",
        /// The filesets that interim fixes lock.
        EmgrLocks = "emgr_locks",
        /// The filesets that are installed.
        Lslpp = "lslpp",
        /// Whether installed files are those of their filesets. Without its option `-u`, which would correct the record.
        Lppchk = "lppchk",
        /// Which fixes are installed. Always with `-i`: without that it installs.
        Instfix = "instfix",
        /// Disks with their volume groups.
        Lspv = "lspv",
        /// Paths to disks.
        Lspath = "lspath",
        /// Volume groups.
        Lsvg = "lsvg",
        /// Machine id, host name, partition.
        Uname = "uname",
        /// Host name. Without an operand, which would set it.
        Hostname = "hostname",
        /// File systems and what is free in them.
        Df = "df",
    }
}

/// One question to one LPAR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Query {
    /// Which command.
    pub id: Named<QueryId>,
    /// Its options without their dash: one letter each, or a letter with its value, such as `v3`.
    #[serde(default)]
    pub options: Vec<String>,
    /// What it is asked about: filesets, fixes, volume groups or paths, as the command takes them.
    #[serde(default)]
    pub operands: Vec<String>,
}

/// What a query becomes on the LPAR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// Which query it is, for the policy of the LPAR.
    pub id: QueryId,
    /// Name of the program.
    pub program: &'static str,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// How long it may take.
    pub limit: Seconds,
}

/// Why something cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadQuery {
    /// No such query in this version.
    #[error("\"{}\" is no query: known are {}", printable(.0), known())]
    Unknown(String),
    /// A program that is none of the list.
    #[error("{} is no query: of an LPAR can be asked {}", printable(.0), programs())]
    Program(String),
    /// An option that the list does not have.
    #[error("{program} -{} is no query: {program} is asked with {allowed}", printable(option))]
    Option {
        /// The program.
        program: &'static str,
        /// The option, without its dash.
        option: String,
        /// Those that the list has.
        allowed: String,
    },
    /// An operand of the wrong kind.
    #[error("\"{}\" cannot be asked of {program}: {wanted}", printable(operand))]
    Operand {
        /// The program.
        program: &'static str,
        /// As it was given.
        operand: String,
        /// What it takes.
        wanted: &'static str,
    },
    /// More operands than one question may have.
    #[error("{program} is asked about at most {MOST} names at a time")]
    TooMany {
        /// The program.
        program: &'static str,
    },
}

/// What the operands of a query are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operands {
    /// There are none.
    None,
    /// Filesets, with `*` and `?`.
    Filesets,
    /// Keywords of fixes, which follow `-k` as one argument.
    Fixes,
    /// Names of volume groups.
    Groups,
    /// Absolute paths.
    Paths,
}

/// One line of the list.
struct Form {
    id: QueryId,
    program: &'static str,
    /// Options that are always given.
    always: &'static [&'static str],
    /// Options that may be.
    options: &'static [&'static str],
    operands: Operands,
    limit: Seconds,
}

/// Most names in one question.
const MOST: usize = 500;

/// Longest name.
const LONGEST: usize = 255;

/// For what is read from a database on disk. `oslevel -s` takes many seconds on a busy system.
const SHORT: Seconds = Seconds(120);

/// For what looks at every file of a fileset.
const LONG: Seconds = Seconds(1800);

const LIST: &[Form] = &[
    form(QueryId::Oslevel, "oslevel", &["r", "s"], Operands::None),
    Form {
        always: &["l"],
        ..form(QueryId::EmgrList, "emgr", &["l", "v1", "v2", "v3"], Operands::None)
    },
    Form { always: &["P"], ..form(QueryId::EmgrLocks, "emgr", &["P"], Operands::None) },
    form(
        QueryId::Lslpp,
        "lslpp",
        &["L", "l", "d", "f", "h", "i", "p", "a", "c", "q", "J", "I", "e"],
        Operands::Filesets,
    ),
    Form {
        limit: LONG,
        ..form(
            QueryId::Lppchk,
            "lppchk",
            &["c", "f", "l", "v", "m1", "m2", "m3"],
            Operands::Filesets,
        )
    },
    Form {
        always: &["i"],
        ..form(QueryId::Instfix, "instfix", &["i", "a", "c", "q", "v", "F"], Operands::Fixes)
    },
    form(QueryId::Lspv, "lspv", &[], Operands::None),
    form(QueryId::Lspath, "lspath", &[], Operands::None),
    form(QueryId::Lsvg, "lsvg", &["o", "l", "p"], Operands::Groups),
    form(QueryId::Uname, "uname", &["a", "m", "n", "p", "r", "s", "v", "L"], Operands::None),
    form(QueryId::Hostname, "hostname", &[], Operands::None),
    form(QueryId::Df, "df", &["m"], Operands::Paths),
];

const fn form(
    id: QueryId,
    program: &'static str,
    options: &'static [&'static str],
    operands: Operands,
) -> Form {
    Form { id, program, always: &[], options, operands, limit: SHORT }
}

impl Query {
    /// A question with options as they are written: bundled, with or without their dash, apart or together.
    ///
    /// # Errors
    /// [`BadQuery`] for the first thing that is not on the list.
    pub fn new(id: QueryId, options: &str, operands: Vec<String>) -> Result<Self, BadQuery> {
        let form = of(id);
        let mut query = Self { id: Named::Known(id), options: Vec::new(), operands };
        for word in options.split_whitespace() {
            bundle(form, word.trim_start_matches('-'), &mut query.options)?;
        }
        query.invocation().map(|_| query)
    }

    /// The question that a command line asks: program, with or without its folder, options, operands.
    ///
    /// # Errors
    /// [`BadQuery`] for the first thing that is not on the list.
    pub fn of_words(words: &[String]) -> Result<Self, BadQuery> {
        let (program, rest) = words.split_first().ok_or(BadQuery::Program(String::new()))?;
        let name = FOLDERS.iter().find_map(|folder| program.strip_prefix(folder));
        let name = name.unwrap_or(program);
        let mut last = BadQuery::Program(program.clone());
        for form in LIST.iter().filter(|form| form.program == name) {
            match form.read(rest) {
                Ok(query) => return Ok(query),
                Err(bad) => last = bad,
            }
        }
        Err(last)
    }

    /// What is run for it, with everything looked at again: what arrives may come from anybody.
    ///
    /// # Errors
    /// [`BadQuery`] for the first thing that is not on the list.
    pub fn invocation(&self) -> Result<Invocation, BadQuery> {
        let id = self.id.known().ok_or_else(|| BadQuery::Unknown(self.id.to_string()))?;
        let form = of(id);
        let program = form.program;
        let mut arguments: Vec<String> = form.always.iter().map(|one| format!("-{one}")).collect();
        for option in &self.options {
            if !form.options.contains(&option.as_str()) {
                return Err(form.no_option(option));
            }
            let option = format!("-{option}");
            if !arguments.contains(&option) {
                arguments.push(option);
            }
        }
        if self.operands.len() > MOST {
            return Err(BadQuery::TooMany { program });
        }
        let (wanted, is_good) = form.operands.rule();
        if let Some(operand) = self.operands.iter().find(|operand| !is_good(operand)) {
            return Err(BadQuery::Operand { program, operand: operand.clone(), wanted });
        }
        match form.operands {
            Operands::Fixes if !self.operands.is_empty() => {
                arguments.extend(["-k".to_owned(), self.operands.join(" ")]);
            }
            _ => arguments.extend(self.operands.iter().cloned()),
        }
        Ok(Invocation { id, program, arguments, limit: form.limit })
    }
}

impl Form {
    fn read(&self, words: &[String]) -> Result<Query, BadQuery> {
        let mut query =
            Query { id: Named::Known(self.id), options: Vec::new(), operands: Vec::new() };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.strip_prefix('-') {
                Some(letters) if !letters.is_empty() => {
                    // instfix takes its fixes as the value of an option, which may stand at the end of a bundle.
                    let before = letters.strip_suffix('k');
                    match before.filter(|_| self.operands == Operands::Fixes) {
                        None => bundle(self, letters, &mut query.options)?,
                        Some(before) => {
                            bundle(self, before, &mut query.options)?;
                            let fixes = words.next().map_or("", String::as_str);
                            query.operands.extend(fixes.split_whitespace().map(str::to_owned));
                        }
                    }
                }
                _ => query.operands.push(word.clone()),
            }
        }
        // What is always given has to be meant: else the line means another query, or none.
        let missing = self.always.iter().find(|one| !query.options.iter().any(|has| has == *one));
        if missing.is_some() {
            return Err(BadQuery::Program(format!("{} without -{}", self.program, self.always[0])));
        }
        query.invocation().map(|_| query)
    }

    fn no_option(&self, option: &str) -> BadQuery {
        let allowed = match self.options {
            [] => "no option".to_owned(),
            options => options.iter().map(|one| format!("-{one}")).collect::<Vec<_>>().join(", "),
        };
        BadQuery::Option { program: self.program, option: option.to_owned(), allowed }
    }
}

/// Takes a bundle of options apart: `lv3` is `l` and `v3`.
fn bundle(form: &Form, letters: &str, options: &mut Vec<String>) -> Result<(), BadQuery> {
    let mut rest = letters;
    while !rest.is_empty() {
        let found = form.options.iter().filter(|one| rest.starts_with(**one));
        let Some(found) = found.max_by_key(|one| one.len()) else {
            return Err(form.no_option(rest.get(..1).unwrap_or(rest)));
        };
        options.push((*found).to_owned());
        rest = &rest[found.len()..];
    }
    Ok(())
}

impl Operands {
    /// What they are, and whether a text is one. None begins with a dash: it would be an option.
    fn rule(self) -> (&'static str, fn(&str) -> bool) {
        match self {
            Self::None => ("it takes no name", |_| false),
            Self::Filesets => {
                ("it takes filesets, such as bos.rte or 'bos.*'", |text| is_name(text, "._+*?-"))
            }
            Self::Fixes => ("it takes fixes, such as IJ12345", |text| is_name(text, "._-")),
            Self::Groups => ("it takes volume groups, such as rootvg", |text| is_name(text, "._-")),
            Self::Paths => ("it takes absolute paths", |text| {
                text.starts_with('/') && is_name(&text[1..], "/._+-") || text == "/"
            }),
        }
    }
}

fn is_name(text: &str, others: &str) -> bool {
    let is_good = |c: char| c.is_ascii_alphanumeric() || others.contains(c);
    !text.is_empty() && text.len() <= LONGEST && !text.starts_with('-') && text.chars().all(is_good)
}

/// The line of the list for `id`.
fn of(id: QueryId) -> &'static Form {
    LIST.iter().find(|form| form.id == id).expect("a test sees that each id is on the list")
}

fn known() -> String {
    QueryId::ALL.iter().map(|id| id.name()).collect::<Vec<_>>().join(", ")
}

fn programs() -> String {
    let mut names: Vec<_> = LIST.iter().map(|form| form.program).collect();
    names.dedup();
    names.join(", ")
}

/// Where AIX keeps the programs of the list: a command line may name them with it.
const FOLDERS: [&str; 4] = ["/usr/bin/", "/usr/sbin/", "/bin/", "/etc/"];

#[cfg(test)]
mod tests;
