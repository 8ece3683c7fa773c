//! From an object of a listing to one of ours, and what stands against it.
//!
//! What NIM shows for a moment (states, allocations) is not taken over; what this master does not keep is listed; what differs from
//! an object that is here is a conflict. Nothing is guessed.

use std::collections::BTreeMap;

use crate::api::FileFault;
use crate::id::{ObjectName, printable};
use crate::object::{Draft, Interface, Need, Object, ObjectClass, ObjectType, Spec, is_kept};

use super::dump::Dumped;
use super::predefined::is_other_type;

/// What a listing comes to.
#[derive(Debug, Default)]
pub struct Taken {
    /// Objects that are new or have more than the one that is here, in the order of the listing; none with conflicts.
    pub objects: Vec<Object>,
    /// How many are here as the listing has them.
    pub same: usize,
    /// What is not taken over, each with its reason.
    pub left_out: Vec<String>,
    /// What differs from what is here: path is the object.
    pub conflicts: Vec<FileFault>,
    /// What cannot be read.
    pub faults: Vec<FileFault>,
}

/// Takes over `dumped`. `here` are the objects that are here, by name.
#[must_use]
pub fn take(dumped: &[Dumped], here: &BTreeMap<ObjectName, Object>) -> Taken {
    let mut taken = Taken::default();
    for one in dumped {
        taken.one(one, dumped, here);
    }
    taken
}

/// What is read of one object.
struct Given {
    /// Attributes as ours, in order.
    pairs: Vec<(String, String)>,
    /// The HMC that a profile names.
    hmc: Option<String>,
}

impl Taken {
    fn one(&mut self, one: &Dumped, dumped: &[Dumped], here: &BTreeMap<ObjectName, Object>) {
        let fault = |path: &str, message: String| FileFault {
            file: Some(one.file.clone()),
            line: Some(one.line),
            path: path.to_owned(),
            message,
        };
        let Ok(name) = one.name.parse::<ObjectName>() else {
            return self.faults.push(fault(&one.name, "is no name of an object".to_owned()));
        };
        let before = here.get(&name);
        let of = match (value(one, "type"), before) {
            (Some(text), _) => match text.parse::<ObjectType>() {
                Ok(of) => of,
                Err(_) if is_other_type(text) => {
                    return self
                        .left_out
                        .push(format!("{name}: objects of type {text} are not kept here"));
                }
                Err(unknown) => return self.faults.push(fault(&one.name, unknown.to_string())),
            },
            (None, Some(before)) => before.spec.object_type(),
            (None, None) => {
                return self.faults.push(fault(
                    &one.name,
                    "its type is in no listing, and it is not here".to_owned(),
                ));
            }
        };
        let given = self.given(&name, of, one);
        if let Some(before) = before {
            return self.merge(before, of, &given, one);
        }
        if let Some(problem) = profile_problem(&given, dumped, here) {
            self.conflicts.push(fault(&one.name, problem));
            return;
        }
        let mut draft = Draft::new(of);
        given.pairs.iter().for_each(|(attribute, value)| draft.add(attribute, value));
        match draft.finish(name) {
            Ok(object) => self.objects.push(object),
            Err(faults) => {
                self.faults.extend(faults.iter().map(|bad| fault(&one.name, bad.to_string())))
            }
        }
    }

