//! Fleet files: NIM objects in YAML, by type within a document.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use crate::api::{File, FileFault};
use crate::id::{ObjectName, printable};
use crate::near::closest;
use crate::object::{Draft, Known, LABEL, Need, Object, ObjectType, Spec, is_kept};

use super::node::{self, Key, Node, Value};
use super::{FAULT_LIMIT, FILE_LIMIT};

/// The objects of one or more fleet files, and what is wrong with the files.
///
/// A file holds one or more documents; each is a mapping from NIM's types to lists of objects:
///
/// ```yaml
/// cec:
/// - name: p10-a
///   hw_type: 9105
///   hw_model: 42A
///   hw_serial: 78ABCDE
///   mgmt_source: [hmc01, hmc02]
///   labels: {site: north}
/// ```
///
/// An object has `name`, the attributes of its type, `comments` and `labels`. An attribute that is a list takes a YAML list or
/// one value, or numbered attributes as NIM shows them (`mgmt_source2`). Every value is taken as it is written: `0123456` keeps
/// its zero. An empty value is not set.
#[derive(Debug, Default)]
pub struct Fleet {
    objects: Vec<(Object, Place)>,
    /// Every object that has a name, also one with faults: whoever mentions it makes no fault of his own.
    named: BTreeMap<ObjectName, (ObjectType, Place)>,
    /// Every mention of another object, also in one with faults.
    mentions: Vec<Mention>,
    /// Names of the files, in order.
    files: Vec<String>,
    faults: Vec<FileFault>,
    more_faults: bool,
}

/// Where an object was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Name of the file.
    pub file: String,
    /// Line, from 1.
    pub line: u64,
    /// Path in the file: `cec[0]`.
    pub path: String,
}

/// A mention of another object.
#[derive(Debug)]
struct Mention {
    name: ObjectName,
    types: &'static [ObjectType],
    place: Place,
}

/// What was written for each attribute: one row a value, in order.
type Attributes = BTreeMap<String, Vec<Written>>;

#[derive(Debug)]
struct Written {
    text: String,
    line: u64,
    /// Index in a YAML list; `None` for a single value.
    index: Option<usize>,
}

impl Fleet {
    /// Reads `files`. Never fails: what is wrong is kept, and said by [`Fleet::check`].
    #[must_use]
    pub fn read(files: &[File]) -> Self {
        let mut fleet = Self::default();
        for file in files {
            fleet.files.push(file.name.clone());
            fleet.read_file(file);
        }
        fleet
    }

    /// The names that the files define or mention: what a store has to be asked for before [`Fleet::check`].
    #[must_use]
    pub fn names(&self) -> HashSet<ObjectName> {
        let mentioned = self.mentions.iter().map(|one| &one.name);
        self.named.keys().chain(mentioned).cloned().collect()
    }

    /// The objects, in the order of the files, each with its place. `exists` tells the type of an object that is there already.
    ///
    /// # Errors
    /// All faults of all files, in their order: what cannot be read, and references to objects that are neither in the files
    /// nor there already, or are of a type that cannot be meant.
    pub fn check(
        mut self,
        exists: impl Fn(&ObjectName) -> Option<ObjectType>,
    ) -> Result<Vec<(Object, Place)>, Vec<FileFault>> {
        for mention in std::mem::take(&mut self.mentions) {
            let written = self.named.get(&mention.name).map(|(object_type, _)| *object_type);
            let found = written.or_else(|| exists(&mention.name));
            if !found.is_some_and(|found| mention.types.contains(&found)) {
                let message = self.bad_mention(&mention, found);
                self.refuse(&mention.place, message);
            }
        }
        if self.faults.is_empty() {
            return Ok(self.objects);
        }
        let files = &self.files;
        self.faults.sort_by_key(|fault| {
            (files.iter().position(|file| Some(file) == fault.file.as_ref()), fault.line)
        });
        if self.more_faults {
            let message = format!("more than {FAULT_LIMIT} faults; the rest is not listed");
            self.faults.push(FileFault { file: None, line: None, path: String::new(), message });
        }
        Err(self.faults)
    }

    fn read_file(&mut self, file: &File) {
        let place = Place { file: file.name.clone(), line: 1, path: String::new() };
        if file.text.len() > FILE_LIMIT {
            let limit = FILE_LIMIT >> 20;
            return self.refuse(&place, format!("is larger than {limit} MB; split the file"));
        }
        let (documents, broken) = node::documents(&file.text);
        for document in documents {
            self.read_document(&document, &place);
        }
        if let Some(broken) = broken {
            self.refuse(&Place { line: broken.line, ..place }, broken.message);
        }
    }

