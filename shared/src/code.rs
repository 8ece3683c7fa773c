//! What the messages of Live Update and of the tools around it mean, and our own codes: title, cause, remedy, and whether trying
//! again helps.
//!
//! Facts come from LU §3.1 to §3.3; the words are ours. Messages without a number have a name of ours instead, such as
//! `efix-locks`. What the sources only suppose is said as a supposition here too.

mod fixes;
mod knowledge;
mod own;
mod pitfall;
mod scan;
mod site;
mod table;

use serde::Serialize;

use crate::stage::{Phase, names};
use crate::transcript::Install;

pub use fixes::keeps_libraries;
pub use knowledge::{Hit, Knowledge, LONGEST_LINE, MOST_MESSAGES, Matched, Meaning, Unknown};
pub use scan::{Found, leading, normal, scan};
pub use site::{BadEntry, SiteCodes, SiteEntry};

/// What is known about one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Its number, such as `1430-030`, our name for a message without one, such as `efix-locks`, or our own code, such as
    /// `NLU-0201`.
    pub code: &'static str,
    /// With a number: texts that stand in the message, all of them, when this entry is about a special case. Without: texts
    /// by any of which the message is known.
    pub says: &'static [&'static str],
    /// What happened, in a few words.
    pub title: &'static str,
    /// The phases in which it is known to come; empty when it may come in any, or outside of Live Update.
    pub phases: &'static [Phase],
    /// Why it comes.
    pub cause: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
    /// Whether to try again.
    pub retry: Retry,
    /// The AIX levels that it concerns, in words; empty where it may come on any.
    pub levels: &'static str,
    /// What repairs it, by level.
    pub fixes: &'static [Fix],
    /// The checks of a preflight that find it before it bites.
    pub checks: &'static [&'static str],
}

impl Entry {
    /// What an entry has where it says nothing.
    const PLAIN: Self = Self {
        code: "",
        says: &[],
        title: "",
        phases: &[],
        cause: "",
        remedy: "",
        retry: Retry::SeeOthers,
        levels: "",
        fixes: &[],
        checks: &[],
    };
}

/// The fix of a fault on one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// The level that has the fault, such as `7200-05-00-2037`.
    pub level: &'static str,
    /// The APAR.
    pub apar: &'static str,
    /// The level that has it repaired, where it is known.
    pub repaired: Option<&'static str>,
}

names! {
    /// Whether it makes sense to run the same update again.
    Retry, "sense of a retry" {
        /// Nothing went wrong by this message alone.
        NotNeeded = "not_needed",
        /// It may pass by itself: the same request may succeed later.
        Later = "later",
        /// Only after the remedy: until then the same request fails in the same way.
        AfterRemedy = "after_remedy",
        /// The update is in effect: running it again repairs nothing and risks more.
        Never = "never",
        /// This message alone does not tell; another one does.
        SeeOthers = "see_others",
    }
}

/// Everything that is known.
pub fn all() -> impl Iterator<Item = &'static Entry> + Clone {
    table::ENTRIES.iter().chain(pitfall::ENTRIES).chain(own::ENTRIES.into_iter().flatten())
}

/// What is known about `code`, in whatever case and form, when its message is not at hand.
#[must_use]
pub fn find(code: &str) -> Option<&'static Entry> {
    explain(code, "")
}

/// What is known about `code` with this message: the most special entry that fits.
#[must_use]
pub fn explain(code: &str, message: &str) -> Option<&'static Entry> {
    let code = normal(code).unwrap_or_else(|| code.trim().to_owned());
    let named = normal(&code).is_none();
    let says = |entry: &Entry| named || entry.says.iter().all(|part| message.contains(part));
    let fits = |entry: &&Entry| entry.code.eq_ignore_ascii_case(&code) && says(entry);
    let best = all().filter(fits).max_by_key(|entry| entry.says.len());
    best.or_else(|| code.starts_with("HSCL").then(|| find(HMC)).flatten())
}

/// What is known about a message that has no number.
#[must_use]
pub fn unnumbered(message: &str) -> Option<&'static Entry> {
    let named = |entry: &&Entry| normal(entry.code).is_none() && !entry.says.is_empty();
    all().filter(named).find(|entry| entry.says.iter().any(|part| message.contains(part)))
}

/// What is known about something that the install part says; `None` for good news.
#[must_use]
pub fn install(install: Install) -> Option<&'static Entry> {
    match install {
        Install::Succeeded => None,
        Install::Failed => find("install-failed"),
        Install::HigherUtilities => find("higher-install-utilities"),
        Install::EfixLocks => find("efix-locks"),
        Install::MissingApars => find("missing-apars"),
        Install::NothingToInstall => find("nothing-to-install"),
    }
}

