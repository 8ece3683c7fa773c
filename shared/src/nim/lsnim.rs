//! What a `lsnim` command line asks for. Source: the NIM reference, §4.1.

use crate::id::printable;

use super::getopt::{self, BadOption, Piece};
use super::listing::Columns;

/// A command line of `lsnim`, not yet checked against anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// `-p` or `-P`: what can be, instead of what is.
    pub predefined: Option<Predefined>,
    /// `-S`: list subclasses.
    pub subclasses: bool,
    /// `-c`, `-s` or `-t`.
    pub filter: Option<Filter>,
    /// `-l`: the long form. With attributes that are asked for it says nothing more.
    pub long: bool,
    /// `-O`: which operations there are.
    pub operations: bool,
    /// `-a`, in order.
    pub attributes: Vec<String>,
    /// `-q`: the attributes of this operation.
    pub operation: Option<String>,
    /// `-L`: the resources that a machine can use.
    pub available: bool,
    /// `-g` or `-m`.
    pub group: Option<Group>,
    /// `-Z`, `--strict`.
    pub table: Option<Columns>,
    /// Names; ranges are expanded.
    pub names: Vec<String>,
}

/// Whether what is predefined is explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Predefined {
    /// `-p`: words only.
    Words,
    /// `-P`: with their meaning.
    Meanings,
}

/// Which objects or words are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// `-c`
    Class(String),
    /// `-s`
    Subclass(String),
    /// `-t`
    Type(String),
}

/// What is done with a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// `-g`: its long form, with the state of each member.
    States,
    /// `-m`: the rest of the command line is meant for each member.
    Members,
}

