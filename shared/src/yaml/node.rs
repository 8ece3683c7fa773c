//! A document as a tree of nodes, each with its line, scalars with their text as it was written.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::library::{self, Event, ScalarStyle, Tag};

/// A node and where it begins.
#[derive(Debug)]
pub struct Node {
    /// Line in its file, from 1.
    pub line: u64,
    /// What it is.
    pub value: Value,
    /// How many nodes it consists of, aliases counted in full.
    size: usize,
    /// How many levels it has, aliases counted in full: what lies too deep would be too deep to drop.
    depth: usize,
}

/// What a node is.
#[derive(Debug)]
pub enum Value {
    /// Nothing: an empty place, `~` or `null`.
    Null,
    /// A scalar, with its text.
    Text(String),
    /// A list.
    List(Vec<Rc<Node>>),
    /// Keys and values, in the order of the file.
    Map(Vec<(Key, Rc<Node>)>),
}

/// The key of a mapping.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its text.
    pub text: String,
    /// Its line, from 1.
    pub line: u64,
}

impl Value {
    /// What it is, for a message.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Text(_) => "a single value",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }
}

/// What keeps a text from being read, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// Line, from 1.
    pub(super) line: u64,
    /// What is wrong.
    pub(super) message: String,
}

/// Reads the documents of `text`. Where one is broken, those before it are given with the reason why it is not.
pub(super) fn documents(text: &str) -> (Vec<Rc<Node>>, Option<Broken>) {
    let mut builder = Builder::default();
    for next in library::events(text, DEPTH_LIMIT) {
        let step = match next {
            Ok((event, at)) => builder.take(event, line(at)),
            Err((at, info)) => {
                Err(Broken { line: line(at), message: format!("is no YAML: {info}") })
            }
        };
        if let Err(broken) = step {
            return (builder.documents, Some(broken));
        }
    }
    (builder.documents, None)
}

/// How deep nodes may lie in each other. A fleet has four levels.
const DEPTH_LIMIT: usize = 32;

/// Most nodes of one file once every alias is written out.
const NODE_LIMIT: usize = 8_000_000;

/// A line number as messages have it. The parser counts from 1.
fn line(parsed: usize) -> u64 {
    u64::try_from(parsed).unwrap_or(u64::MAX).max(1)
}

/// Puts events together to nodes.
#[derive(Default)]
struct Builder {
    documents: Vec<Rc<Node>>,
    /// Lists and mappings that are not yet at their end, outermost first.
    open: Vec<Open>,
    anchors: HashMap<usize, Rc<Node>>,
    total: usize,
}

/// A list or mapping that is not yet at its end.
struct Open {
    line: u64,
    anchor: usize,
    size: usize,
    depth: usize,
    into: Into,
}

impl Open {
    const fn new(line: u64, anchor: usize, into: Into) -> Self {
        Self { line, anchor, size: 1, depth: 1, into }
    }
}

enum Into {
    List(Vec<Rc<Node>>),
    Map { pairs: Vec<(Key, Rc<Node>)>, key: Option<Key> },
}

impl Builder {
    fn take(&mut self, event: Event<'_>, line: u64) -> Result<(), Broken> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                refuse_tag(tag.as_deref(), line)?;
                let plain = matches!(style, ScalarStyle::Plain) && tag.is_none();
                let value = if plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL") {
                    Value::Null
                } else {
                    Value::Text(text.into_owned())
                };
                self.place(Rc::new(Node { line, value, size: 1, depth: 1 }), anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                refuse_tag(tag.as_deref(), line)?;
                self.open.push(Open::new(line, anchor, Into::List(Vec::new())));
                Ok(())
            }
            Event::MappingStart(_, anchor, tag) => {
                refuse_tag(tag.as_deref(), line)?;
                let into = Into::Map { pairs: Vec::new(), key: None };
                self.open.push(Open::new(line, anchor, into));
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open { line, anchor, size, depth, into }) => {
                    let value = match into {
                        Into::List(items) => Value::List(items),
                        Into::Map { pairs, .. } => Value::Map(merged(pairs)?),
                    };
                    self.place(Rc::new(Node { line, value, size, depth }), anchor)
                }
                None => Ok(()),
            },
            Event::Alias(anchor) => match self.anchors.get(&anchor).cloned() {
                Some(node) => self.place(node, 0),
                // Its anchor is on a node that is still open.
                None => {
                    Err(Broken { line, message: "is an alias of what it stands in".to_owned() })
                }
            },
            // Anchors and their aliases belong to one document.
            Event::DocumentEnd => {
                self.anchors.clear();
                Ok(())
            }
            // The rest is no node: begin and end of things, comments, names of anchors.
            _ => Ok(()),
        }
    }

    /// Puts a finished node where it belongs.
    fn place(&mut self, node: Rc<Node>, anchor: usize) -> Result<(), Broken> {
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        self.total = self.total.saturating_add(node.size);
        if self.total > NODE_LIMIT {
            let message =
                format!("holds more than {NODE_LIMIT} values, once its aliases are written out");
            return Err(Broken { line: node.line, message });
        }
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        open.size = open.size.saturating_add(node.size);
        open.depth = open.depth.max(node.depth + 1);
        if open.depth > DEPTH_LIMIT {
            let message = format!("lies more than {DEPTH_LIMIT} levels deep");
            return Err(Broken { line: node.line, message });
        }
        match &mut open.into {
            Into::List(items) => items.push(node),
            Into::Map { pairs, key } => match key.take() {
                Some(key) => pairs.push((key, node)),
                None => {
                    let Value::Text(text) = &node.value else {
                        let message = format!("the key of a mapping is {}", node.value.kind());
                        return Err(Broken { line: node.line, message });
                    };
                    *key = Some(Key { text: text.clone(), line: node.line });
                }
            },
        }
        Ok(())
    }
}

/// A tag asks for another reading of a value than the one that its place in the file gives it.
fn refuse_tag(tag: Option<&Tag>, line: u64) -> Result<(), Broken> {
    match tag {
        None => Ok(()),
        Some(tag) if ["str", "seq", "map"].iter().any(|one| tag.is_yaml_core_schema_tag(one)) => {
            Ok(())
        }
        Some(tag) => {
            let tag = crate::id::printable(&tag.original());
            Err(Broken { line, message: format!("tags such as {tag} are not read here") })
        }
    }
}

/// Writes out `<<: *defaults`: what the mapping has itself goes before what it takes from there.
fn merged(pairs: Vec<(Key, Rc<Node>)>) -> Result<Vec<(Key, Rc<Node>)>, Broken> {
    if !pairs.iter().any(|(key, _)| key.text == "<<") {
        return Ok(pairs);
    }
    let (merges, mut own): (Vec<_>, Vec<_>) =
        pairs.into_iter().partition(|(key, _)| key.text == "<<");
    let mut have: HashSet<String> = own.iter().map(|(key, _)| key.text.clone()).collect();
    for (key, node) in &merges {
        let sources: &[Rc<Node>] = match &node.value {
            Value::List(sources) => sources,
            Value::Map(_) | Value::Text(_) | Value::Null => std::slice::from_ref(node),
        };
        for source in sources {
            let Value::Map(pairs) = &source.value else {
                let message = format!("<< takes a mapping; this is {}", source.value.kind());
                return Err(Broken { line: key.line, message });
            };
            for (key, node) in pairs {
                if have.insert(key.text.clone()) {
                    own.push((key.clone(), Rc::clone(node)));
                }
            }
        }
    }
    Ok(own)
}