    fn read_document(&mut self, document: &Node, place: &Place) {
        let place = Place { line: document.line, ..place.clone() };
        let types = match &document.value {
            Value::Map(types) => types,
            Value::Null => return,
            Value::Text(_) | Value::List(_) => {
                let found = document.value.kind();
                return self.refuse(
                    &place,
                    format!("is {found}; a fleet is a mapping from types to lists of objects"),
                );
            }
        };
        for (key, node) in self.distinct(types, &place) {
            let place = place.of(&key.text, key.line);
            match key.text.parse::<ObjectType>() {
                Ok(object_type) => self.read_objects(object_type, node, &place),
                Err(unknown) => {
                    let known = unknown.known.iter().copied();
                    let message = format!("{unknown}{}", meant(&key.text, known));
                    self.refuse(&place, message);
                }
            }
        }
    }

    fn read_objects(&mut self, object_type: ObjectType, node: &Node, place: &Place) {
        let objects = match &node.value {
            Value::List(objects) => objects,
            Value::Null => return,
            Value::Text(_) | Value::Map(_) => {
                let found = node.value.kind();
                return self.refuse(place, format!("is {found}; it takes a list of objects"));
            }
        };
        for (index, object) in objects.iter().enumerate() {
            let path = format!("{}[{index}]", place.path);
            self.read_object(
                object_type,
                object,
                Place { path, line: object.line, ..place.clone() },
            );
        }
    }

    fn read_object(&mut self, object_type: ObjectType, node: &Node, place: Place) {
        let Value::Map(pairs) = &node.value else {
            let found = node.value.kind();
            return self.refuse(&place, format!("is {found}; an object is a mapping with a name"));
        };
        let mut draft = Draft::new(object_type);
        let mut attributes = Attributes::new();
        let mut name = None;
        let mut sound = true;
        // What cannot be a value is told once, and not missed a second time.
        let mut refused = HashSet::new();
        for (key, node) in self.distinct(pairs, &place) {
            let at = place.of(&key.text, node.line);
            match (key.text.as_str(), &node.value) {
                ("name" | "labels", Value::Null) => {}
                ("name", Value::Text(text)) => match text.parse::<ObjectName>() {
                    Ok(parsed) => name = Some(parsed),
                    Err(bad) => {
                        self.refuse(&at, bad.to_string());
                        sound = false;
                    }
                },
                ("labels", Value::Map(labels)) => {
                    for (key, node) in self.distinct(labels, &at) {
                        let at = at.of(&key.text, node.line);
                        let attribute = format!("{LABEL}{}", key.text);
                        sound &= self.write(&attribute, node, &at, &mut attributes);
                    }
                }
                ("name" | "labels", other) => {
                    let (word, found) = (&key.text, other.kind());
                    self.refuse(&at, format!("is {found}; {word} is not written so"));
                    sound = false;
                }
                (attribute, _) => {
                    if !self.write(attribute, node, &at, &mut attributes) {
                        refused.insert(attribute.to_owned());
                    }
                }
            }
        }
        match &name {
            Some(name) => sound &= self.take_name(name, object_type, &place),
            None if sound => {
                self.refuse(&place.of("name", place.line), "is required".to_owned());
                sound = false;
            }
            None => {}
        }
        for (attribute, rows) in &attributes {
            rows.iter().for_each(|row| draft.add(attribute, &row.text));
            if rows.is_empty() && !is_known(object_type, attribute) {
                draft.add(attribute, "");
            }
        }
        self.mentions.extend(mentions(object_type, &attributes, &place));
        // Without a name the other faults are wanted all the same.
        let named = name.clone().or_else(|| "unnamed".parse().ok());
        match named.map(|name| draft.finish(name)) {
            Some(Ok(object)) if sound && refused.is_empty() => {
                self.objects.push((object, place));
            }
            Some(Err(faults)) => {
                for fault in faults.iter().filter(|fault| !refused.contains(&fault.attribute)) {
                    let hint = if is_known(object_type, &fault.attribute) {
                        String::new()
                    } else {
                        let known = Spec::known(object_type).iter().map(|one| one.name);
                        meant(&fault.attribute, known.chain(["name", "comments", "labels"]))
                    };
                    let line = attributes.get(&fault.attribute).and_then(|rows| rows.first());
                    let at = place
                        .of_attribute(&fault.attribute, line.map_or(place.line, |row| row.line));
                    self.refuse(&at, format!("{}{hint}", fault.problem));
                }
            }
            Some(Ok(_)) | None => {}
        }
    }

