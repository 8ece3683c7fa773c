//! `lvupdate.data` of one LPAR: from an object, from a template that asks for what was chosen, or written as a whole.

use std::collections::BTreeMap;

use nim_shared::aix;
use nim_shared::api::{AUTO, ProposalState};
use nim_shared::disks::ChosenDisk;
use nim_shared::id::ObjectName;
use nim_shared::lvupdate::{Data, General};
use nim_shared::object::Spec;

use super::{Known, Order, partition};
use crate::api::live_update_data::Written;
use crate::render::{self, Chosen, Facts, HmcFacts, Rendered};
use crate::store::object::Target;
use crate::telemetry::chain;

/// `lvupdate.data` of one LPAR.
pub(super) struct File {
    /// The object that it was made from.
    pub(super) object: String,
    pub(super) text: String,
    pub(super) data: Data,
    pub(super) warnings: Vec<String>,
    /// The disks in it that were chosen.
    pub(super) disks: Vec<ChosenDisk>,
}

impl<'a> Order<'a> {
    /// `lvupdate.data` for this LPAR.
    pub(super) fn file(&mut self) -> Option<File> {
        if self.cust.writes_data() {
            let written = self.written()?;
            let facts = Facts { auto: Some(chosen(written)), ..facts(self.target, self.known) };
            return self.rendered(
                AUTO,
                render::checked(&written.proposal.text(), &facts),
                written.disks.clone(),
            );
        }
        let name = match self.cust.data_of(&self.target.name)? {
            Ok(name) => name,
            Err(cause) => {
                self.wrong.push(format!("live_update_data: {cause}"));
                return None;
            }
        };
        let template = match (self.known.objects.get(&name), self.known.files.get(&name)) {
            (None, _) => Err(format!("there is no live_update_data \"{name}\"")),
            (Some(_), Some(Ok(template))) => Ok(template),
            (Some(_), Some(Err(why))) => Err(format!("{name}: {why}")),
            (Some(other), None) => {
                Err(format!("{name} is of type {}, not live_update_data", other.spec.object_type()))
            }
        };
        let template = match template {
            Ok(template) => template,
            Err(message) => {
                self.wrong.push(message);
                return None;
            }
        };
        let facts = facts(self.target, self.known);
        if !render::asks_for_choice(template) {
            return self.rendered(name.as_str(), render::render(template, &facts), Vec::new());
        }
        let written = self.written()?;
        let facts = Facts { auto: Some(chosen(written)), ..facts };
        self.rendered(name.as_str(), render::render(template, &facts), written.disks.clone())
    }

    /// What came of a file that was filled in or written.
    fn rendered(
        &mut self,
        object: &str,
        came: Result<Rendered, render::Error>,
        disks: Vec<ChosenDisk>,
    ) -> Option<File> {
        match came {
            Ok(Rendered { text, data, warnings }) => {
                let llu = data.llvupdate.as_ref().and_then(|stanza| stanza.llu);
                if let (Some(true), Some(label)) = (llu, production(&self.target.labels)) {
                    self.wrong.push(format!(
                        "{object}: llvupdate: llu = yes: a Live Library Update is for test systems only, and this LPAR has the label {label}"
                    ));
                    return None;
                }
                Some(File { object: object.to_owned(), text, data, warnings, disks })
            }
            Err(render::Error::Faults { faults }) => {
                self.wrong.extend(faults.into_iter().map(|fault| format!("{object}: {fault}")));
                None
            }
            Err(other) => {
                self.wrong.push(format!("{object}: {}", chain(&other)));
                None
            }
        }
    }

