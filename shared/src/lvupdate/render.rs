//! Lines to text: one tab before each attribute, everything else as it was.

use std::fmt;

use super::{Document, Line};

impl Document {
    /// The text of the file. An attribute that had no white space before it gets its tab, and with it takes effect.
    #[must_use]
    pub fn render(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blank => Ok(()),
            Self::Comment(text) | Self::Unreadable(text) => f.write_str(text),
            Self::Stanza(name) => write!(f, "{name}:"),
            Self::Attribute { key, value, .. } if value.is_empty() => write!(f, "\t{key} ="),
            Self::Attribute { key, value, .. } => write!(f, "\t{key} = {value}"),
        }
    }
}