    /// Notes what was written for `attribute`. `false` when it is no value and no list of values.
    fn write(&mut self, attribute: &str, node: &Node, at: &Place, into: &mut Attributes) -> bool {
        let values = match &node.value {
            Value::Null => Vec::new(),
            Value::Text(text) => vec![(None, text, node.line)],
            Value::List(items) => {
                let mut values = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    match &item.value {
                        Value::Text(text) => values.push((Some(index), text, item.line)),
                        Value::Null => {}
                        Value::List(_) | Value::Map(_) => {
                            let path = format!("{}[{index}]", at.path);
                            let at = Place { path, line: item.line, ..at.clone() };
                            let found = item.value.kind();
                            self.refuse(&at, format!("is {found}; a list holds single values"));
                            return false;
                        }
                    }
                }
                values
            }
            Value::Map(_) => {
                self.refuse(
                    at,
                    "is a mapping; an attribute is one value or a list of values".to_owned(),
                );
                return false;
            }
        };
        let rows = values.into_iter().filter(|(_, text, _)| !text.is_empty());
        let rows = rows.map(|(index, text, line)| Written { text: text.clone(), line, index });
        into.entry(attribute.to_owned()).or_default().extend(rows);
        true
    }

    /// `pairs` without those whose key was there before, which are faults.
    fn distinct<'n>(
        &mut self,
        pairs: &'n [(Key, Rc<Node>)],
        place: &Place,
    ) -> Vec<(&'n Key, &'n Node)> {
        let mut first: HashMap<&str, u64> = HashMap::new();
        let mut kept = Vec::new();
        for (key, node) in pairs {
            match first.get(key.text.as_str()) {
                Some(line) => {
                    let message = format!("is written twice; the first time in line {line}");
                    self.refuse(&place.of(&key.text, key.line), message);
                }
                None => {
                    first.insert(&key.text, key.line);
                    kept.push((key, &**node));
                }
            }
        }
        kept
    }

    /// Notes that `name` is taken. `false` when it was before.
    fn take_name(&mut self, name: &ObjectName, object_type: ObjectType, place: &Place) -> bool {
        if let Some((other_type, other)) = self.named.get(name) {
            let at = place.of("name", place.line);
            let message = format!(
                "\"{name}\" is the name of another object: the {other_type} in {}:{}",
                printable(&other.file),
                other.line
            );
            self.refuse(&at, message);
            return false;
        }
        self.named.insert(name.clone(), (object_type, place.clone()));
        true
    }

    /// Says why what `mention` names cannot be meant; `found` is the type of what has the name.
    fn bad_mention(&self, mention: &Mention, found: Option<ObjectType>) -> String {
        let types: Vec<_> = mention.types.iter().map(|one| one.name()).collect();
        let types = types.join(" or ");
        let name = &mention.name;
        match found {
            Some(other) => format!("\"{name}\" is of type {other}; {types} is wanted"),
            None => {
                let fitting = self.named.iter().filter(|(_, (of, _))| mention.types.contains(of));
                let known = fitting.map(|(name, _)| name.as_str());
                format!("no {types} is called \"{name}\"{}", meant(name.as_str(), known))
            }
        }
    }

    fn refuse(&mut self, place: &Place, message: String) {
        self.fault(FileFault {
            file: Some(place.file.clone()),
            line: Some(place.line),
            path: place.path.clone(),
            message,
        });
    }

    fn fault(&mut self, fault: FileFault) {
        if self.faults.len() < FAULT_LIMIT {
            self.faults.push(fault);
        } else {
            self.more_faults = true;
        }
    }
}

impl Place {
    /// The place of `key` inside this one.
    fn of(&self, key: &str, line: u64) -> Self {
        let key = printable(key);
        let path = if self.path.is_empty() { key } else { format!("{}.{key}", self.path) };
        Self { file: self.file.clone(), line, path }
    }

    /// The place of an attribute: a label is written under `labels`.
    fn of_attribute(&self, attribute: &str, line: u64) -> Self {
        match attribute.strip_prefix(LABEL) {
            Some(key) => self.of("labels", line).of(key, line),
            None => self.of(attribute, line),
        }
    }
}

/// The mentions of other objects in what was written for an object. What is no name is a fault that its attribute reports.
fn mentions(of: ObjectType, attributes: &Attributes, place: &Place) -> Vec<Mention> {
    let mut found = Vec::new();
    for (attribute, rows) in attributes {
        let Some(known) = known(of, attribute).filter(|known| !known.refers_to.is_empty()) else {
            continue;
        };
        for row in rows {
            let mut at = place.of(attribute, row.line);
            row.index.iter().for_each(|index| at.path += &format!("[{index}]"));
            let names = row.text.split(',').filter_map(|name| name.trim().parse().ok());
            found.extend(names.map(|name| Mention {
                name,
                types: known.refers_to,
                place: at.clone(),
            }));
        }
    }
    found
}

/// What is known of `attribute`, as itself or as a numbered entry of a list.
fn known(of: ObjectType, attribute: &str) -> Option<&'static Known> {
    let stem = attribute.trim_end_matches(|c: char| c.is_ascii_digit());
    let same = |one: &&Known| one.name == attribute || (one.need == Need::List && one.name == stem);
    Spec::known(of).iter().find(same)
}

/// Whether objects of the type have `attribute`, as itself or as a numbered entry of a list.
fn is_known(of: ObjectType, attribute: &str) -> bool {
    attribute == "comments"
        || attribute.starts_with(LABEL)
        || known(of, attribute).is_some()
        || is_kept(attribute, Spec::kept(of))
}

/// `; did you mean "…"?` where one of `known` is close to `typed`.
fn meant<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    closest(typed, known).map(|name| format!("; did you mean \"{name}\"?")).unwrap_or_default()
}