    /// What was chosen for the LPAR, if it can be taken. Without a pool it is a proposal and nothing more: only the site knows which
    /// disks are free.
    fn written(&mut self) -> Option<&'a Written> {
        let name = &self.target.name;
        let Some(written) = self.known.written.get(name) else {
            self.wrong.push("its disks were not looked at".to_owned());
            return None;
        };
        let view = &written.view;
        match view.state.known() {
            Some(ProposalState::Ready) => return Some(written),
            Some(ProposalState::Proposed) => {
                let disks: Vec<String> =
                    written.disks.iter().map(|one| format!("{} {}", one.role, one.name)).collect();
                let next = view.next.as_deref().unwrap_or_default();
                self.wrong.push(format!(
                    "no disk_pool says which disks are free; {} would be chosen, nimctl live-update-data generate {name} says why: {next}",
                    disks.join(", ")
                ));
            }
            Some(ProposalState::Incomplete) | None => match &view.failure {
                Some(failure) => {
                    let causes = failure.causes.iter().map(|cause| format!(": {cause}"));
                    let causes: String = causes.collect();
                    self.wrong.push(format!(
                        "its disks cannot be looked at: {}{causes}",
                        failure.message
                    ));
                }
                None => self.wrong.push(format!(
                    "no disks were chosen: {}; nimctl live-update-data generate {name} says why",
                    view.missing.join("; ")
                )),
            },
        }
        None
    }
}

/// The label that says that an LPAR is in production, where one does. Source, of what it matters for: LU §4.4a.
fn production(labels: &BTreeMap<String, String>) -> Option<String> {
    let says =
        |text: &str| ["prod", "production"].iter().any(|word| text.eq_ignore_ascii_case(word));
    let found = labels.iter().find(|(key, value)| says(value) || says(key) && *value != "no");
    found.map(|(key, value)| if value.is_empty() { key.clone() } else { format!("{key}={value}") })
}

/// What a template may ask for of what was chosen.
fn chosen(written: &Written) -> Chosen {
    let level = written.view.level.as_deref().and_then(|text| aix::oslevel(text).ok());
    Chosen::from((&written.proposal, level))
}

/// What a template may ask for.
fn facts(target: &Target, known: &Known) -> Facts {
    let spec = |name: &Option<ObjectName>| {
        name.as_ref().and_then(|name| known.objects.get(name)).map(|object| &object.spec)
    };
    let machine = match spec(&target.frame) {
        Some(Spec::Cec(cec)) => Some(cec.mtms()),
        _ => None,
    };
    let hmc = match (&target.hmc, spec(&target.hmc)) {
        (Some(name), Some(Spec::Hmc(hmc))) => Some(HmcFacts {
            name: name.to_string(),
            address: hmc.lpar_address.clone().unwrap_or_else(|| hmc.if1.hostname.clone()),
            user: hmc.login.clone(),
        }),
        _ => None,
    };
    Facts {
        name: target.name.to_string(),
        hostname: target.lpar.if1.hostname.clone(),
        partition_name: partition(target),
        lpar_id: target.lpar.identity,
        frame: target.frame.as_ref().map(ToString::to_string),
        machine,
        hmc,
        labels: target.labels.clone(),
        auto: None,
    }
}

/// What is written where the frame is short of processors when an LPAR comes to its turn: then they are taken from it.
pub(super) fn short_of_processors() -> Data {
    let general = General { cpu_reduction: Some(true), ..General::default() };
    Data { general, ..Data::default() }
}

/// What comes of a template that asks for what is chosen, with any disks, where the frame is short of processors.
pub(super) fn foreseen(template: &str, target: &Target, known: &Known) -> Option<Data> {
    let disk = |name: &str| name.to_owned();
    let chosen = Chosen {
        nhdisk: disk("hdisk1"),
        mhdisk: disk("hdisk2"),
        cpu_reduction: "yes".to_owned(),
        ..Chosen::default()
    };
    let facts = Facts { auto: Some(chosen), ..facts(target, known) };
    // What is wrong with it is said when it is written.
    render::render(template, &facts).ok().map(|rendered| rendered.data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_says_that_an_lpar_is_in_production() {
        for (key, value, label) in [
            ("env", "prod", Some("env=prod")),
            ("stage", "Production", Some("stage=Production")),
            ("production", "", Some("production")),
            ("production", "yes", Some("production=yes")),
            ("production", "no", None),
            ("env", "test", None),
            ("app", "prodigy", None),
        ] {
            let labels = [(key.to_owned(), value.to_owned())].into();
            assert_eq!(production(&labels).as_deref(), label, "{key}={value}");
        }
    }
}
