//! The text tables of the HMC's command line.
//!
//! `-F a,b` prints one row a line with the values in that order; a value that holds the delimiter is quoted, a quote inside is
//! doubled, and a line may end inside quotes. Source: HMC reference §2.1.

/// Most rows that are taken from one answer: more than a frame has partitions, many times over.
const ROWS: usize = 20_000;

/// What HMC commands print, with exit status 0, when nothing matches. Source: HMC reference §1.6.
const NOTHING: &str = "No results were found.";

/// An answer that is no table of the expected width.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTable {
    /// A row has another number of values.
    #[error("row {row} has {found} values instead of {expected}")]
    Width {
        /// Number of the row, from 1.
        row: usize,
        /// As many as were asked for.
        expected: usize,
        /// As many as there are.
        found: usize,
    },
    /// A quote is never closed.
    #[error("row {row} ends inside quotes")]
    Unclosed {
        /// Number of the row, from 1.
        row: usize,
    },
    /// More rows than any frame has.
    #[error("more than {ROWS} rows")]
    TooLong,
}

/// Whether `text` says that nothing matched.
#[must_use]
pub fn is_nothing(text: &str) -> bool {
    text.trim() == NOTHING
}

/// Splits `text` into rows of `N` values.
///
/// # Errors
/// [`BadTable`] for the first row that does not fit.
pub fn table<const N: usize>(text: &str) -> Result<Vec<[String; N]>, BadTable> {
    let fits = |(row, values): (usize, Vec<String>)| {
        let found = values.len();
        values.try_into().map_err(|_| BadTable::Width { row: row + 1, expected: N, found })
    };
    records(text)?.into_iter().enumerate().map(fits).collect()
}

/// Splits `text` into rows of as many values as each has.
///
/// # Errors
/// [`BadTable`], but not for the width of a row.
pub fn records(text: &str) -> Result<Vec<Vec<String>>, BadTable> {
    let mut rows = Vec::new();
    if is_nothing(text) {
        return Ok(rows);
    }
    let mut rest = text;
    while !rest.trim_start_matches(['\r', '\n']).is_empty() {
        rest = rest.trim_start_matches(['\r', '\n']);
        let row = rows.len() + 1;
        if row > ROWS {
            return Err(BadTable::TooLong);
        }
        let (values, after) = record(rest).ok_or(BadTable::Unclosed { row })?;
        rows.push(values);
        rest = after;
    }
    Ok(rows)
}

/// One row and what follows it. `None` when a quote is never closed.
fn record(text: &str) -> Option<(Vec<String>, &str)> {
    let mut values = vec![String::new()];
    let mut quoted = false;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let value = values.last_mut()?;
        match c {
            '"' if quoted && chars.next_if(|(_, next)| *next == '"').is_some() => value.push('"'),
            '"' => quoted = !quoted,
            ',' if !quoted => values.push(String::new()),
            '\n' if !quoted => {
                if value.ends_with('\r') {
                    value.pop();
                }
                return Some((values, &text[at + 1..]));
            }
            other => value.push(other),
        }
    }
    (!quoted).then_some((values, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn values_with_delimiters_quotes_and_line_ends_come_back() {
        let text =
            "lp1,7,Running\r\n\"comma, name\",8,\"Not \"\"Activated\"\"\"\n\n\"two\nlines\",9,";
        let rows = table::<3>(text).unwrap();
        assert_eq!(rows[1], ["comma, name", "8", "Not \"Activated\""]);
        assert_eq!(rows[2], ["two\nlines", "9", ""]);
        assert_eq!(rows.len(), 3);
    }

    #[test]
    fn nothing_found_is_an_empty_table() {
        assert_eq!(table::<2>("No results were found.\n"), Ok(vec![]));
        assert_eq!(table::<2>(""), Ok(vec![]));
    }

    #[test]
    fn what_is_no_table_is_said_with_its_row() {
        assert_eq!(table::<2>("a,b\nc\n"), Err(BadTable::Width { row: 2, expected: 2, found: 1 }));
        assert_eq!(table::<1>("\"a"), Err(BadTable::Unclosed { row: 1 }));
    }

    proptest! {
        #[test]
        fn what_is_written_by_the_rules_is_read_back(rows in proptest::collection::vec(["[ -~\n]{0,9}", "[ -~\n]{0,9}"], 0..9)) {
            let rows: Vec<[String; 2]> = rows;
            let quote = |value: &String| format!("\"{}\"", value.replace('"', "\"\""));
            let text: String = rows.iter().map(|[a, b]| format!("{},{}\n", quote(a), quote(b))).collect();
            prop_assert_eq!(table::<2>(&text).unwrap(), rows);
        }

        #[test]
        fn no_text_panics(text in ".*") {
            drop(table::<3>(&text));
        }
    }
}
