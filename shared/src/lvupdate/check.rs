//! Everything that is wrong with a file, at once. Rules: LU §1.3 (disks), §1.6 (X1 to X7).

use std::collections::BTreeMap;

use super::data::{Llvupdate, yes_no};
use super::known::{self, Kind, Known};
use super::{Attribute, Context, Document, Fault, Line, Mode, Report, Rule, Severity};
use crate::id::{DiskName, LparId};
use crate::level::TechnologyLevel;

/// Checks a file against everything that is known of its LPAR.
#[must_use]
pub fn check(document: &Document, context: &Context<'_>) -> Report {
    let mut checker = Checker { document, context, report: Report::default() };
    checker.lines();
    checker.duplicates();
    for attribute in document.attributes() {
        checker.attribute(attribute);
    }
    checker.console();
    checker.disks();
    checker.reduction_or_profile();
    checker.library_update();
    let mut report = checker.report;
    report.faults.sort_by_key(|fault| fault.line.unwrap_or(usize::MAX));
    report
}

struct Checker<'a> {
    document: &'a Document,
    context: &'a Context<'a>,
    report: Report,
}

/// The four disk lists.
const LISTS: [&str; 4] = ["nhdisk", "mhdisk", "tohdisk", "tshdisk"];

impl Checker<'_> {
    fn lines(&mut self) {
        if let Some(line) = self.document.carriage_return {
            self.error(
                Some(line),
                Rule::Syntax,
                "the line ends with a carriage return, which AIX takes for a part of the value",
                "save the file with Unix line ends",
            );
        }
        for (at, line) in self.document.lines().iter().enumerate() {
            let place = Some(at + 1);
            match line {
                Line::Unreadable(text) if text.trim_end().ends_with(':') => self.error(
                    place,
                    Rule::Syntax,
                    &format!(
                        "\"{}\" is no stanza: its name begins in column 1 and is one word",
                        shown(text)
                    ),
                    "remove the blanks before and in the name",
                ),
                Line::Unreadable(text) => self.error(
                    place,
                    Rule::Syntax,
                    &format!(
                        "\"{}\" is neither a comment nor a stanza nor an attribute",
                        shown(text)
                    ),
                    "write `key = value` with a tab before it, `name:`, or `# comment`",
                ),
                Line::Stanza(name) if !known::STANZAS.contains(&name.as_str()) => self.warning(
                    place,
                    Rule::Unknown,
                    &format!("the stanza {name}: is not known"),
                    "it is kept; compare it with /var/adm/ras/liveupdate/lvupdate.template",
                ),
                Line::Blank | Line::Comment(_) | Line::Stanza(_) | Line::Attribute { .. } => {}
            }
        }
    }

    fn duplicates(&mut self) {
        let mut seen = BTreeMap::new();
        for attribute in self.document.attributes() {
            let Some(stanza) = attribute.stanza else { continue };
            let Some(first) = seen.insert((stanza, attribute.key), attribute) else { continue };
            let text =
                format!("{stanza}: {} is given in line {} already", attribute.key, first.line);
            let hint = "keep one of the two: which of them AIX takes is not documented";
            let severity =
                if first.value == attribute.value { Severity::Warning } else { Severity::Error };
            self.add(Some(attribute.line), Rule::Duplicate, severity, &text, hint);
        }
    }

    fn attribute(&mut self, attribute: Attribute<'_>) {
        let Attribute { line, stanza, key, indented, .. } = attribute;
        let place = Some(line);
        if !indented {
            self.error(
                place,
                Rule::Indent,
                &format!("{key} begins in column 1: AIX silently ignores such a line"),
                "put a tab before it",
            );
        }
        let Some(stanza) = stanza else {
            let hint = match known::home(key) {
                Some(home) => format!("it belongs under {home}:"),
                None => "put it under the stanza to which it belongs".to_owned(),
            };
            return self.error(
                place,
                Rule::Syntax,
                &format!("{key} stands before the first stanza"),
                &hint,
            );
        };
        let Some(known) = known::find(stanza, key) else {
            if known::STANZAS.contains(&stanza) {
                let hint = match known::home(key) {
                    Some(home) => format!("it belongs under {home}:"),
                    None => "it is kept; compare it with /var/adm/ras/liveupdate/lvupdate.template"
                        .to_owned(),
                };
                self.warning(
                    place,
                    Rule::Unknown,
                    &format!("{stanza}: does not know {key}"),
                    &hint,
                );
            }
            return;
        };
        self.level(attribute, known);
        if !attribute.value.is_empty() {
            self.value(attribute, known);
        }
    }

    fn level(&mut self, attribute: Attribute<'_>, known: &Known) {
        let Some(since) = known.since else { return };
        match self.context.level {
            None => self.unjudged(Rule::Level),
            Some(level) if level.technology < since => self.error(
                Some(attribute.line),
                Rule::Level,
                &format!(
                    "{}: {} is known from {since} on; this LPAR has {level}",
                    known.stanza, known.key
                ),
                "remove the line",
            ),
            Some(_) => {}
        }
    }

    fn value(&mut self, attribute: Attribute<'_>, known: &Known) {
        let Attribute { line, key, value, .. } = attribute;
        let wanted = match known.kind {
            Kind::YesNo if yes_no(value).is_none() => "yes or no",
            Kind::Retries if !matches!(value.parse(), Ok(1_u32..)) => "a number from 1 on",
            Kind::Timeout if !matches!(value.parse(), Ok(seconds) if (1..=Llvupdate::LONGEST.0).contains(&seconds)) => {
                "a number of seconds from 1 to 300"
            }
            Kind::Word if value.contains(char::is_whitespace) || value.len() > WORD => {
                "one word of at most 64 characters"
            }
            Kind::Mode if value.parse::<Mode>().is_err() => "preview or automated",
            Kind::Mode => {
                return self.warning(
                    Some(line),
                    Rule::Unknown,
                    "mode is of early 7.2 code; what a later level does with it is not documented",
                    "remove the line; a preview is asked for with geninstall -p",
                );
            }
            Kind::Undescribed => {
                return self.warning(
                    Some(line),
                    Rule::Unknown,
                    &format!("{}: {key} is described by no source that we have", known.stanza),
                    "it is kept; compare it with /var/adm/ras/liveupdate/lvupdate.template",
                );
            }
            Kind::LparId => return self.lpar_id(attribute, known),
            Kind::Disks => return self.disk_list(attribute),
            Kind::YesNo | Kind::Retries | Kind::Timeout | Kind::Word | Kind::Text => return,
        };
        self.error(
            Some(line),
            Rule::Value,
            &format!("{key} is \"{}\"", shown(value)),
            &format!("it is {wanted}, or blank for its default"),
        );
    }

    fn lpar_id(&mut self, attribute: Attribute<'_>, known: &Known) {
        let place = Some(attribute.line);
        if known.stanza == "pvc" {
            let text = "PowerVC does not let anybody choose the partition id";
            return self.error(place, Rule::AnotherLparId, text, "remove the line");
        }
        let Ok(wanted) = attribute.value.parse::<LparId>() else {
            let text = format!("lpar_id is \"{}\"", shown(attribute.value));
            return self.error(
                place,
                Rule::Value,
                &text,
                "it is a number from 1 on, or blank to let the HMC choose",
            );
        };
        match self.context.lpar_id {
            None => self.unjudged(Rule::AnotherLparId),
            Some(present) if present == wanted => self.error(
                place,
                Rule::AnotherLparId,
                &format!("lpar_id is {present}, the present id of this LPAR"),
                "choose one that is free on the frame, or leave it blank to let the HMC choose",
            ),
            Some(_) => {}
        }
    }

    fn disk_list(&mut self, attribute: Attribute<'_>) {
        let Attribute { line, key, value, .. } = attribute;
        if value.contains(char::is_whitespace) {
            let text = format!("{key} has blanks in \"{}\"", shown(value));
            self.error(
                Some(line),
                Rule::Value,
                &text,
                "separate disks by a comma alone: hdisk2,hdisk3",
            );
        }
        for name in value.split(',').map(str::trim) {
            if name.parse::<DiskName>().is_err() && !name.contains(char::is_whitespace) {
                let text = format!("{key} names \"{}\", which is no disk name", shown(name));
                self.error(Some(line), Rule::Value, &text, "a disk name is such as hdisk4");
            }
        }
    }

    fn console(&mut self) {
        let named = |stanza: &&&str| {
            self.document.get(stanza, "management_console").is_some_and(|one| !one.value.is_empty())
        };
        let stanzas: Vec<&str> = ["hmc", "pvc"].iter().filter(named).copied().collect();
        match stanzas[..] {
            [] => self.error(
                None,
                Rule::OneConsole,
                "no management console is named; geninstall would say 1430-237",
                "set management_console and user under hmc: (or pvc: for PowerVC)",
            ),
            [stanza] => {
                let user = self.document.get(stanza, "user").filter(|one| !one.value.is_empty());
                if user.is_none() {
                    let hint = "set the user whose token hmcauth -l (or pvcauth -l) shows";
                    self.error(None, Rule::Missing, &format!("{stanza}: names no user"), hint);
                }
            }
            [..] => {
                let line = self.document.get("pvc", "management_console").map(|one| one.line);
                let text = "both hmc: and pvc: name a management console";
                self.error(line, Rule::OneConsole, text, "keep the one that manages this LPAR");
            }
        }
        let for_powervc = stanzas == ["pvc"];
        for key in ["nhdisk", "mhdisk"] {
            let given = self.document.get("disks", key).is_some_and(|one| !one.value.is_empty());
            if !given && !for_powervc {
                let text = format!("disks: names no {key}");
                self.error(None, Rule::Missing, &text, "name a free disk as large as rootvg");
            }
        }
    }

    fn disks(&mut self) {
        let document = self.document;
        let mut seen: BTreeMap<&str, Attribute<'_>> = BTreeMap::new();
        let lists = LISTS.iter().filter_map(|key| document.get("disks", key));
        let named =
            lists.flat_map(|list| list.value.split(',').map(move |name| (name.trim(), list)));
        for (name, list) in named.filter(|(name, _)| !name.is_empty()) {
            if let Some(first) = seen.insert(name, list) {
                let text = format!("{name} is in {} and in {}", first.key, list.key);
                let hint = "each disk becomes one thing: name another one";
                self.error(Some(list.line), Rule::FreeDisks, &text, hint);
                continue;
            }
            let Some(disks) = self.context.disks else {
                self.unjudged(Rule::FreeDisks);
                continue;
            };
            let place = Some(list.line);
            match disks.iter().find(|disk| disk.name.as_str() == name) {
                None => self.error(
                    place,
                    Rule::FreeDisks,
                    &format!("{} names {}, which lspv does not show", list.key, shown(name)),
                    "run cfgmgr, or name a disk that is there",
                ),
                Some(disk) => {
                    if let Some(group) = &disk.volume_group {
                        let text = format!(
                            "{name} in {} belongs to the volume group {}",
                            list.key,
                            shown(group)
                        );
                        self.error(
                            place,
                            Rule::FreeDisks,
                            &text,
                            "name a disk that lspv shows with None",
                        );
                    }
                }
            }
        }
    }

    fn reduction_or_profile(&mut self) {
        let yes = |stanza, key| self.document.get(stanza, key).filter(|one| one.value == "yes");
        let (reduction, profile) =
            (yes("general", "cpu_reduction"), yes("hmc", "clone_from_hmc_profile"));
        if let (Some(reduction), Some(profile)) = (reduction, profile) {
            let text = format!(
                "clone_from_hmc_profile = yes excludes cpu_reduction = yes in line {}",
                reduction.line
            );
            let hint = "set one of the two to no";
            self.error(Some(profile.line), Rule::ReductionOrProfile, &text, hint);
        }
    }

    /// That the level is high enough is judged with all attributes; here it is the tunable.
    fn library_update(&mut self) {
        let Some(llu) = self.document.get("llvupdate", "llu").filter(|one| one.value == "yes")
        else {
            return;
        };
        let place = Some(llu.line);
        if self.context.level.is_some_and(|level| level.technology < TechnologyLevel::TL_7300_03) {
            let text = "llu = yes needs AIX 7300-03 or later";
            self.error(place, Rule::LibraryUpdate, text, "set it to no");
        }
        match self.context.llu_mode {
            None => self.unjudged(Rule::LibraryUpdate),
            Some(1) => {}
            Some(2) => self.warning(
                place,
                Rule::LibraryUpdate,
                "llu_mode is 2: only programs that opt in get new libraries",
                "set LDR_CNTRL=LLU=yes for them, or raso -po llu_mode=1",
            ),
            Some(mode) => self.error(
                place,
                Rule::LibraryUpdate,
                &format!("llu = yes has no effect while llu_mode is {mode}"),
                "raso -po llu_mode=1, and restart the programs concerned; or set llu to no",
            ),
        }
    }

    fn error(&mut self, line: Option<usize>, rule: Rule, text: &str, hint: &str) {
        self.add(line, rule, Severity::Error, text, hint);
    }

    fn warning(&mut self, line: Option<usize>, rule: Rule, text: &str, hint: &str) {
        self.add(line, rule, Severity::Warning, text, hint);
    }

    fn add(&mut self, line: Option<usize>, rule: Rule, severity: Severity, text: &str, hint: &str) {
        let (text, hint) = (text.to_owned(), hint.to_owned());
        self.report.faults.push(Fault { line, rule, severity, text, hint });
    }

    fn unjudged(&mut self, rule: Rule) {
        if !self.report.unjudged.contains(&rule) {
            self.report.unjudged.push(rule);
        }
    }
}

/// Field limit of `hmcauth`. Source: LU §5.1.
const WORD: usize = 64;

/// A text from a file as it may be shown: printable, and not longer than a line.
fn shown(text: &str) -> String {
    crate::id::printable(&text.trim().chars().take(60).collect::<String>())
}
