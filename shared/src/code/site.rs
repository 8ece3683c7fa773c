//! What a site adds to the knowledge: messages of its own scripts and products, or another remedy for one that is known.

use serde::{Deserialize, Serialize};

use super::Retry;

/// A file of entries of the site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SiteCodes {
    /// The entries. Of two for the same message the one that says more of it counts, and before what is built in.
    pub codes: Vec<SiteEntry>,
}

/// One entry of the site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SiteEntry {
    /// A number of AIX or the HMC, such as `1430-134`, or a name for a message without one: letters, digits, dots and dashes, at
    /// most 39. `NLU-` is ours.
    pub code: String,
    /// With a number: texts that stand in the line, all of them. With a name: texts by any of which a line is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub says: Vec<String>,
    /// What happened, in a few words.
    pub title: String,
    /// Why it comes.
    pub cause: String,
    /// What to do about it.
    pub remedy: String,
    /// Whether to try again.
    #[serde(default = "after_remedy")]
    pub retry: Retry,
    /// The AIX levels that it concerns, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub levels: String,
}

const fn after_remedy() -> Retry {
    Retry::AfterRemedy
}

/// An entry that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadEntry {
    /// A code that cannot be typed.
    #[error(
        "codes[{at}].code: a number such as 1430-134, or a name of at most 39 letters, digits, dots and dashes"
    )]
    Code {
        /// Which, from 0.
        at: usize,
    },
    /// One of ours.
    #[error("codes[{at}].code: codes that begin with NLU- are those of nimd itself")]
    Ours {
        /// Which, from 0.
        at: usize,
    },
    /// A name by which no line can be known.
    #[error("codes[{at}].says: a message without a number is known by its words: say which")]
    Silent {
        /// Which, from 0.
        at: usize,
    },
    /// A text that is missing, too short to mean anything, or too long.
    #[error(
        "codes[{at}].{field}: a text of {least} to {LONGEST_TEXT} bytes, without control characters"
    )]
    Text {
        /// Which, from 0.
        at: usize,
        /// Of which field.
        field: &'static str,
        /// How short it may be.
        least: usize,
    },
    /// The same message twice.
    #[error("codes[{at}]: an entry before it has the same code and says the same")]
    Twice {
        /// Which, from 0.
        at: usize,
    },
    /// More than are kept.
    #[error("codes: at most {MOST_ENTRIES} entries")]
    Many,
}

impl SiteCodes {
    /// Looks at what a type cannot say, and brings numbers to their full form.
    ///
    /// # Errors
    /// All that is wrong.
    pub fn checked(mut self) -> Result<Vec<SiteEntry>, Vec<BadEntry>> {
        if self.codes.len() > MOST_ENTRIES {
            return Err(vec![BadEntry::Many]);
        }
        let mut bad = Vec::new();
        for (at, entry) in self.codes.iter_mut().enumerate() {
            match super::normal(&entry.code) {
                Some(number) => entry.code = number,
                None => {
                    let fits = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
                    let code = &entry.code;
                    if !(1..=39).contains(&code.len()) || !code.chars().all(fits) {
                        bad.push(BadEntry::Code { at });
                    }
                    if code.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("NLU-")) {
                        bad.push(BadEntry::Ours { at });
                    }
                    if entry.says.is_empty() {
                        bad.push(BadEntry::Silent { at });
                    }
                }
            }
            bad.extend(entry.texts().filter_map(|(field, least, text)| {
                let fits = (least..=LONGEST_TEXT).contains(&text.trim().len())
                    && !text.chars().any(char::is_control);
                (!fits).then_some(BadEntry::Text { at, field, least })
            }));
        }
        for (at, entry) in self.codes.iter().enumerate() {
            let same = |other: &SiteEntry| (&other.code, &other.says) == (&entry.code, &entry.says);
            if self.codes[..at].iter().any(same) {
                bad.push(BadEntry::Twice { at });
            }
        }
        if bad.is_empty() { Ok(self.codes) } else { Err(bad) }
    }
}

impl SiteEntry {
    /// Its texts, each with its field and how short it may be.
    fn texts(&self) -> impl Iterator<Item = (&'static str, usize, &str)> {
        let says = self.says.iter().map(|text| ("says", 4, text.as_str()));
        [("title", 1, &*self.title), ("cause", 1, &self.cause), ("remedy", 1, &self.remedy)]
            .into_iter()
            .chain([("levels", 0, &*self.levels)])
            .chain(says)
    }
}

/// Most entries of a site.
const MOST_ENTRIES: usize = 1000;

/// Longest text of an entry, in bytes.
const LONGEST_TEXT: usize = 2000;

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(code: &str, says: &[&str]) -> SiteEntry {
        SiteEntry {
            code: code.to_owned(),
            says: says.iter().map(ToString::to_string).collect(),
            title: "a title".to_owned(),
            cause: "a cause".to_owned(),
            remedy: "a remedy".to_owned(),
            retry: Retry::AfterRemedy,
            levels: String::new(),
        }
    }

    #[test]
    fn numbers_are_brought_to_their_form_and_names_are_known_by_words() {
        let codes = vec![entry("430-249", &[]), entry("site-backup", &["BKP0042"])];
        let checked = SiteCodes { codes }.checked().unwrap();
        assert_eq!(checked[0].code, "1430-249");
    }

    #[test]
    fn everything_that_cannot_be_meant_is_said_at_once() {
        let mut silent = entry("site-x", &[]);
        silent.title = " ".to_owned();
        let codes = vec![
            silent,
            entry("nlu-0201", &["abcd"]),
            entry("a b", &["ab"]),
            entry("a b", &["ab"]),
        ];
        let bad = SiteCodes { codes }.checked().unwrap_err();
        assert_eq!(
            bad,
            [
                BadEntry::Silent { at: 0 },
                BadEntry::Text { at: 0, field: "title", least: 1 },
                BadEntry::Ours { at: 1 },
                BadEntry::Code { at: 2 },
                BadEntry::Text { at: 2, field: "says", least: 4 },
                BadEntry::Code { at: 3 },
                BadEntry::Text { at: 3, field: "says", least: 4 },
                BadEntry::Twice { at: 3 },
            ]
        );
    }
}
