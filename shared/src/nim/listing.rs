//! How `lsnim` lays out what it shows. Source: the NIM reference, §4.2 to §4.4: the widths are derived there from real listings.

use super::row::Row;

/// An object that is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What is shown of it.
    pub rows: Vec<Row>,
}

/// How `-Z` writes its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// As NIM: an attribute without a value is left out, so that the columns after it shift, and a colon in a value stands as
    /// it is.
    Nim,
    /// Every attribute has its column, the numbers of one attribute are separated by `;` in it, and a colon or a backslash in a
    /// value has a backslash before it.
    Strict,
}

/// The short form: name, class and type. The names are padded to the longest of this listing and five blanks, the classes to
/// the longest and seven.
#[must_use]
pub fn short(objects: &[(&str, &str, &str)]) -> String {
    let names = widest(objects.iter().map(|(name, ..)| *name)) + 5;
    let classes = widest(objects.iter().map(|(_, class, _)| *class)) + 7;
    objects.iter().map(|(name, class, of)| format!("{name:names$}{class:classes$}{of}\n")).collect()
}

/// The long form: `name:`, then three blanks and an attribute a line, padded to the longest of this object.
#[must_use]
pub fn long(entries: &[Entry]) -> String {
    let mut text = String::new();
    for Entry { name, rows } in entries {
        let width = widest(rows.iter().map(|row| row.attribute.as_str()));
        text += &format!("{name}:\n");
        for Row { attribute, value } in rows {
            text += &format!("   {attribute:width$} = {value}\n");
        }
    }
    text
}

/// `-Z` with attributes that were asked for: one header, and a line for each object.
#[must_use]
pub fn table(wanted: &[String], entries: &[Entry], columns: Columns) -> String {
    let mut text = format!("#name:{}\n", fields(wanted));
    for Entry { name, rows } in entries {
        let values = wanted.iter().flat_map(|wanted| {
            let found: Vec<_> =
                rows.iter().filter(|row| row.is(wanted)).map(|row| row.value.clone()).collect();
            match columns {
                Columns::Nim => found.into_iter().filter(|value| !value.is_empty()).collect(),
                Columns::Strict => vec![strict(&found)],
            }
        });
        text += &format!("{name}:{}\n", fields(values));
    }
    text
}

/// `-l -Z`. NIM's way is one header with the attributes of all objects one after the other, and one line with all values
/// (inferred from a tool that reads it); the strict way is a header and a line for each object.
#[must_use]
pub fn long_table(entries: &[Entry], columns: Columns) -> String {
    let line = |entry: &Entry| {
        let attributes = entry.rows.iter().map(|row| row.attribute.clone());
        let values: Vec<_> = entry
            .rows
            .iter()
            .filter_map(|row| match columns {
                Columns::Nim => (!row.value.is_empty()).then(|| row.value.clone()),
                Columns::Strict => Some(strict(std::slice::from_ref(&row.value))),
            })
            .collect();
        (format!("name:{}", fields(attributes)), format!("{}:{}", entry.name, fields(values)))
    };
    let (headers, values): (Vec<_>, Vec<_>) = entries.iter().map(line).unzip();
    match columns {
        Columns::Nim if entries.is_empty() => String::new(),
        Columns::Nim => format!("#{}\n{}\n", headers.concat(), values.concat()),
        Columns::Strict => headers
            .iter()
            .zip(&values)
            .map(|(header, line)| format!("#{header}\n{line}\n"))
            .collect(),
    }
}

/// `-L`: name and type, the names padded to the longest and five blanks.
#[must_use]
pub fn available(resources: &[(&str, &str)]) -> String {
    let names = widest(resources.iter().map(|(name, _)| *name)) + 5;
    resources.iter().map(|(name, of)| format!("{name:names$}{of}\n")).collect()
}

/// `-P`: names padded to the longest, and what they mean.
#[must_use]
pub fn explained<'a>(words: &[(&'a str, &'a str)]) -> String {
    let width = widest(words.iter().map(|(word, _)| *word));
    words.iter().map(|(word, meaning)| format!("{word:width$} = {meaning}\n")).collect()
}

/// Each followed by a colon.
fn fields<T: std::fmt::Display>(fields: impl IntoIterator<Item = T>) -> String {
    fields.into_iter().map(|field| format!("{field}:")).collect()
}

/// A column of the strict form.
fn strict(values: &[String]) -> String {
    let escape = |value: &String| value.replace('\\', "\\\\").replace(':', "\\:");
    values.iter().map(escape).collect::<Vec<_>>().join(";")
}

fn widest<'a>(texts: impl Iterator<Item = &'a str>) -> usize {
    texts.map(|text| text.chars().count()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests;
