//! Names with wildcards, as `nimctl` takes them.

use std::str::FromStr;

use nim_shared::id::printable;

/// A name, or a pattern of names: `*` stands for any characters, `?` for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamePattern(String);

/// A text that no name can match.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is no name and no pattern of names: * stands for any characters, ? for one", printable(.0))]
pub struct BadPattern(pub String);

impl FromStr for NamePattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        // What stands for the wildcards may be anything; the rest has to be able to stand in a name.
        let sample: String = text.chars().filter(|c| !matches!(c, '*' | '?')).collect();
        let is_name = |text: &str| text.parse::<nim_shared::id::ObjectName>().is_ok();
        let only_wildcards = sample.is_empty() && !text.is_empty() && text.len() <= 39;
        if only_wildcards || is_name(&sample) && text.len() <= 64 {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadPattern(text.to_owned()))
        }
    }
}

impl NamePattern {
    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, where it has no wildcard.
    #[must_use]
    pub fn exact(&self) -> Option<&str> {
        (!self.0.contains(['*', '?'])).then_some(self.0.as_str())
    }

    /// The pattern as SQL's LIKE reads it.
    pub(in crate::store) fn like(&self) -> String {
        let mut like = String::with_capacity(self.0.len() + 4);
        for c in self.0.chars() {
            match c {
                '*' => like.push('%'),
                '?' => like.push('_'),
                '%' | '_' | '\\' => like.extend(['\\', c]),
                c => like.push(c),
            }
        }
        like
    }
}

impl From<&nim_shared::id::ObjectName> for NamePattern {
    fn from(name: &nim_shared::id::ObjectName) -> Self {
        Self(name.as_str().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_shell_style_and_the_rest_means_itself() {
        let like = |text: &str| text.parse::<NamePattern>().unwrap().like();
        assert_eq!(like("lpar*"), "lpar%");
        assert_eq!(like("l?_b%"), "l_\\_b\\%");
        assert_eq!(like("*"), "%");
        assert_eq!("lpar01".parse::<NamePattern>().unwrap().exact(), Some("lpar01"));
        for text in ["", "a b*", "$(x)", "-x*"] {
            assert!(text.parse::<NamePattern>().is_err(), "{text:?} was accepted");
        }
    }
}
