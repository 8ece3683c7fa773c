//! Attributes of an operation as they were typed, read one after the other, with all that is wrong collected.
//!
//! A command line and the file of a rollout give the same attributes; whoever reads them says which there are.

use std::collections::BTreeMap;

use crate::api::FileFault;
use crate::hook::{HookPlace, NamedHook};
use crate::id::ObjectName;
use crate::lpp::is_keyword;
use crate::near::closest;
use crate::request::Install;
use crate::strategy::Strategy;

/// What was given, and what is wrong with it.
#[derive(Debug)]
pub struct Given {
    values: BTreeMap<String, Vec<String>>,
    faults: Vec<FileFault>,
}

/// Said of `lpp_source` where `cust` names software without it.
pub const NEEDS_SOURCE: &str = "is required with fixes, fix_bundle, filesets or installp_bundle";

/// What an operation does to the software of an LPAR, as `cust` takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Software {
    /// Where packages come from; required with all that names some.
    pub lpp_source: Option<ObjectName>,
    /// What is installed from there.
    pub install: Install,
    /// Names of installp_bundles, whose filesets are added to it.
    pub bundles: Vec<ObjectName>,
    /// Keywords of fixes.
    pub fixes: Vec<String>,
    /// Names of fix_bundles, whose keywords are added to them.
    pub fix_bundles: Vec<ObjectName>,
    /// Names of scripts, which are run afterwards.
    pub scripts: Vec<ObjectName>,
}

