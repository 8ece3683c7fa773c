//! `lvupdate.data` for one LPAR: the content of a `live_update_data` object with the facts of the LPAR put in.
//!
//! The content is a handlebars template; one without `{{` is a plain file. Nothing is escaped, because the result is no HTML, and a
//! fact that is not known is an error instead of an empty place: an empty `management_console` would be found by geninstall
//! on the LPAR, in the change window. What comes out is read and checked as AIX would read it (`nim_shared::lvupdate`).
//!
//! | fact | what it is |
//! | --- | --- |
//! | `name` | the LPAR's name |
//! | `hostname` | host name or address of its first interface |
//! | `partition_name` | its name on the HMC |
//! | `lpar_id` | its partition id, where the object has one |
//! | `frame` | name of its frame |
//! | `machine` | type, model and serial of the frame: `9105-42A*78ABCDE` |
//! | `hmc.name`, `hmc.address`, `hmc.user` | the preferred HMC of the frame, as the LPAR reaches it, and its user |
//! | `labels.KEY` | labels of the LPAR, such as `labels.nhdisk` |
//! | `auto.nhdisk`, `auto.mhdisk`, `auto.tohdisk`, `auto.tshdisk` | the disks that are chosen for it; the last two may be empty |
//! | `auto.cpu_reduction` | `yes` where the frame is short of processors and the level knows it, else empty |
//!
//! A template with `auto.` in it has the LPAR looked at, as `live_update_data=auto` has.

use std::collections::BTreeMap;

use handlebars::{Handlebars, no_escape};
use nim_shared::disks::Proposal;
use nim_shared::id::{DiskName, LparId};
use nim_shared::level::Level;
use nim_shared::lvupdate::{self, Context, Data, Rule, Severity};
use serde::Serialize;

/// What is known of an LPAR. What is not known is left out, so that a template that asks for it fails.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// Its name.
    pub name: String,
    /// Host name or address of its first interface.
    pub hostname: String,
    /// Its name on the HMC.
    pub partition_name: String,
    /// Its partition id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lpar_id: Option<LparId>,
    /// Name of its frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frame: Option<String>,
    /// Type, model and serial of its frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// The preferred HMC of its frame.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hmc: Option<HmcFacts>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What was chosen for it, where the template asks for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto: Option<Chosen>,
}

/// What was chosen for an LPAR.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Chosen {
    /// Disks, separated by commas.
    pub nhdisk: String,
    /// The same.
    pub mhdisk: String,
    /// The same; may be empty.
    pub tohdisk: String,
    /// The same; may be empty.
    pub tshdisk: String,
    /// `yes`, or empty.
    pub cpu_reduction: String,
    /// Level of the LPAR, by which attributes are judged.
    #[serde(skip)]
    pub level: Option<Level>,
}

impl From<(&Proposal, Option<Level>)> for Chosen {
    fn from((proposal, level): (&Proposal, Option<Level>)) -> Self {
        let list =
            |names: &[DiskName]| names.iter().map(DiskName::as_str).collect::<Vec<_>>().join(",");
        let disks = &proposal.data.disks;
        let reduction = proposal.data.general.cpu_reduction == Some(true);
        Self {
            nhdisk: list(&disks.nhdisk),
            mhdisk: list(&disks.mhdisk),
            tohdisk: list(&disks.tohdisk),
            tshdisk: list(&disks.tshdisk),
            cpu_reduction: if reduction { "yes".to_owned() } else { String::new() },
            level,
        }
    }
}

/// Whether a template asks for what is chosen for the LPAR.
#[must_use]
pub fn asks_for_choice(template: &str) -> bool {
    let mut parts = template.split("{{").skip(1);
    parts.any(|part| part.split("}}").next().is_some_and(|inside| inside.contains("auto.")))
}

/// What is known of an HMC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HmcFacts {
    /// Name of the object.
    pub name: String,
    /// Host name or address, as LPARs reach it.
    pub address: String,
    /// User for Live Update.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// The file, as AIX gets it.
    pub text: String,
    /// What it says.
    pub data: Data,
    /// What somebody should look at, though it can be used.
    pub warnings: Vec<String>,
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The template cannot be rendered.
    #[error("the template cannot be filled in")]
    Template(#[source] Box<handlebars::RenderError>),
    /// More comes out than such a file ever has.
    #[error("what comes out has {found} bytes, and at most {LONGEST} are taken")]
    TooLong {
        /// Its length in bytes.
        found: usize,
    },
    /// AIX would not take what comes out.
    #[error("what comes out cannot be used")]
    Faults {
        /// All that is wrong, each with its line.
        faults: Vec<String>,
    },
}

