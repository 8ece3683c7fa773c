//! Everything that is written: data to stdout, all else to stderr, each in the format that was asked for.

pub(crate) mod error;
pub(crate) mod file;
pub(crate) mod fold;
pub(crate) mod stream;
pub(crate) mod table;
pub(crate) mod text;

use std::io::{self, IsTerminal, Write};

use nim_shared::api::Failure;
use nim_shared::yaml;
use serde::Serialize;

use crate::cli::{Color, Format};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::fold::folded;
use crate::output::text::{Paint, clean};

/// What a command has to say: one serialisable value, and how a person sees it.
pub(crate) trait View: Serialize {
    /// For a person, with its line ends.
    fn table(&self, style: Style) -> String;
}

/// How text for a person may look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    /// Whether colours are wanted. They only repeat what the words say.
    pub(crate) color: bool,
    /// Columns that there are; `None` where there is no terminal.
    pub(crate) width: Option<u16>,
    /// Whether more is wanted than fits on most screens.
    pub(crate) wide: bool,
}

impl Style {
    /// Whether what belongs together in a table stands in several lines of one column, rather than in columns beside each other.
    pub(crate) fn is_narrow(self) -> bool {
        self.width.is_some_and(|width| width < 100)
    }
}

/// The only writer of stdout and stderr.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    format: Format,
    color: Color,
}

impl Printer {
    pub(crate) const fn new(format: Format, color: Color) -> Self {
        Self { format, color }
    }

    pub(crate) const fn format(self) -> Format {
        self.format
    }

    /// Shows data, in the format that was asked for.
    pub(crate) fn show<V: View>(self, view: &V) -> Result<(), Error> {
        match self.format {
            Format::Table | Format::Wide => self.raw(view.table(self.style_of_stdout()).as_bytes()),
            Format::Json | Format::Yaml => self.data(view),
        }
    }

    /// Shows what came of something that ended so. Where that cannot be written, how it ended is still what the shell is told.
    pub(crate) fn show_end<V: View>(self, view: &V, exit: Exit) -> Result<Exit, Error> {
        match self.show(view) {
            Ok(()) => Ok(exit),
            Err(Error::PipeClosed) if exit != Exit::Done => Ok(exit),
            Err(error @ Error::Output(_)) if exit != Exit::Done => {
                self.failure(&error.failure());
                Ok(exit)
            }
            Err(error) => Err(error),
        }
    }

    /// Shows data as JSON or YAML: a document each.
    pub(crate) fn data<T: Serialize>(self, value: &T) -> Result<(), Error> {
        let text = match self.format {
            Format::Yaml => yaml::to_string(value)
                .map_err(|cause| Error::Format { format: "YAML", cause: Box::new(cause) })?,
            Format::Table | Format::Wide | Format::Json => {
                json(value, serde_json::to_string_pretty)? + "\n"
            }
        };
        self.raw(text.as_bytes())
    }

    /// Shows one of several values: in JSON a line each, in YAML a document each.
    pub(crate) fn stream<T: Serialize>(self, value: &T) -> Result<(), Error> {
        let text = match self.format {
            Format::Yaml => {
                let text = yaml::to_string(value)
                    .map_err(|cause| Error::Format { format: "YAML", cause: Box::new(cause) })?;
                format!("---\n{text}")
            }
            Format::Table | Format::Wide | Format::Json => {
                json(value, serde_json::to_string)? + "\n"
            }
        };
        self.raw(text.as_bytes())
    }

    /// Writes data as it is.
    pub(crate) fn raw(self, bytes: &[u8]) -> Result<(), Error> {
        let mut out = io::stdout().lock();
        written(out.write_all(bytes).and_then(|()| out.flush()))
    }

    /// Says that a change was made, to a person. Where data was asked for, the data says it.
    pub(crate) fn done(self, text: &str) -> Result<(), Error> {
        match self.format {
            Format::Table | Format::Wide => self.raw(format!("{text}\n").as_bytes()),
            Format::Json | Format::Yaml => Ok(()),
        }
    }

    /// Says something to a person, beside the data.
    pub(crate) fn note(self, text: &str) {
        self.on_stderr(&fold::noted(text, self.style_of_stderr()));
    }

    /// Says what somebody should look at, to a person. Where data was asked for, the data says it.
    pub(crate) fn warnings<T: std::fmt::Display>(self, warnings: &[T]) {
        if self.format.is_for_people() {
            let style = self.style_of_stderr();
            let label = Paint::Care.paint("warning:", style).to_string();
            for one in warnings {
                let text = folded("warning: ", &clean(&one.to_string()), style);
                self.on_stderr(&text.replacen("warning:", &label, 1));
            }
        }
    }

    /// Writes text for a person on stderr, as it is.
    pub(crate) fn on_stderr(self, text: &str) {
        // Where stderr is gone there is nobody to tell.
        drop(io::stderr().lock().write_all(text.as_bytes()));
    }

    /// Reports a failure, in the format that was asked for.
    pub(crate) fn failure(self, failure: &Failure) {
        let text = match self.format {
            Format::Table | Format::Wide => error::text(failure, self.style_of_stderr()),
            Format::Json => {
                json(failure, serde_json::to_string).map(|text| text + "\n").unwrap_or_default()
            }
            Format::Yaml => {
                yaml::to_string(failure).map(|text| format!("---\n{text}")).unwrap_or_default()
            }
        };
        self.on_stderr(&text);
    }

    /// How text on stdout may look.
    pub(crate) fn style_of_stdout(self) -> Style {
        self.style(io::stdout().is_terminal())
    }

    /// How text on stderr may look.
    pub(crate) fn style_of_stderr(self) -> Style {
        self.style(io::stderr().is_terminal())
    }

    fn style(self, terminal: bool) -> Style {
        let color = match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && no_color().is_none(),
        };
        // A terminal that does not know its size says 0.
        let width = comfy_table::Table::new().width().filter(|width| terminal && *width > 0);
        Style { color, width, wide: self.format == Format::Wide }
    }
}

/// What became of data that was written.
fn written(result: io::Result<()>) -> Result<(), Error> {
    result.map_err(|cause| match cause.kind() {
        io::ErrorKind::BrokenPipe => Error::PipeClosed,
        _ => Error::Output(cause),
    })
}

/// The convention of no-color.org: set, to whatever but nothing.
fn no_color() -> Option<std::ffi::OsString> {
    std::env::var_os("NO_COLOR").filter(|value| !value.is_empty())
}

fn json<T: Serialize>(
    value: &T,
    write: impl Fn(&T) -> serde_json::Result<String>,
) -> Result<String, Error> {
    let text =
        write(value).map_err(|cause| Error::Format { format: "JSON", cause: Box::new(cause) })?;
    Ok(escaped(&text))
}

/// JSON in which no terminal finds anything to obey: of the control characters JSON itself lets DEL and those of 8 bits stand
/// (U+009B is what ESC [ is), and they can stand in texts only, where an escape means the same.
fn escaped(json: &str) -> String {
    let is_meant = |c: char| matches!(c, '\u{7f}'..='\u{9f}');
    if !json.contains(is_meant) {
        return json.to_owned();
    }
    let mut out = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        match c {
            c if is_meant(c) => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_no_character_that_a_terminal_obeys_and_means_the_same() {
        let hostile: String = (0..0x300).filter_map(char::from_u32).collect();
        let text = json(&hostile, serde_json::to_string).unwrap();
        assert!(!text.contains(char::is_control), "{text:?}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
    }
}