impl Given {
    /// What was given of `known`; what is `refused` has a reason, and what is neither is no attribute of `operation`.
    #[must_use]
    pub fn read<'a>(
        operation: &str,
        known: &[&str],
        refused: &[(&str, &str)],
        pairs: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut given = Self { values: BTreeMap::new(), faults: Vec::new() };
        for (attribute, value) in pairs {
            if let Some((_, why)) = refused.iter().find(|(name, _)| *name == attribute) {
                given.fault(attribute, why);
            } else if known.contains(&attribute) {
                given.values.entry(attribute.to_owned()).or_default().push(value.to_owned());
            } else {
                let meant = closest(attribute, known.iter().copied());
                let meant = meant.map(|name| format!("; did you mean {name}?")).unwrap_or_default();
                given.fault(attribute, &format!("is no attribute of {operation}{meant}"));
            }
        }
        given
    }

    /// Says what is wrong with an attribute.
    pub fn fault(&mut self, attribute: &str, message: &str) {
        self.faults.push(FileFault {
            file: None,
            line: None,
            path: attribute.to_owned(),
            message: message.to_owned(),
        });
    }

    /// Whether something is wrong with it.
    #[must_use]
    pub fn has_fault(&self, attribute: &str) -> bool {
        self.faults.iter().any(|fault| fault.path == attribute)
    }

    /// The value of an attribute that has one; an empty one is none.
    pub fn one(&mut self, attribute: &str) -> Option<String> {
        let mut values = self.values.remove(attribute)?;
        if values.len() > 1 {
            self.fault(attribute, &format!("has one value; {} were given", values.len()));
        }
        Some(values.remove(0)).filter(|value| !value.trim().is_empty())
    }

    /// The value of an attribute that has one, read.
    pub fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
        &mut self,
        attribute: &str,
    ) -> Option<T> {
        let text = self.one(attribute)?;
        match text.trim().parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.fault(attribute, &format!("\"{text}\" cannot be read: {error}"));
                None
            }
        }
    }

    /// Whether it was said yes or no.
    pub fn yes_or_no(&mut self, attribute: &str) -> Option<bool> {
        let text = self.one(attribute)?;
        let answer = is_yes(&text);
        if answer.is_none() {
            self.fault(attribute, &format!("is yes or no, not \"{text}\""));
        }
        answer
    }

    /// The values of an attribute that may be given several times; an empty one is none.
    pub fn each<T: std::str::FromStr<Err: std::fmt::Display>>(
        &mut self,
        attribute: &str,
    ) -> Vec<T> {
        self.each_by(attribute, str::parse)
    }

    /// The hooks of an attribute, which are to run at `place`.
    pub fn hooks(&mut self, attribute: &str, place: HookPlace) -> Vec<NamedHook> {
        self.each_by(attribute, |text| NamedHook::read(text, place))
    }

    fn each_by<T, E: std::fmt::Display>(
        &mut self,
        attribute: &str,
        reads: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        let mut read = Vec::new();
        for text in self.values.remove(attribute).unwrap_or_default() {
            match text.trim() {
                "" => {}
                text => match reads(text) {
                    Ok(value) => read.push(value),
                    Err(error) => {
                        self.fault(attribute, &format!("\"{text}\" cannot be read: {error}"));
                    }
                },
            }
        }
        read
    }

    /// The words of an attribute that may be given several times.
    pub fn words(&mut self, attribute: &str) -> Vec<String> {
        let values = self.values.remove(attribute).unwrap_or_default();
        let words = values.iter().flat_map(|text| text.split([' ', ',', '\t']));
        words.filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect()
    }

    /// What is done to the software, and where it comes from; `needs_source` is said where it comes from nowhere.
    pub fn software(&mut self, needs_source: &str) -> Software {
        let lpp_source = self.parsed("lpp_source");
        let bundles: Vec<ObjectName> = self.each("installp_bundle");
        let fix_bundles: Vec<ObjectName> = self.each("fix_bundle");
        let mut fixes = self.words("fixes");
        let install = self.install(&mut fixes, !bundles.is_empty(), !fix_bundles.is_empty());
        let scripts = self.each("script");
        if install != Install::Nothing && lpp_source.is_none() && !self.has_fault("lpp_source") {
            self.fault("lpp_source", needs_source);
        }
        Software { lpp_source, install, bundles, fixes, fix_bundles, scripts }
    }

    /// What is to be installed; with bundles it is a list, to which the master adds what they hold. What is left in `fixes` are keywords.
    /// Whether a Live Update goes in one step or in parts, where that was said.
    pub fn strategy(&mut self, live_update: bool, install: &Install) -> Option<Strategy> {
        let strategy = self.parsed::<Strategy>("strategy");
        if strategy == Some(Strategy::Split) {
            if !live_update {
                self.fault("strategy", "is for live_update=yes, which was not given");
            } else if !install.updates() {
                self.fault(
                    "strategy",
                    "split needs updates: interim fixes go with the move anyway",
                );
            }
        }
        strategy
    }

    fn install(&mut self, fixes: &mut Vec<String>, bundles: bool, fix_bundles: bool) -> Install {
        let filesets = self.words("filesets");
        let by_fix = !fixes.is_empty() || fix_bundles;
        if by_fix && bundles {
            self.fault("installp_bundle", "goes with no fixes: name bundles, or all fixes");
        }
        if by_fix && !filesets.is_empty() {
            self.fault("filesets", "go with no fixes: name filesets, or all fixes");
        }
        let all = match &fixes[..] {
            [one] if one == "update_all" => Some(Install::UpdateAll),
            [one] if one == "all" => Some(Install::All),
            _ => None,
        };
        if let Some(all) = all {
            if fix_bundles {
                self.fault("fix_bundle", "goes with keywords in fixes, not with all of them");
            }
            fixes.clear();
            return all;
        }
        for word in fixes.iter() {
            if matches!(word.as_str(), "all" | "update_all") {
                self.fault("fixes", &format!("are {word}, or keywords, not both"));
            } else if !is_keyword(word) {
                self.fault("fixes", &format!("\"{word}\" is no keyword of a fix"));
            }
        }
        if by_fix || bundles || !filesets.is_empty() {
            Install::List(filesets)
        } else {
            Install::Nothing
        }
    }

    /// All that is wrong.
    #[must_use]
    pub fn faults(self) -> Vec<FileFault> {
        self.faults
    }
}

fn is_yes(text: &str) -> Option<bool> {
    match text.trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}
