//! What codes mean, as a master tells those who ask it: by what is built in, by what its site adds, and by the lines that it has.

use serde::{Deserialize, Serialize};

use crate::code::{Meaning, Retry};

/// What a code means, as this master knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct CodeMeaning {
    /// The code, as the report has it.
    pub code: String,
    /// What happened, in a few words.
    pub title: String,
    /// Why it comes.
    pub cause: String,
    /// What to do about it.
    pub remedy: String,
    /// Whether to try again.
    pub retry: Retry,
    /// Whether the site says so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_site: bool,
}

impl CodeMeaning {
    /// Of a code that is written like this.
    #[must_use]
    pub fn new(code: &str, meaning: Meaning) -> Self {
        let Meaning { title, cause, remedy, retry, of_site, .. } = meaning;
        Self {
            code: code.to_owned(),
            title: title.into_owned(),
            cause: cause.into_owned(),
            remedy: remedy.into_owned(),
            retry,
            of_site,
        }
    }
}