/// Stands for every number of the HMC that has no entry of its own.
const HMC: &str = "hmc-message";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_complete_and_found_by_its_code() {
        for entry in all() {
            let found = explain(entry.code, &entry.says.join(" ")).unwrap();
            assert_eq!(found.title, entry.title, "{}", entry.code);
            for text in [entry.title, entry.cause, entry.remedy] {
                assert!(
                    text.len() > 10 && !text.ends_with(char::is_whitespace),
                    "{}: {text}",
                    entry.code
                );
            }
        }
    }

    #[test]
    fn no_two_entries_are_about_the_same() {
        for (at, entry) in all().enumerate() {
            let twin = all()
                .skip(at + 1)
                .find(|other| (other.code, other.says) == (entry.code, entry.says));
            assert_eq!(twin, None);
        }
    }

    #[test]
    fn what_an_entry_refers_to_is_there() {
        for entry in all() {
            for check in entry.checks {
                assert!(crate::preflight::check(check).is_some(), "{}: {check}", entry.code);
            }
            for fix in entry.fixes {
                let level = |text: &str| text.starts_with("7200-") || text.starts_with("7300-");
                assert!(level(fix.level) && fix.repaired.is_none_or(level), "{}", entry.code);
            }
        }
    }

    #[test]
    fn what_a_check_looks_at_before_it_bites_is_linked() {
        for (code, check) in [
            ("1430-143", "S16"),
            ("1430-237", "M02"),
            ("1430-244", "D20"),
            ("1430-246", "M01"),
            ("0503-497", "D17"),
            ("HSCL350B", "M08"),
        ] {
            assert!(find(code).unwrap().checks.contains(&check), "{code}: {check}");
        }
    }

    #[test]
    fn each_pitfall_is_an_entry_that_a_preflight_finds() {
        for number in 1..=8 {
            let entry = find(&format!("pitfall-{number}")).unwrap();
            assert!(!entry.checks.is_empty(), "{}", entry.code);
        }
    }

    #[test]
    fn every_code_of_the_reference_is_known() {
        for code in [
            "1430-025", "1430-030", "1430-045", "1430-094", "1430-134", "1430-143", "1430-187",
            "1430-237", "1430-244", "1430-246", "1430-249", "1020-007", "1020-089", "1020-154",
            "1020-311", "0973-006", "0503-409", "0503-497", "0513-004", "0513-029", "0513-044",
            "0513-059", "0513-071", "0513-085", "2610-656", "HSCL350B", "PMCSS00G", "HSCL03EC",
        ] {
            assert_eq!(find(code).map(|entry| entry.code), Some(code));
        }
    }

    #[test]
    fn the_message_chooses_among_the_cases_of_a_number() {
        let autofs = "1430-134 Notification script '/usr/lpp/nfs/autofs/autofs_lku orig' failed with exit status 127";
        let general = find("1430-134").unwrap();
        assert_ne!(explain("1430-134", autofs), Some(general));
        assert!(explain("1430-134", autofs).unwrap().remedy.contains("AUTOFS_UMOUNT"));
        assert_eq!(
            explain("1430-134", "1430-134 Notification script '/site/own' failed"),
            Some(general)
        );
    }

    #[test]
    fn a_number_may_be_typed_in_any_form() {
        assert_eq!(find(" 430-249 ").unwrap().code, "1430-249");
        assert_eq!(find("hscl350b").unwrap().code, "HSCL350B");
        assert_eq!(find("HSCL1234").unwrap().code, HMC);
        assert_eq!(find("Efix-Locks").unwrap().code, "efix-locks");
        assert_eq!(find(" nlu-0201").unwrap().code, "NLU-0201");
        assert_eq!(find("9999-999"), None);
    }

    #[test]
    fn our_own_codes_are_told_without_the_sense_of_live_update() {
        for entry in all().filter(|entry| entry.code.starts_with("NLU-")) {
            assert!(entry.phases.is_empty() && entry.says.is_empty(), "{}", entry.code);
            // "The update is in effect" is nothing that a request to nimd can come to.
            assert_ne!(entry.retry, Retry::Never, "{}", entry.code);
        }
    }

    #[test]
    fn messages_without_a_number_are_known_by_their_words() {
        for (message, code) in [
            ("EFIX MANAGER LOCKS", "efix-locks"),
            (
                "geninstall:  The live update will not proceed because of an install failure.",
                "install-failed",
            ),
            ("trustchk: Invalid attribute: sig_ver", "trustchk-attribute"),
            ("## OP STATUS : OperationError::OP_PARAM_ERROR", "op-param-error"),
            ("There is no efix data on this system.", "no-efix-data"),
        ] {
            assert_eq!(unnumbered(message).map(|entry| entry.code), Some(code));
        }
        assert_eq!(unnumbered("The live update operation succeeded."), None);
    }

    #[test]
    fn the_install_part_is_explained() {
        assert_eq!(install(Install::Succeeded), None);
        assert_eq!(install(Install::MissingApars).unwrap().code, "missing-apars");
        assert_eq!(install(Install::NothingToInstall).unwrap().retry, Retry::NotNeeded);
    }
}
