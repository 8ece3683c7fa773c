//! Reading what `lsnim` of a NIM master wrote: long listings, and tables of `-Z`.
//!
//! Nothing is guessed: a row of a table that has another number of values than its header has attributes cannot be read, as NIM
//! leaves out what is empty.

use std::collections::BTreeMap;

use crate::api::{File, FileFault};
use crate::id::printable;

/// An object of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dumped {
    /// Its name.
    pub name: String,
    /// The file that mentions it first.
    pub file: String,
    /// The line there, from 1.
    pub line: u64,
    /// Its attributes, in the order in which they were found; an empty value is one that NIM shows.
    pub rows: Vec<(String, String)>,
}

/// The objects of `files`, each once, in the order in which they are first mentioned, and what cannot be read.
#[must_use]
pub fn read(files: &[File]) -> (Vec<Dumped>, Vec<FileFault>) {
    let mut reader = Reader::default();
    for file in files {
        reader.file(file);
    }
    (reader.objects, reader.faults)
}

#[derive(Default)]
struct Reader {
    objects: Vec<Dumped>,
    places: BTreeMap<String, usize>,
    faults: Vec<FileFault>,
}

impl Reader {
    fn file(&mut self, file: &File) {
        let mut table: Option<Vec<String>> = None;
        let mut current = None;
        for (line, number) in file.text.lines().zip(1..) {
            let line = line.trim_end_matches('\r');
            let at = |message: String| FileFault {
                file: Some(file.name.clone()),
                line: Some(number),
                path: String::new(),
                message,
            };
            if line.trim().is_empty() {
                continue;
            }
            if let Some(header) = line.strip_prefix("#name:") {
                table = Some(fields(header));
                current = None;
            } else if line.starts_with('#') || line.starts_with('$') {
                // A prompt with the command that was typed.
                (table, current) = (None, None);
            } else if let (Some(wanted), Some((name, values))) = (&table, row(line)) {
                if values.len() == wanted.len() {
                    let object = self.object(&name, file, number);
                    for (attribute, value) in wanted.clone().into_iter().zip(values) {
                        self.note(object, attribute, value, &at);
                    }
                } else {
                    self.faults.push(at(format!(
                        "{}: {} values for {} attributes: where one has no value lsnim -Z moves the others; take lsnim -l of it",
                        printable(&name), values.len(), wanted.len()
                    )));
                }
            } else if !line.starts_with([' ', '\t']) {
                table = None;
                let name = line.trim_end().strip_suffix(':').filter(|name| is_name(name));
                current = name.map(|name| self.object(name, file, number));
                if current.is_none() {
                    self.faults
                        .push(at(format!("\"{}\" is no line of a listing", printable(line))));
                }
            } else if let (Some(object), Some((attribute, value))) = (current, attribute(line)) {
                self.note(object, attribute, value, &at);
            } else {
                self.faults
                    .push(at(format!("\"{}\" is no attribute of an object", printable(line))));
            }
        }
    }

    /// The place of the object `name`.
    fn object(&mut self, name: &str, file: &File, line: u64) -> usize {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = self.objects.len();
        self.places.insert(name.to_owned(), place);
        self.objects.push(Dumped {
            name: name.to_owned(),
            file: file.name.clone(),
            line,
            rows: Vec::new(),
        });
        place
    }

    /// Notes an attribute; a second value for it is a fault.
    fn note(
        &mut self,
        object: usize,
        attribute: String,
        value: String,
        at: &impl Fn(String) -> FileFault,
    ) {
        let Some(object) = self.objects.get_mut(object) else { return };
        match object.rows.iter().find(|(known, _)| *known == attribute) {
            Some((_, known)) if *known != value => self.faults.push(at(format!(
                "{}: {} is \"{}\" here and \"{}\" before",
                printable(&object.name),
                printable(&attribute),
                printable(&value),
                printable(known)
            ))),
            Some(_) => {}
            None => object.rows.push((attribute, value)),
        }
    }
}

/// A row of a table: name and values. The name alone begins a long listing.
fn row(line: &str) -> Option<(String, Vec<String>)> {
    let (name, rest) = line.split_once(':')?;
    (is_name(name) && !rest.trim().is_empty()).then(|| (name.to_owned(), fields(rest)))
}

/// Values, each followed by a colon.
fn fields(text: &str) -> Vec<String> {
    let text = text.trim_end();
    let text = text.strip_suffix(':').unwrap_or(text);
    text.split(':').map(ToOwned::to_owned).collect()
}

/// A line of the long form: `   attribute = value`. Where the value is empty the line may end with the sign.
fn attribute(line: &str) -> Option<(String, String)> {
    let (attribute, value) = line.split_once('=')?;
    let attribute = attribute.trim();
    let good = !attribute.is_empty() && !attribute.contains(char::is_whitespace);
    good.then(|| (attribute.to_owned(), value.trim().to_owned()))
}

fn is_name(text: &str) -> bool {
    text.parse::<crate::id::ObjectName>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> File {
        File { name: "dump".to_owned(), text: text.to_owned() }
    }

    fn texts(faults: &[FileFault]) -> Vec<String> {
        faults.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn listings_and_tables_come_together() {
        let text = "\
# lsnim -l aix01
aix01:
   class          = machines
   type           = standalone
   comments       = a = b: c
   prev_state     =
   if1            = vlan4 aix01 0 ent0
vlan4:
   class    = networks
   type     = ent

#name:cpuid:
aix01:00C2FC000000:
aix02:00C2FC000001:
";
        let (objects, faults) = read(&[file(text)]);
        assert_eq!(faults, []);
        let names: Vec<_> = objects.iter().map(|one| (one.name.as_str(), one.line)).collect();
        assert_eq!(names, [("aix01", 2), ("vlan4", 8), ("aix02", 14)]);
        let rows: Vec<_> = objects[0].rows.iter().map(|(a, v)| (a.as_str(), v.as_str())).collect();
        assert_eq!(
            rows[2..],
            [
                ("comments", "a = b: c"),
                ("prev_state", ""),
                ("if1", "vlan4 aix01 0 ent0"),
                ("cpuid", "00C2FC000000")
            ]
        );
    }

    #[test]
    fn what_cannot_be_read_is_not_guessed() {
        let text = "\
#name:Cstate:info:Cstate_result:
viosa1:ready for a NIM operation:success:
aix01:
   type = standalone
   nonsense
what is this
   type = lost
";
        let (_, faults) = read(&[file(text), file("aix01:\n   type = vios\n")]);
        assert_eq!(
            texts(&faults),
            [
                "dump:2: viosa1: 2 values for 3 attributes: where one has no value lsnim -Z moves the others; take lsnim -l of it",
                "dump:5: \"   nonsense\" is no attribute of an object",
                "dump:6: \"what is this\" is no line of a listing",
                "dump:7: \"   type = lost\" is no attribute of an object",
                "dump:2: aix01: type is \"vios\" here and \"standalone\" before",
            ]
        );
    }
}