/// Longest file that is taken, in bytes.
const LONGEST: usize = 64 << 10;

/// Fills in `template` for one LPAR and checks what comes out.
///
/// # Errors
/// [`Error`].
pub fn render(template: &str, facts: &Facts) -> Result<Rendered, Error> {
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    handlebars.register_escape_fn(no_escape);
    let text = handlebars
        .render_template(template, facts)
        .map_err(|cause| Error::Template(Box::new(cause)))?;
    checked(&text, facts)
}

/// Checks a text that is none of a template's.
///
/// # Errors
/// [`Error`].
pub fn checked(text: &str, facts: &Facts) -> Result<Rendered, Error> {
    if text.len() > LONGEST {
        return Err(Error::TooLong { found: text.len() });
    }
    let document = lvupdate::parse(text);
    // The disks are the agent's to judge, on the LPAR, right before the update; so is the level where nobody looked.
    let level = facts.auto.as_ref().and_then(|chosen| chosen.level);
    let context = Context { lpar_id: facts.lpar_id, level, ..Context::default() };
    let report = lvupdate::check(&document, &context);
    let (errors, warnings): (Vec<_>, Vec<_>) =
        report.faults.iter().partition(|fault| fault.severity == Severity::Error);
    if !errors.is_empty() {
        return Err(Error::Faults { faults: errors.into_iter().map(told).collect() });
    }
    let data = document.data();
    Ok(Rendered {
        // Rendered anew, so that every attribute line begins with a tab whatever was typed.
        text: document.render(),
        data,
        warnings: warnings.into_iter().map(told).collect(),
    })
}

/// What can be said of a template before it is filled in: of one that has nothing to fill in all, of another one what its own lines
/// say. An object with faults can be stored: it may be meant for later.
#[must_use]
pub fn look(template: &str) -> Vec<String> {
    let report = lvupdate::check(&lvupdate::parse(template), &Context::default());
    let lines: Vec<&str> = template.lines().collect();
    let (whole, blocks) = (!template.contains("{{"), template.contains("{{#"));
    let certain = |fault: &lvupdate::Fault| {
        let of_the_line = matches!(
            fault.rule,
            Rule::Unknown | Rule::Duplicate | Rule::Indent | Rule::Syntax | Rule::Value
        );
        let line = fault.line.and_then(|line| lines.get(line.saturating_sub(1)));
        whole || !blocks && of_the_line && line.is_some_and(|line| !line.contains("{{"))
    };
    report.faults.iter().filter(|fault| certain(fault)).map(told).collect()
}

