//! The file `/var/adm/ras/liveupdate/lvupdate.data`: what `geninstall -k` is told about disks, console and options.
//!
//! It is read as a [`Document`], which loses nothing: comments, unknown keys and unknown stanzas survive, because the installed
//! template is the only complete list for a level and an administrator's file may know more than we do. The [`Data`] in
//! it is typed. [`fn@check`] says everything that is wrong with a file at once.
//!
//! The trap of this file: AIX silently ignores an attribute line that does not begin with white space. Such a line is a fault
//! here, and what is rendered begins with a tab. Source of stanzas, attributes and rules: LU §1.

mod check;
mod data;
mod known;
mod parse;
mod render;

use std::fmt;

use serde::Serialize;

use crate::id::LparId;
use crate::level::Level;
use crate::operation::Disk;
use crate::stage::names;

pub use check::check;
pub use data::{Data, Disks, General, Hmc, Llvupdate, Mode, Pvc, Trace};
pub use parse::parse;

/// Where AIX looks for the file. Source: LU §1.1.
pub const PATH: &str = "/var/adm/ras/liveupdate/lvupdate.data";

/// A file, line by line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    lines: Vec<Line>,
    /// The first line that ended with a carriage return, counted from 1. They are gone once rendered.
    carriage_return: Option<usize>,
}

/// One line of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Line {
    /// Nothing.
    Blank,
    /// Begins with `#` or `*`, kept as it is.
    Comment(String),
    /// `name:` in column 1.
    Stanza(String),
    /// `key = value`; the value may be empty.
    Attribute {
        /// Left of the first `=`.
        key: String,
        /// Right of it.
        value: String,
        /// Whether white space stood before it; without, AIX ignores the line.
        indented: bool,
    },
    /// None of these, kept as it is.
    Unreadable(String),
}

/// One attribute with its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// The line, counted from 1.
    pub line: usize,
    /// The stanza; `None` before the first.
    pub stanza: Option<&'a str>,
    /// The key.
    pub key: &'a str,
    /// The value; may be empty.
    pub value: &'a str,
    /// Whether the line begins with white space.
    pub indented: bool,
}

impl Document {
    /// The lines in order.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// All attributes in order, with their places.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'_>> {
        let mut stanza = None;
        self.lines.iter().enumerate().filter_map(move |(at, line)| match line {
            Line::Stanza(name) => {
                stanza = Some(name.as_str());
                None
            }
            Line::Attribute { key, value, indented } => {
                Some(Attribute { line: at + 1, stanza, key, value, indented: *indented })
            }
            Line::Blank | Line::Comment(_) | Line::Unreadable(_) => None,
        })
    }

    /// An attribute. Where it is given twice the last counts; that AIX does the same is a supposition, so [`fn@check`]
    /// refuses two that differ.
    #[must_use]
    pub fn get(&self, stanza: &str, key: &str) -> Option<Attribute<'_>> {
        self.attributes().filter(|one| one.stanza == Some(stanza) && one.key == key).last()
    }

    /// Sets an attribute: where it stands, else at the end of its stanza, else in a new stanza at the end of the file.
    /// Line ends and surrounding blanks in `value` are not kept: a value is one line.
    pub fn set(&mut self, stanza: &str, key: &str, value: &str) {
        let value = value.split(['\n', '\r']).map(str::trim).collect::<Vec<_>>().join(" ");
        let new =
            Line::Attribute { key: key.to_owned(), value: value.trim().to_owned(), indented: true };
        let places: Vec<usize> = self
            .attributes()
            .filter(|one| one.stanza == Some(stanza) && one.key == key)
            .map(|one| one.line - 1)
            .collect();
        if let Some((last, others)) = places.split_last() {
            self.lines[*last] = new;
            for at in others.iter().rev() {
                self.lines.remove(*at);
            }
            return;
        }
        let begin = self.lines.iter().rposition(|line| *line == Line::Stanza(stanza.to_owned()));
        let Some(begin) = begin else {
            if !matches!(self.lines.last(), None | Some(Line::Blank)) {
                self.lines.push(Line::Blank);
            }
            self.lines.push(Line::Stanza(stanza.to_owned()));
            self.lines.push(new);
            return;
        };
        let behind =
            self.lines[begin + 1..].iter().take_while(|line| !matches!(line, Line::Stanza(_)));
        let last =
            behind.enumerate().filter(|(_, line)| matches!(line, Line::Attribute { .. })).last();
        let at = begin + 1 + last.map_or(0, |(at, _)| at + 1);
        self.lines.insert(at, new);
    }

    /// Removes an attribute wherever it stands in a stanza of that name. The stanza stays.
    pub fn remove(&mut self, stanza: &str, key: &str) {
        let places: Vec<usize> = self
            .attributes()
            .filter(|one| one.stanza == Some(stanza) && one.key == key)
            .map(|one| one.line - 1)
            .collect();
        for at in places.iter().rev() {
            self.lines.remove(*at);
        }
    }
}

