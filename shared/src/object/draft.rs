//! An object in the making: attributes as text, from wherever they come, and what is wrong with them.

use std::collections::BTreeMap;

use crate::id::ObjectName;

use super::spec::{Need, is_kept};
use super::{Attribute, LABEL, MASTER, Object, ObjectType, Problem, Spec};

/// Attributes of an object of one type, as text, not yet checked.
#[derive(Clone, Debug)]
pub struct Draft {
    object_type: ObjectType,
    given: BTreeMap<String, Vec<String>>,
    faults: Vec<Fault>,
}

/// What is wrong with one attribute.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{attribute}: {problem}")]
pub struct Fault {
    /// The attribute.
    pub attribute: String,
    /// What is wrong.
    pub problem: Problem,
}

impl Draft {
    /// Nothing is set.
    #[must_use]
    pub const fn new(object_type: ObjectType) -> Self {
        Self { object_type, given: BTreeMap::new(), faults: Vec::new() }
    }

    /// What `object` has, to be changed.
    #[must_use]
    pub fn of(object: &Object) -> Self {
        let mut draft = Self::new(object.spec.object_type());
        for (attribute, value) in object.attributes() {
            draft.add(&attribute, &value);
        }
        draft
    }

    /// Sets `attribute` to `value`, in place of what it had. An empty value clears it. In a list, a numbered attribute
    /// (`mgmt_source2`) sets that entry.
    pub fn set(&mut self, attribute: &str, value: &str) {
        let (name, number) = self.slot(attribute);
        match (number, self.given.get_mut(&name)) {
            (Some(number), Some(list)) if (1..=list.len()).contains(&number) => {
                if value.is_empty() {
                    list.remove(number - 1);
                } else {
                    value.clone_into(&mut list[number - 1]);
                }
            }
            (Some(_), _) => self.add(attribute, value),
            (None, _) => {
                self.given.remove(&name);
                if !value.is_empty() {
                    self.given.insert(name, vec![value.to_owned()]);
                }
            }
        }
    }

    /// Gives `attribute` once more: another entry of a list, or one too many of anything else.
    pub fn add(&mut self, attribute: &str, value: &str) {
        let (name, _) = self.slot(attribute);
        self.given.entry(name).or_default().push(value.to_owned());
    }

    /// Takes the entry `value` out of the list `attribute`.
    ///
    /// # Errors
    /// [`Fault`] when it is not in the list.
    pub fn remove(&mut self, attribute: &str, value: &str) -> Result<(), Fault> {
        let list = self.given.entry(attribute.to_owned()).or_default();
        match list.iter().position(|entry| entry == value) {
            Some(at) => {
                list.remove(at);
                Ok(())
            }
            None => Err(Fault {
                attribute: attribute.to_owned(),
                problem: Problem::Unreadable(format!("\"{value}\" is not in it")),
            }),
        }
    }

    /// Forgets that somebody is left out of a group who is no longer in it. What was not so in `before` stays, to be found wrong.
    pub fn settle(&mut self, before: &Spec) {
        let Spec::MacGroup(before) = before else { return };
        let members = self.given.get("member").cloned().unwrap_or_default();
        let is_member = |name: &str| {
            members.iter().any(|text| text.split(',').any(|member| member.trim() == name))
        };
        if let Some(excluded) = self.given.get_mut("excluded") {
            excluded.retain(|name| {
                is_member(name) || !before.excluded.iter().any(|was| was.as_str() == name)
            });
        }
    }

    /// The object.
    ///
    /// # Errors
    /// All faults at once, in the order of the type's attributes, unknown ones last.
    pub fn finish(mut self, name: ObjectName) -> Result<Object, Vec<Fault>> {
        let mut spec = Spec::read(self.object_type, &mut self);
        if let Some(Spec::MacGroup(group)) = &mut spec {
            // Their order means nothing: that of the members it is.
            group.excluded.sort_by_key(|name| group.member.iter().position(|one| one == name));
            for name in group.excluded.iter().filter(|name| !group.member.contains(name)) {
                let problem = Problem::Unreadable(format!("\"{name}\" is no member of the group"));
                self.faults.push(Fault { attribute: "excluded".to_owned(), problem });
            }
        }
        if (self.object_type == ObjectType::Master) != (name.as_str() == MASTER) {
            let problem =
                Problem::Unreadable(format!("the master is called {MASTER}, and nothing else is"));
            self.faults.push(Fault { attribute: "name".to_owned(), problem });
        }
        let comments: Option<Option<String>> = self.take("comments");
        let mut labels = BTreeMap::new();
        for (attribute, mut values) in std::mem::take(&mut self.given) {
            match attribute.strip_prefix(LABEL) {
                Some(key) if is_label_key(key) && values.len() == 1 => {
                    labels.insert(key.to_owned(), values.remove(0));
                }
                Some(_) => self.faults.push(Fault {
                    attribute,
                    problem: Problem::Unreadable(
                        "a label is label.KEY=VALUE, once, KEY of letters, digits, `_`, `-`, `.` and `/`".to_owned(),
                    ),
                }),
                None => {
                    let problem = Problem::Unreadable(self.known());
                    self.faults.push(Fault { attribute, problem });
                }
            }
        }
        match (spec, comments) {
            (Some(spec), Some(comments)) if self.faults.is_empty() => {
                Ok(Object { name, spec, comments, labels })
            }
            _ => Err(self.faults),
        }
    }

    /// Reads `attribute` and takes it out; `None` notes a fault.
    pub(super) fn take<T: Attribute>(&mut self, attribute: &'static str) -> Option<T> {
        let texts = self.given.remove(attribute).unwrap_or_default();
        match T::read(&texts) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.faults.push(Fault { attribute: attribute.to_owned(), problem });
                None
            }
        }
    }

    /// Takes out the attributes that are only kept; `None` notes a fault.
    pub(super) fn take_kept(&mut self, patterns: &[&str]) -> Option<BTreeMap<String, String>> {
        let names: Vec<_> =
            self.given.keys().filter(|name| is_kept(name, patterns)).cloned().collect();
        let mut kept = BTreeMap::new();
        let mut sound = true;
        for name in names {
            let texts = self.given.remove(&name).unwrap_or_default();
            match <Option<String>>::read(&texts) {
                Ok(value) => kept.extend(value.map(|value| (name, value))),
                Err(problem) => {
                    self.faults.push(Fault { attribute: name, problem });
                    sound = false;
                }
            }
        }
        sound.then_some(kept)
    }

    /// Splits the number off the name of a list's entry: `mgmt_source2` → `mgmt_source`, 2.
    fn slot(&self, attribute: &str) -> (String, Option<usize>) {
        let known = Spec::known(self.object_type);
        let stem = attribute.trim_end_matches(|c: char| c.is_ascii_digit());
        let is_list = known.iter().any(|one| one.name == stem && one.need == Need::List);
        match attribute[stem.len()..].parse() {
            Ok(number) if is_list => (stem.to_owned(), Some(number)),
            _ => (attribute.to_owned(), None),
        }
    }

    /// Says that an attribute is unknown, and which are known.
    fn known(&self) -> String {
        let known: Vec<_> = Spec::known(self.object_type).iter().map(|one| one.name).collect();
        format!(
            "is no attribute of type {}; known are {}, comments, label.KEY",
            self.object_type,
            known.join(", ")
        )
    }
}

/// Whether `key` can be the key of a label.
#[must_use]
pub fn is_label_key(key: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    !key.is_empty() && key.len() <= 63 && key.chars().all(allowed)
}
