//! Faults of a rehearsal as the lab knows them: by its own names, of which it says which codes they lead to.

use nim_shared::api::{LabCopy, RehearsedFault};
use nim_shared::code::{self, Retry};
use nim_shared::near::closest;
use serde::Serialize;

use crate::error::Error;

/// A fault that the lab can set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    /// Its name.
    name: String,
    /// Message numbers that it leads to, the first one first.
    codes: Vec<String>,
    /// The phase of an update in which it strikes, of one that strikes once: set without it, it strikes before there is an update.
    at: Option<String>,
}

/// A fault to be set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Set {
    /// On which LPAR, HMC or VIOS.
    pub(super) host: String,
    /// Its name in the lab.
    pub(super) fault: String,
    /// The phase in which it is to strike, where that has to be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<String>,
}

/// What was asked for with `--fault`.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// As the rehearsal takes them.
    pub(super) rehearsed: Vec<String>,
    /// For the lab, by its names.
    pub(super) named: Vec<Set>,
    /// For the lab, by what they come to.
    coded: Vec<RehearsedFault>,
    /// What somebody should know of it.
    pub(super) notes: Vec<String>,
}

/// The faults of the output of `nim-lab fault --list`: the name first, then the phase and how long it holds, message numbers last.
pub(super) fn known(list: &str) -> Vec<Known> {
    let lines = list.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let name = words.next()?.to_owned();
        let mut place = words.clone();
        let (phase, holds) = (place.next(), place.next());
        let at = phase.filter(|_| holds == Some("once")).map(str::to_owned);
        let mut codes: Vec<String> =
            words.rev().take_while(|word| is_code(word)).map(str::to_owned).collect();
        codes.reverse();
        Some(Known { name, codes, at })
    });
    lines.collect()
}

/// `1430-045`.
fn is_code(word: &str) -> bool {
    let parts = word.split_once('-');
    parts.is_some_and(|(a, b)| {
        (a.len(), b.len()) == (4, 3)
            && [a, b].iter().all(|one| one.bytes().all(|c| c.is_ascii_digit()))
    })
}

impl Known {
    /// To be set on `host`.
    fn on(&self, host: &str) -> Set {
        Set { host: host.to_owned(), fault: self.name.clone(), at: self.at.clone() }
    }
}

/// Sorts out what was typed. What is no fault of the lab is left to nimd, which knows the codes.
///
/// # Errors
/// A name of the lab's without a host.
pub(super) fn asked(typed: &[String], known: &[Known]) -> Result<Asked, Error> {
    let mut asked = Asked::default();
    for text in typed {
        let (what, at) = text.split_once('=').map_or((&**text, None), |(a, b)| (a, Some(b)));
        let Some(fault) = known.iter().find(|one| one.name == what) else {
            if !is_of_a_rehearsal(what) {
                return Err(unknown(what, known));
            }
            asked.rehearsed.push(text.clone());
            let lpar = at.and_then(|at| at.parse().ok());
            asked.coded.extend(lpar.map(|lpar| of_code(what, lpar)));
            continue;
        };
        let Some(host) = at.filter(|host| !host.ends_with('%')) else {
            return Err(Error::Usage {
                what: format!("{what} is a fault of the lab and says nothing of whom it meets"),
                faults: Vec::new(),
                hint: Some(format!("--fault {what}=LPAR")),
            });
        };
        asked.named.push(fault.on(host));
        match fault.codes.iter().find(|code| stops_an_update(code)) {
            Some(code) => asked.rehearsed.push(format!("{code}={host}")),
            None => asked
                .notes
                .push(format!("{what} is set in the lab alone: no update fails by it there")),
        }
    }
    Ok(asked)
}

/// Whether a rehearsal may take it.
fn is_of_a_rehearsal(what: &str) -> bool {
    matches!(what, "unreachable" | "stuck") || code::find(what).is_some()
}

/// Whether updates fail by it. One that tells of something that is done already, or of nothing wrong, a rehearsal refuses.
fn stops_an_update(code: &str) -> bool {
    code::find(code).is_some_and(|entry| !matches!(entry.retry, Retry::NotNeeded | Retry::Never))
}

fn of_code(what: &str, lpar: nim_shared::id::ObjectName) -> RehearsedFault {
    let code = code::find(what).map(|entry| entry.code.to_owned());
    let state = if code.is_some() { "failed" } else { what };
    RehearsedFault { lpar, state: state.to_owned(), code }
}

fn unknown(what: &str, known: &[Known]) -> Error {
    let near = closest(what, known.iter().map(|one| one.name.as_str()));
    let near = near.map(|name| format!("did you mean {name}? ")).unwrap_or_default();
    Error::Usage {
        what: format!("\"{}\" is no fault", nim_shared::id::printable(what)),
        faults: Vec::new(),
        hint: Some(format!(
            "{near}nim-lab fault --list shows the lab's own, nimctl explain CODE what a code means"
        )),
    }
}

impl Asked {
    /// What is set in the lab: what was named, and what the first run of the rehearsal met, one on each LPAR.
    ///
    /// # Errors
    /// A fault of a host that is not there.
    pub(super) fn set(
        mut self,
        first_run: &[RehearsedFault],
        known: &[Known],
        copy: &LabCopy,
    ) -> Result<(Vec<Set>, Vec<String>), Error> {
        for one in &self.named {
            if !is_there(&one.host, copy) {
                return Err(Error::Usage {
                    what: format!("{}={}: the lab has no such host", one.fault, one.host),
                    faults: Vec::new(),
                    hint: Some("nimctl rollout plan says who is updated; others are there when they are on the same frames".to_owned()),
                });
            }
        }
        let mut set = self.named;
        for fault in self.coded.iter().chain(first_run) {
            let host = fault.lpar.to_string();
            if set.iter().any(|one| one.host == host) || !copy.targets.contains(&fault.lpar) {
                continue;
            }
            match by_code(fault, known) {
                Some(fault) => set.push(fault.on(&host)),
                None => {
                    let what = fault.code.as_deref().unwrap_or(&fault.state);
                    let note =
                        format!("{what} of {host} is not set: no fault of the lab leads to it");
                    if !self.notes.contains(&note) {
                        self.notes.push(note);
                    }
                }
            }
        }
        Ok((set, self.notes))
    }
}

/// The lab's fault for what an update failed by: one that leads to the code above all before one that does so among others.
fn by_code<'k>(fault: &RehearsedFault, known: &'k [Known]) -> Option<&'k Known> {
    let code = fault.code.as_ref().filter(|_| fault.state == "failed")?;
    let first = known.iter().find(|one| one.codes.first() == Some(code));
    let any = || known.iter().find(|one| one.codes.contains(code));
    first.or_else(any)
}

fn is_there(host: &str, copy: &LabCopy) -> bool {
    let vioses = copy.frames.iter().flat_map(|frame| &frame.vioses).map(|one| &one.name);
    let hmcs = copy.hmcs.iter().map(|one| &one.name);
    let mut all = copy.lpars.iter().map(|one| &one.name).chain(hmcs).chain(vioses);
    all.any(|name| name.as_str() == host)
}

#[cfg(test)]
mod tests;