/// What [`fn@check`] needs to know of the LPAR. What is `None` is not judged, and the report says so.
#[derive(Debug, Clone, Copy, Default)]
pub struct Context<'a> {
    /// The present partition id.
    pub lpar_id: Option<LparId>,
    /// `oslevel -s`.
    pub level: Option<Level>,
    /// `raso -o llu_mode`: 0 off, 1 on, 2 for programs that opt in.
    pub llu_mode: Option<u8>,
    /// All rows of `lspv`.
    pub disks: Option<&'a [Disk]>,
}

/// What is wrong with a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Report {
    /// All faults, by line; those of the whole file last.
    pub faults: Vec<Fault>,
    /// Rules that concern this file and could not be judged, because the context did not say enough.
    pub unjudged: Vec<Rule>,
}

impl Report {
    /// Whether nothing forbids to use the file. Warnings do not.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        self.faults.iter().all(|fault| fault.severity == Severity::Warning)
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Fault {
    /// The line, counted from 1; `None` when something is missing.
    pub line: Option<usize>,
    /// The rule that it breaks.
    pub rule: Rule,
    /// Whether the file can be used in spite of it.
    pub severity: Severity,
    /// What is wrong.
    pub text: String,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "lvupdate.data:{line}: {}", self.text),
            None => write!(f, "lvupdate.data: {}", self.text),
        }
    }
}

names! {
    /// Whether a file can be used in spite of a fault.
    Severity, "severity" {
        /// It cannot.
        Error = "error",
        /// It can; somebody should look.
        Warning = "warning",
    }
}

names! {
    /// The rules for a file. X1 to X7 are those of LU §1.6.
    Rule, "rule" {
        /// `cpu_reduction = yes` and `clone_from_hmc_profile = yes` exclude each other.
        ReductionOrProfile = "X1",
        /// Exactly one of `hmc:` and `pvc:` names a management console; none gives 1430-237.
        OneConsole = "X2",
        /// `lpar_id` differs from the present one, and does not stand in a file for PowerVC.
        AnotherLparId = "X3",
        /// `llu = yes` needs 7300-03 and `llu_mode` 1, or 2 with programs that opt in.
        LibraryUpdate = "X4",
        /// Attributes are known to the level that reads them.
        Level = "X5",
        /// The four disk lists have nothing in common, and all their disks are free.
        FreeDisks = "X6",
        /// Every attribute line begins with white space.
        Indent = "X7",
        /// A line is a comment, a stanza or an attribute in a stanza.
        Syntax = "syntax",
        /// A value is one that the attribute can have.
        Value = "value",
        /// What is needed is there.
        Missing = "missing",
        /// Nothing is said twice.
        Duplicate = "duplicate",
        /// Stanzas and attributes are known.
        Unknown = "unknown",
    }
}

#[cfg(test)]
mod tests;
