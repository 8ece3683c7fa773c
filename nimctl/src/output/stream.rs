//! Lists that are written while they come.

use std::io::{self, BufWriter, Stdout, Write};

use nim_shared::yaml;
use serde::Serialize;

use super::{Printer, json, written};
use crate::cli::Format;
use crate::error::Error;

/// A list as JSON or YAML, item by item: the same text as if it were written at once. One that is not ended is no whole document.
pub(crate) struct Items {
    format: Format,
    out: BufWriter<Stdout>,
    items: usize,
}

impl Items {
    pub(crate) fn new(printer: Printer) -> Self {
        Self { format: printer.format(), out: BufWriter::new(io::stdout()), items: 0 }
    }

    /// Writes one item.
    pub(crate) fn item<T: Serialize>(&mut self, item: &T) -> Result<(), Error> {
        let text = match self.format {
            Format::Yaml => yaml::to_string(&[item])
                .map_err(|cause| Error::Format { format: "YAML", cause: Box::new(cause) })?,
            Format::Table | Format::Wide | Format::Json => {
                let before = if self.items == 0 { "[\n  " } else { ",\n  " };
                let item = json(item, serde_json::to_string_pretty)?;
                // No text in JSON has a line end of its own.
                format!("{before}{}", item.replace('\n', "\n  "))
            }
        };
        self.items += 1;
        written(self.out.write_all(text.as_bytes()))?;
        // Whoever waits sees that something comes.
        if self.items == 1 { written(self.out.flush()) } else { Ok(()) }
    }

    /// Ends the list.
    pub(crate) fn end(mut self) -> Result<(), Error> {
        let text = match (self.format, self.items) {
            (_, 0) => "[]\n",
            (Format::Yaml, _) => "",
            (Format::Table | Format::Wide | Format::Json, _) => "\n]\n",
        };
        written(self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()))
    }
}