    /// The attributes of one object, as ours.
    fn given(&mut self, name: &ObjectName, of: ObjectType, one: &Dumped) -> Given {
        let mut given = Given { pairs: Vec::new(), hmc: None };
        for (attribute, value) in &one.rows {
            if value.is_empty() || is_momentary(attribute, of) {
                continue;
            }
            let mut add = |attribute: &str, value: &str| {
                given.pairs.push((attribute.to_owned(), value.to_owned()));
            };
            match (of, attribute.as_str()) {
                (ObjectType::Cec, "serial") => match serial(value) {
                    Some(parts) => {
                        ["hw_type", "hw_model", "hw_serial"]
                            .iter()
                            .zip(parts)
                            .for_each(|(a, v)| add(a, v));
                    }
                    None => self.left_out.push(format!(
                        "{name}: serial \"{}\" is not TYPE-MODEL*SERIAL",
                        printable(value)
                    )),
                },
                (ObjectType::Cec, "hmc" | "manager") => add("mgmt_source", value),
                (ObjectType::Standalone | ObjectType::Vios, "mgmt_profile1") => {
                    match value.split_ascii_whitespace().collect::<Vec<_>>()[..] {
                        [hmc, id, frame, ..] => {
                            add("mgmt_source", frame);
                            add("identity", id);
                            given.hmc = Some(hmc.to_owned());
                        }
                        _ => self.left_out.push(format!(
                            "{name}: mgmt_profile1 \"{}\" is not HMC ID FRAME",
                            printable(value)
                        )),
                    }
                }
                (ObjectType::MacGroup, attribute) if attribute.starts_with("member") => {
                    match value.strip_suffix(super::row::EXCLUDED) {
                        Some(member) => {
                            add("member", member);
                            add("excluded", member);
                        }
                        None => {
                            let (member, mark) = value.split_once(';').unwrap_or((value, ""));
                            add("member", member.trim());
                            if !mark.is_empty() {
                                self.left_out.push(format!(
                                    "{name}: {member} is {} there; here it is a member as others",
                                    printable(mark.trim())
                                ));
                            }
                        }
                    }
                }
                (_, attribute) if is_known(of, attribute) => add(attribute, value),
                (_, attribute) => {
                    self.left_out.push(format!("{name}: {} is not kept here", printable(attribute)))
                }
            }
        }
        given
    }

    /// Puts what is given to the object that is here: what it lacks is added, what differs is a conflict.
    fn merge(&mut self, before: &Object, of: ObjectType, given: &Given, one: &Dumped) {
        let mut differing = Vec::new();
        match merged(before, of, given, &mut differing) {
            _ if !differing.is_empty() => {}
            Ok(after) if after == *before => self.same += 1,
            Ok(after) => self.objects.push(after),
            Err(faults) => differing.extend(faults),
        }
        self.conflicts.extend(differing.into_iter().map(|message| FileFault {
            file: Some(one.file.clone()),
            line: Some(one.line),
            path: one.name.clone(),
            message,
        }));
    }
}

/// The object that is here with what it lacks; what differs is added to `differing`.
fn merged(
    before: &Object,
    of: ObjectType,
    given: &Given,
    differing: &mut Vec<String>,
) -> Result<Object, Vec<String>> {
    let found = before.spec.object_type();
    if found != of {
        return Err(vec![format!("is of type {found} here and of type {of} there")]);
    }
    let mut draft = Draft::of(before);
    let here = before.attributes();
    let mut lists: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for (attribute, value) in &given.pairs {
        if let Some(list) = list(of, attribute) {
            lists.entry(list).or_default().push(value.clone());
            continue;
        }
        match here.iter().find(|(known, _)| known == attribute) {
            // NIM shows it, and so would we: nobody gave it.
            None if super::row::defaults(of).contains(&(attribute.as_str(), value.as_str())) => {}
            None => draft.add(attribute, value),
            Some((_, known)) if same(known, value) => {}
            Some((_, known)) => differing.push(differs(attribute, known, value)),
        }
    }
    for (attribute, values) in lists {
        let known: Vec<_> = here
            .iter()
            .filter(|(name, _)| list(of, name) == Some(attribute))
            .map(|(_, value)| value.clone())
            .collect();
        // NIM shows one HMC of a frame; here it may have several.
        let within = of == ObjectType::Cec && values.iter().all(|value| known.contains(value));
        if known.is_empty() {
            values.iter().for_each(|value| draft.add(attribute, value));
        } else if known != values && !within {
            differing.push(differs(attribute, &known.join(", "), &values.join(", ")));
        }
    }
    let faults =
        |faults: Vec<crate::object::Fault>| faults.iter().map(ToString::to_string).collect();
    draft.finish(before.name.clone()).map_err(faults)
}

