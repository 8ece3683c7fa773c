//! Columns for a person, without lines around them: `grep`, `awk` and eyes get on with them.

use comfy_table::{Cell, Color, ContentArrangement, Table, presets};

use super::Style;
use super::text::{Paint, clean};

/// Rows in columns.
pub(crate) struct Columns {
    table: Table,
}

/// A piece of a row: cleaned text, perhaps in a colour.
pub(crate) struct Piece(Cell);

impl Columns {
    /// With these headings.
    pub(crate) fn new(headings: &[&str], style: Style) -> Self {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(headings);
        match style.width {
            Some(width) => {
                table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
            }
            None => {
                table.set_content_arrangement(ContentArrangement::Disabled);
            }
        }
        if style.color {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        Self { table }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, pieces: impl IntoIterator<Item = Piece>) {
        self.table.add_row(pieces.into_iter().map(|piece| piece.0));
    }

    /// The text, with its line ends and without blanks at the ends of lines.
    pub(crate) fn text(mut self) -> String {
        for column in self.table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        let mut text = String::new();
        for line in self.table.lines() {
            text += line.trim_end();
            text.push('\n');
        }
        text
    }
}

impl Piece {
    /// In a colour, where colours are wanted.
    pub(crate) fn painted(text: impl AsRef<str>, paint: Paint) -> Self {
        let color = match paint {
            Paint::Good => Color::Green,
            Paint::Bad => Color::Red,
            Paint::Care => Color::Yellow,
            Paint::Dim => Color::DarkGrey,
            Paint::None => return text.into(),
        };
        Self(Cell::new(clean(text.as_ref())).fg(color))
    }

    /// Several lines.
    pub(crate) fn lines<T: AsRef<str>>(lines: impl IntoIterator<Item = T>) -> Self {
        let lines: Vec<_> = lines.into_iter().map(|line| clean(line.as_ref())).collect();
        Self(Cell::new(lines.join("\n")))
    }
}

impl<T: AsRef<str>> From<T> for Piece {
    fn from(text: T) -> Self {
        Self(Cell::new(clean(text.as_ref())))
    }
}

/// What stands for a value that is not known.
pub(crate) const NONE: &str = "-";

/// A value, or [`NONE`].
pub(crate) fn or_none(value: Option<impl ToString>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| value.to_string())
}
