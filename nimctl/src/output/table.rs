//! Columns for a person, without lines around them: `grep`, `awk` and eyes get on with them.

use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, Table, Width, presets};

use super::Style;
use super::text::{Paint, clean};

/// Rows in columns.
pub(crate) struct Columns {
    table: Table,
    /// Of each column the longest word: narrower than that a name or an id could not be read, let alone copied.
    words: Vec<usize>,
}

/// Rows of which nobody knows how many will come. They are laid out [`BATCH`] at a time; a later batch is at least as wide as those
/// before it, so that columns stay where they are as long as nothing wider comes.
pub(crate) struct Rows {
    headings: Vec<String>,
    style: Style,
    rows: Vec<Vec<Piece>>,
    /// Of each column, how wide it was; nothing before the first batch.
    widths: Vec<usize>,
}

/// Rows that are laid out together.
pub(crate) const BATCH: usize = 1000;

impl Rows {
    /// With these headings.
    pub(crate) const fn new(headings: Vec<String>, style: Style) -> Self {
        Self { headings, style, rows: Vec::new(), widths: Vec::new() }
    }

    /// Adds a row. The text of a batch, when this is its last.
    pub(crate) fn row(&mut self, row: Vec<Piece>) -> Option<String> {
        self.rows.push(row);
        (self.rows.len() == BATCH).then(|| self.batch())
    }

    /// The text of the last batch. Where there never was a row, there are no headings either.
    pub(crate) fn end(mut self) -> String {
        if self.rows.is_empty() { String::new() } else { self.batch() }
    }

    fn batch(&mut self) -> String {
        let headings: Vec<&str> = self.headings.iter().map(String::as_str).collect();
        let mut columns = match self.widths.as_slice() {
            [] => Columns::new(&headings, self.style),
            widths => Columns::below(widths, self.style),
        };
        let mut widths: Vec<usize> = headings.iter().map(|text| text.chars().count()).collect();
        for row in self.rows.drain(..) {
            for (width, piece) in widths.iter_mut().zip(&row) {
                *width = piece
                    .0
                    .content()
                    .lines()
                    .map(|l| l.chars().count())
                    .max()
                    .unwrap_or(0)
                    .max(*width);
            }
            columns.row(row);
        }
        self.widths.resize(widths.len(), 0);
        for (known, width) in self.widths.iter_mut().zip(widths) {
            *known = width.max(*known);
        }
        columns.text()
    }
}

/// A piece of a row: cleaned text, perhaps in a colour.
pub(crate) struct Piece(Cell);

impl Columns {
    /// With these headings.
    pub(crate) fn new(headings: &[&str], style: Style) -> Self {
        let mut columns = Self { table: bare(style), words: Vec::new() };
        columns.table.set_header(headings);
        columns.words = headings.iter().map(|heading| longest_word(heading)).collect();
        columns
    }

    /// Without headings, below rows whose columns were so wide. On a terminal each batch is made to fit by itself.
    fn below(widths: &[usize], style: Style) -> Self {
        let least = |width: &usize| if style.width.is_none() { *width } else { 0 };
        Self { table: bare(style), words: widths.iter().map(least).collect() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, pieces: impl IntoIterator<Item = Piece>) {
        let cells: Vec<Cell> = pieces.into_iter().map(|piece| piece.0).collect();
        for (word, cell) in self.words.iter_mut().zip(&cells) {
            *word = longest_word(&cell.content()).max(*word);
        }
        self.table.add_row(cells);
    }

    /// Whether there is room for one word of each column.
    pub(crate) fn fits(&self) -> bool {
        let least = self.words.iter().map(|word| word + GAP).sum::<usize>();
        self.table.width().is_none_or(|width| usize::from(width) >= least)
    }

    /// The text, with its line ends and without blanks at the ends of lines.
    pub(crate) fn text(mut self) -> String {
        if !self.fits() {
            // Too narrow for one word of each column: whole lines, which the terminal folds.
            self.table.set_content_arrangement(ContentArrangement::Disabled);
        }
        for (column, word) in self.table.column_iter_mut().zip(&self.words) {
            column.set_padding((0, 2));
            let least = u16::try_from(word + GAP).unwrap_or(u16::MAX);
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(least)));
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

/// How values stand that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Each in a column of its own.
    Beside,
    /// Below each other in one column: there is no room for more.
    Below,
}

impl Layout {
    /// Where a table is wider than a narrow screen.
    pub(crate) fn of(style: Style) -> Self {
        if style.is_narrow() { Self::Below } else { Self::Beside }
    }

    /// The pieces of such values.
    pub(crate) fn pieces(self, values: impl IntoIterator<Item = String>) -> Vec<Piece> {
        match self {
            Self::Beside => values.into_iter().map(Piece::from).collect(),
            Self::Below => vec![Piece::lines(values)],
        }
    }
}

/// A table without lines, as wide as the screen at most.
fn bare(style: Style) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
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
    table
}

/// Blanks between two columns.
const GAP: usize = 2;

/// Length of the longest word, in characters.
fn longest_word(text: &str) -> usize {
    text.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(0)
}

/// What stands for a value that is not known.
pub(crate) const NONE: &str = "-";

/// A value, or [`NONE`].
pub(crate) fn or_none(value: Option<impl ToString>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| value.to_string())
}