/// A profile whose HMC does not manage its frame, as far as that is known.
fn profile_problem(
    given: &Given,
    dumped: &[Dumped],
    here: &BTreeMap<ObjectName, Object>,
) -> Option<String> {
    let hmc = given.hmc.as_deref()?;
    let (_, frame) = given.pairs.iter().find(|(attribute, _)| attribute == "mgmt_source")?;
    let there = dumped.iter().find(|one| one.name == *frame);
    let mut managers: Vec<String> = there
        .iter()
        .flat_map(|one| ["hmc", "manager"].iter().filter_map(|attribute| value(one, attribute)))
        .map(ToOwned::to_owned)
        .collect();
    if let Some(Spec::Cec(cec)) =
        frame.parse().ok().and_then(|name: ObjectName| here.get(&name)).map(|object| &object.spec)
    {
        managers.extend(cec.mgmt_source.iter().map(ToString::to_string));
    }
    // A frame of which nothing is known is said when the objects are stored.
    if managers.is_empty() || managers.iter().any(|manager| manager == hmc) {
        return None;
    }
    Some(format!(
        "mgmt_profile1 names {hmc}, and {frame} is managed by {}: add {hmc} to it (nim -o change -a add_mgmt_source={hmc} {frame}), or correct the profile",
        managers.join(", ")
    ))
}

fn value<'a>(one: &'a Dumped, attribute: &str) -> Option<&'a str> {
    one.rows.iter().find(|(known, _)| known == attribute).map(|(_, value)| value.as_str())
}

fn differs(attribute: &str, here: &str, there: &str) -> String {
    format!("{attribute} is \"{}\" here and \"{}\" there", printable(here), printable(there))
}

/// Whether two values mean the same: interfaces may have other blanks between their words.
fn same(one: &str, other: &str) -> bool {
    let interface = |text: &str| text.parse::<Interface>().ok();
    one == other || interface(one).is_some_and(|read| Some(read) == interface(other))
}

/// What NIM shows of a moment, not of the object.
fn is_momentary(attribute: &str, of: ObjectType) -> bool {
    const STATES: [&str; 11] = [
        "class",
        "type",
        "Cstate",
        "prev_state",
        "Mstate",
        "Rstate",
        "Nstate",
        "info",
        "Cstate_result",
        "Rstate_result",
        "alloc_count",
    ];
    // A machine has a line for each resource that is allocated to it.
    let stem = attribute.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_resource =
        stem.parse::<ObjectType>().is_ok_and(|of| of.class() == ObjectClass::Resources)
            || is_other_type(stem);
    let is_machine = matches!(of, ObjectType::Master | ObjectType::Standalone | ObjectType::Vios);
    STATES.contains(&attribute) || (is_machine && is_resource)
}

/// `TYPE-MODEL*SERIAL` in parts.
fn serial(text: &str) -> Option<[&str; 3]> {
    let (machine, serial) = text.split_once('*')?;
    let (of, model) = machine.split_once('-')?;
    Some([of, model, serial])
}

/// The list that an attribute is an entry of.
fn list(of: ObjectType, attribute: &str) -> Option<&'static str> {
    let stem = attribute.trim_end_matches(|c: char| c.is_ascii_digit());
    let mut lists = Spec::known(of).iter().filter(|one| one.need == Need::List);
    lists.find(|one| one.name == stem || one.name == attribute).map(|one| one.name)
}

fn is_known(of: ObjectType, attribute: &str) -> bool {
    attribute == "comments"
        || list(of, attribute).is_some()
        || Spec::known(of).iter().any(|one| one.name == attribute)
        || is_kept(attribute, Spec::kept(of))
}

#[cfg(test)]
mod tests;
