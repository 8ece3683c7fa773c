//! Names with wildcards, as `nimctl` takes them.

use std::str::FromStr;

use nim_shared::id::{ObjectName, printable};
use nim_shared::nim::range;
use sea_orm::sea_query::extension::postgres::PgBinOper;
use sea_orm::sea_query::{Expr, ExprTrait as _, IntoColumnRef};

/// A name, or a pattern of names as shells have them: `*` stands for any characters, `?` for one, `[a-f]` for one of these,
/// `[!a-f]` for one that is none of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern {
    text: String,
    /// The pattern as a regular expression of Postgres; `None` for a name.
    regex: Option<String>,
}

/// A text that no name can match.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// It can match nothing.
    #[error(
        "\"{}\" is no name and no pattern of names: * stands for any characters, ? for one, [1-9] for one of these, [1:12] for \
         each of these numbers",
        printable(.0)
    )]
    NoPattern(String),
    /// It has a range that cannot be meant.
    #[error(transparent)]
    Range(#[from] range::BadRange),
}

/// Longest pattern.
const LONGEST: usize = 64;

impl FromStr for NamePattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        let bad = || BadPattern::NoPattern(text.to_owned());
        if text.parse::<ObjectName>().is_ok() {
            return Ok(Self { text: text.to_owned(), regex: None });
        }
        if text.len() > LONGEST || !text.contains(['*', '?', '[']) {
            return Err(bad());
        }
        // What stands for the wildcards may be anything; the rest has to be able to stand in a name.
        let mut rest = String::new();
        let mut regex = "^".to_owned();
        let mut left = text.chars();
        while let Some(c) = left.next() {
            match c {
                '*' => regex.push_str(".*"),
                '?' => regex.push('.'),
                '[' => {
                    let (set, after) = left.as_str().split_once(']').ok_or_else(bad)?;
                    regex.push_str(&set_of(set).ok_or_else(bad)?);
                    left = after.chars();
                }
                c => {
                    rest.push(c);
                    if c == '.' {
                        regex.push('\\');
                    }
                    regex.push(c);
                }
            }
        }
        regex.push('$');
        if rest.is_empty() || rest.parse::<ObjectName>().is_ok() {
            Ok(Self { text: text.to_owned(), regex: Some(regex) })
        } else {
            Err(bad())
        }
    }
}

/// What stands between brackets as a regular expression has it; `None` when no character of a name can be meant.
fn set_of(set: &str) -> Option<String> {
    let (not, members) = match set.strip_prefix(['!', '^']) {
        Some(members) => ("^", members),
        None => ("", set),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if members.is_empty() || !members.chars().all(plain) {
        return None;
    }
    let bytes = members.as_bytes();
    let backwards = |three: &[u8]| matches!(three, [from, b'-', to] if from > to);
    (!bytes.windows(3).any(backwards)).then(|| format!("[{not}{members}]"))
}

impl NamePattern {
    /// The names and patterns that `text` means: all names of `lpar[1:12]`, else itself.
    ///
    /// # Errors
    /// [`BadPattern`] for what no name can match.
    pub fn read(text: &str) -> Result<Vec<Self>, BadPattern> {
        let is_range = text.split_once('[').is_some_and(|(_, inside)| inside.contains(':'));
        let texts = if is_range { range::expand(text)? } else { vec![text.to_owned()] };
        texts.iter().map(|text| text.parse()).collect()
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The name, where it is one.
    #[must_use]
    pub fn exact(&self) -> Option<&str> {
        self.regex.is_none().then_some(self.text.as_str())
    }

    /// That what stands in `column` is this name, or matches.
    pub(in crate::store) fn matches(&self, column: impl IntoColumnRef) -> Expr {
        let column = Expr::col(column);
        match &self.regex {
            None => column.eq(self.text.as_str()),
            Some(regex) => column.binary(PgBinOper::Regex, regex.as_str()),
        }
    }

    /// The pattern as a regular expression of Postgres; `None` for a name.
    pub(in crate::store) fn regex(&self) -> Option<&str> {
        self.regex.as_deref()
    }
}

impl From<&ObjectName> for NamePattern {
    fn from(name: &ObjectName) -> Self {
        Self { text: name.as_str().to_owned(), regex: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_shell_style_and_the_rest_means_itself() {
        let regex = |text: &str| text.parse::<NamePattern>().unwrap().regex.unwrap();
        assert_eq!(regex("lpar*"), "^lpar.*$");
        assert_eq!(regex("l?_b.c*"), "^l._b\\.c.*$");
        assert_eq!(regex("lpar0[7-9]"), "^lpar0[7-9]$");
        assert_eq!(regex("lpar[!0-3]?"), "^lpar[^0-3].$");
        assert_eq!(regex("*"), "^.*$");
        assert_eq!("lpar01".parse::<NamePattern>().unwrap().exact(), Some("lpar01"));
    }

    #[test]
    fn what_can_match_no_name_is_refused() {
        for text in
            ["", "a b*", "$(x)", "-x*", "lpar[", "lpar[]", "lpar[9-1]", "lpar[(a|b)]", "l[a"]
        {
            assert!(text.parse::<NamePattern>().is_err(), "{text:?} was accepted");
        }
    }

    #[test]
    fn a_range_is_all_of_its_names() {
        let read = |text| NamePattern::read(text).unwrap();
        let names: Vec<String> = read("l[08:10]").iter().map(|one| one.text.clone()).collect();
        assert_eq!(names, ["l08", "l09", "l10"]);
        assert_eq!(read("l[8-9]"), ["l[8-9]".parse().unwrap()]);
        assert!(matches!(NamePattern::read("l[3:1]"), Err(BadPattern::Range(_))));
    }
}