/// A fault, and what to do about it.
fn told(fault: &lvupdate::Fault) -> String {
    format!("{fault}; {}", fault.hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts {
        Facts {
            name: "lpar01".to_owned(),
            hostname: "10.1.1.1".to_owned(),
            partition_name: "lpar01".to_owned(),
            lpar_id: Some("7".parse().unwrap()),
            hmc: Some(HmcFacts {
                name: "hmc01".to_owned(),
                address: "hmc01.site & co".to_owned(),
                user: Some("liveupdate".to_owned()),
            }),
            labels: BTreeMap::from([("nhdisk".to_owned(), "hdisk2".to_owned())]),
            ..Facts::default()
        }
    }

    const TEMPLATE: &str = "general:\n\tkext_check = yes\n\ndisks:\n\tnhdisk = {{labels.nhdisk}}\n\tmhdisk = hdisk3\n\n\
        hmc:\n\tlpar_id =\n\tmanagement_console = {{hmc.name}}\n\tuser = {{hmc.user}}\n";

    #[test]
    fn facts_are_put_in_and_read_back() {
        let rendered = render(TEMPLATE, &facts()).unwrap();
        assert!(rendered.text.contains("\tnhdisk = hdisk2\n"), "{}", rendered.text);
        assert!(rendered.text.contains("\tmanagement_console = hmc01\n"), "{}", rendered.text);
    }

    #[test]
    fn a_template_may_ask_for_what_was_chosen() {
        assert!(!asks_for_choice(TEMPLATE) && !asks_for_choice("# auto. and {{name}} auto.\n"));
        let template = TEMPLATE.replace("{{labels.nhdisk}}", "{{auto.nhdisk}}");
        let template = template.replace(
            "kext_check = yes",
            "kext_check = yes\n{{#if auto.cpu_reduction}}\tcpu_reduction = {{auto.cpu_reduction}}\n{{/if}}",
        );
        assert!(asks_for_choice(&template));
        assert!(render(&template, &facts()).is_err(), "nothing was chosen");
        let chosen = Chosen { nhdisk: "hdisk7".to_owned(), ..Chosen::default() };
        let with = |chosen: &Chosen| Facts { auto: Some(chosen.clone()), ..facts() };
        let text = render(&template, &with(&chosen)).unwrap().text;
        assert!(text.contains("nhdisk = hdisk7") && !text.contains("cpu_reduction"), "{text}");
        let yes = Chosen { cpu_reduction: "yes".to_owned(), ..chosen };
        assert!(render(&template, &with(&yes)).unwrap().text.contains("cpu_reduction = yes"));
        let old = Chosen { level: "7200-02-00-1731".parse().ok(), ..yes };
        let error = render(&template, &with(&old)).unwrap_err();
        let Error::Faults { faults } = error else { panic!() };
        assert!(faults[0].contains("this LPAR has 7200-02"), "{faults:?}");
    }

    #[test]
    fn nothing_is_escaped() {
        let template =
            TEMPLATE.replace("kext_check = yes", "kext_check = yes\n# at {{hmc.address}}");
        assert!(render(&template, &facts()).unwrap().text.contains("hmc01.site & co"));
    }

    #[test]
    fn a_fact_that_is_not_known_is_an_error_that_names_it() {
        let unknown = Facts { hmc: None, ..facts() };
        let error = render(TEMPLATE, &unknown).unwrap_err();
        let text = crate::telemetry::chain(&error);
        assert!(text.contains("hmc"), "{text}");
        let error = render("{{labels.mhdisk}}", &facts()).unwrap_err();
        assert!(crate::telemetry::chain(&error).contains("mhdisk"), "{error:?}");
    }

    #[test]
    fn all_faults_of_what_comes_out_are_said_with_their_lines() {
        let text =
            "disks:\n\tnhdisk = hdisk2\n\tmhdisk = hdisk2\nhmc:\n\tlpar_id = 7\n\tuser = x\n";
        let Error::Faults { faults } = render(text, &facts()).unwrap_err() else { panic!() };
        assert!(faults.len() >= 3, "{faults:#?}");
        assert!(faults.iter().any(|fault| fault.contains("lvupdate.data:")), "{faults:#?}");
    }

    #[test]
    fn what_a_template_says_by_itself_is_looked_at_before_it_is_filled_in() {
        assert_eq!(look(TEMPLATE), [""; 0]);
        let slip = TEMPLATE.replace("mhdisk = hdisk3", "mhdsk = hdisk3");
        let warned = look(&slip);
        assert_eq!(warned.len(), 1, "{warned:#?}");
        assert!(
            warned[0].starts_with("lvupdate.data:6: disks: does not know mhdsk; "),
            "{warned:#?}"
        );
        // Not of a line that is filled in, and nothing where blocks decide which lines there are.
        assert_eq!(look(&TEMPLATE.replace("nhdisk =", "nhdsk =")), [""; 0]);
        assert_eq!(look(&format!("{{{{#if labels.x}}}}\n{slip}{{{{/if}}}}\n")), [""; 0]);
        assert!(
            look("disks:\n\tnhdisk = hdisk1\n").len() > 1,
            "what is missing is said of plain text"
        );
        let rendered = render(&TEMPLATE.replace("user =", "usr = x\n\tuser ="), &facts()).unwrap();
        assert!(rendered.warnings[0].contains("hmc: does not know usr"), "{:?}", rendered.warnings);
    }

    #[test]
    fn a_template_that_grows_without_end_is_refused() {
        let long = "# x\n".repeat(LONGEST);
        assert!(matches!(render(&long, &facts()), Err(Error::TooLong { .. })));
    }
}
