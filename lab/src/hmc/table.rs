//! Options and output that the list commands of an HMC share (HV §2.1).

use super::{Failure, missing};
use crate::world::frame::{Frame, Partition};

/// Attributes of one object, in the order of the default listing.
pub(super) type Row = Vec<(&'static str, String)>;

/// Options of `lssyscfg` and `lshwres`.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) resource: Option<String>,
    pub(super) system: Option<String>,
    pub(super) level: Option<String>,
    pub(super) subtype: Option<String>,
    header: bool,
    /// `-F`: the list as it was given; empty means all attributes.
    fields: Option<String>,
    names: Vec<String>,
    ids: Vec<u32>,
}

impl Options {
    pub(super) fn read(arguments: &[String]) -> Result<Self, Failure> {
        let mut options = Self::default();
        let mut words = arguments.iter().peekable();
        while let Some(word) = words.next() {
            let mut value = || words.next().cloned().ok_or_else(|| missing(word));
            match word.as_str() {
                "-r" => options.resource = Some(value()?),
                "-m" => options.system = Some(value()?),
                "--level" => options.level = Some(value()?),
                "--rsubtype" => options.subtype = Some(value()?),
                "--filter" => options.filter(&value()?)?,
                "--header" => options.header = true,
                "-F" => {
                    let list = words.next_if(|next| !next.starts_with('-'));
                    options.fields = Some(list.cloned().unwrap_or_default());
                }
                unknown => {
                    return Err(Failure::Command(format!(
                        "An invalid parameter was entered.  The parameters {unknown} are not valid.  \
                         Please check your entry and retry the command."
                    )));
                }
            }
        }
        Ok(options)
    }

    /// `"lpar_names=a,b"`, or several pairs each in quotes of its own.
    fn filter(&mut self, text: &str) -> Result<(), Failure> {
        let pairs: Vec<&str> = if text.starts_with('"') {
            text.trim_matches('"').split("\",\"").collect()
        } else {
            vec![text]
        };
        for pair in pairs {
            match pair.split_once('=') {
                Some(("lpar_names", list)) => self.names.extend(list.split(',').map(str::to_owned)),
                Some(("lpar_ids", list)) => {
                    self.ids.extend(list.split(',').filter_map(|id| id.parse::<u32>().ok()));
                }
                _ => return Err(missing("--filter")),
            }
        }
        Ok(())
    }

    pub(super) fn selects(&self, partition: &Partition) -> bool {
        (self.names.is_empty() || self.names.contains(&partition.name))
            && (self.ids.is_empty() || self.ids.contains(&partition.id))
    }

    /// A name in the filter that no partition has is an error, not an empty list (HV §1.6).
    pub(super) fn names_exist(&self, frame: &Frame) -> Result<(), Failure> {
        match self.names.iter().find(|name| frame.named(name).is_none()) {
            Some(name) => Err(Failure::Command(format!(
                "HSCL8012 The partition named {name} was not found.  Please check your entry and retry the command."
            ))),
            None => Ok(()),
        }
    }
}

/// Prints rows as the options say.
pub(super) fn print(rows: &[Row], options: &Options) -> Result<String, Failure> {
    if rows.is_empty() {
        return Ok("No results were found.\n".to_owned());
    }
    let mut text = String::new();
    match &options.fields {
        None => {
            for row in rows {
                let pairs: Vec<String> = row
                    .iter()
                    .map(|(name, value)| quoted(&format!("{name}={value}"), ','))
                    .collect();
                text.push_str(&pairs.join(","));
                text.push('\n');
            }
        }
        Some(list) => {
            let delimiter =
                list.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '_').unwrap_or(',');
            let names: Vec<&str> = if list.is_empty() {
                rows[0].iter().map(|(name, _)| *name).collect()
            } else {
                list.split(delimiter).collect()
            };
            let separator = delimiter.to_string();
            if options.header {
                text.push_str(&names.join(&separator));
                text.push('\n');
            }
            for row in rows {
                let values: Result<Vec<String>, Failure> = names
                    .iter()
                    .map(|name| {
                        let found = row.iter().find(|(known, _)| known == name);
                        found.map(|(_, value)| quoted(value, delimiter)).ok_or_else(|| {
                            Failure::Command(format!("An invalid attribute was entered: {name}"))
                        })
                    })
                    .collect();
                text.push_str(&values?.join(&separator));
                text.push('\n');
            }
        }
    }
    Ok(text)
}

/// The whole text is quoted when the delimiter is in it; quotes inside are doubled.
fn quoted(text: &str, delimiter: char) -> String {
    if text.contains(delimiter) || text.contains('"') {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