/// Why a command line of `lsnim` cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadQuery {
    /// `-?`.
    #[error("what is to be listed is not said")]
    Help,
    /// An option that is none.
    #[error(transparent)]
    Option(#[from] BadOption),
    /// Options that exclude each other, or one that was given twice.
    #[error("option -{0} and option -{1} cannot be given together")]
    Both(char, char),
    /// An option that needs a name at the end.
    #[error("option -{0} needs the name of {1}")]
    NoName(char, &'static str),
    /// An option that is nothing by itself.
    #[error("option {0} needs option -{1}")]
    Needs(&'static str, char),
    /// A name where none can be meant.
    #[error("\"{}\" is one name too many: what is predefined has no objects", printable(.0))]
    NameTooMany(String),
    /// A range of names that is none.
    #[error(transparent)]
    Range(#[from] super::range::BadRange),
}

/// How `lsnim` is used. Source: the NIM reference, §4.1; `--strict` is ours.
pub const USAGE: &str = "\
usage: lsnim { -p | -P } [ -c Class | -S ]
       lsnim { -p | -P } [ -c Class | -t Type ] [ -l | -O ] [ -a Attribute ]...
       lsnim -t Type -q Operation
       lsnim [ -c Class | -t Type ] [ -l | -O | -a Attribute... ] [ -Z [ --strict ] ] [ ObjectName... ]
       lsnim -q Operation ObjectName
       lsnim -L [ -t Type ] ObjectName
       lsnim { -g | -m } [ -a Attribute | -l | -O ] GroupObjectName";

impl Query {
    /// Reads the arguments after `lsnim`.
    ///
    /// # Errors
    /// [`BadQuery`] with the first thing that is wrong.
    pub fn read(arguments: &[String]) -> Result<Self, BadQuery> {
        let mut query = Self::default();
        let mut strict = false;
        let mut last_filter = None;
        for piece in getopt::split(arguments, "pPSloOLgmZ?", "acstq", &["strict"])? {
            match piece {
                Piece::Flag('p') => set('p', 'P', &mut query.predefined, Predefined::Words)?,
                Piece::Flag('P') => set('P', 'p', &mut query.predefined, Predefined::Meanings)?,
                Piece::Flag('S') => query.subclasses = true,
                Piece::Flag('l') => query.long = true,
                // Leaves out what takes NIM long to look up; here nothing does.
                Piece::Flag('o') => {}
                Piece::Flag('O') => query.operations = true,
                Piece::Flag('L') => query.available = true,
                Piece::Flag('g') => set('g', 'm', &mut query.group, Group::States)?,
                Piece::Flag('m') => set('m', 'g', &mut query.group, Group::Members)?,
                Piece::Flag('Z') => query.table = Some(Columns::Nim),
                Piece::Flag(_) => return Err(BadQuery::Help),
                Piece::Value('a', value) => query.attributes.push(value.trim().to_owned()),
                Piece::Value('q', value) => query.operation = Some(value.trim().to_owned()),
                Piece::Value(letter, value) => {
                    let value = value.trim().to_owned();
                    if let Some(before) = last_filter.replace(letter) {
                        return Err(BadQuery::Both(before, letter));
                    }
                    query.filter = Some(match letter {
                        'c' => Filter::Class(value),
                        's' => Filter::Subclass(value),
                        _ => Filter::Type(value),
                    });
                }
                Piece::Long(_) => strict = true,
                Piece::Operand(text) => query.names.extend(super::range::expand(&text)?),
            }
        }
        if strict {
            query
                .table
                .as_mut()
                .map(|table| *table = Columns::Strict)
                .ok_or(BadQuery::Needs("--strict", 'Z'))?;
        }
        query.check()?;
        Ok(query)
    }

    /// What cannot be meant together.
    fn check(&self) -> Result<(), BadQuery> {
        let predefined = self.predefined.is_some();
        if let (true, Some(name)) = (predefined, self.names.first()) {
            return Err(BadQuery::NameTooMany(name.clone()));
        }
        if self.subclasses && !predefined {
            return Err(BadQuery::Needs("-S", 'p'));
        }
        if self.names.is_empty() {
            if self.available {
                return Err(BadQuery::NoName('L', "a machine"));
            }
            match self.group {
                Some(Group::States) => return Err(BadQuery::NoName('g', "a group")),
                Some(Group::Members) => return Err(BadQuery::NoName('m', "a group")),
                None => {}
            }
            if self.operation.is_some() && !matches!(self.filter, Some(Filter::Type(_))) {
                return Err(BadQuery::NoName('q', "an object, or option -t"));
            }
        }
        for (given, first, other, second) in [
            (self.long, 'l', self.operations, 'O'),
            (self.operations, 'O', !self.attributes.is_empty(), 'a'),
        ] {
            if given && other {
                return Err(BadQuery::Both(first, second));
            }
        }
        Ok(())
    }
}

fn set<T>(letter: char, other: char, slot: &mut Option<T>, value: T) -> Result<(), BadQuery> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(BadQuery::Both(letter, other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Query, BadQuery> {
        Query::read(&line.split_whitespace().map(ToOwned::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_bundled_as_their_users_do() {
        let query = read("-Pcmachines").unwrap();
        assert_eq!(query.predefined, Some(Predefined::Meanings));
        assert_eq!(query.filter, Some(Filter::Class("machines".to_owned())));
        let query = read("-Za mgmt_profile aix01").unwrap();
        assert_eq!(
            (query.attributes, query.names),
            (vec!["mgmt_profile".to_owned()], vec!["aix01".to_owned()])
        );
        assert_eq!(query.table, Some(Columns::Nim));
        let query = read("-POt standalone").unwrap();
        assert!(query.operations && query.filter == Some(Filter::Type("standalone".to_owned())));
        let query = read("-Z -a Cstate -a info -a Cstate_result --strict aix[1:2]").unwrap();
        assert_eq!((query.attributes.len(), query.table), (3, Some(Columns::Strict)));
        assert_eq!(query.names, ["aix1", "aix2"]);
        assert_eq!(read("").unwrap(), Query::default());
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for line in [
            "-c machines -t ent",
            "-p -P",
            "-l -O",
            "-S",
            "--strict",
            "-L",
            "-g",
            "-q cust",
            "-p aix01",
            "-?",
            "-x",
        ] {
            assert!(read(line).is_err(), "{line} was accepted");
        }
    }
}
