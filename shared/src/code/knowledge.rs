//! What is built in and what a site has added, together: one message explained, or all that a text says.

use std::borrow::Cow;

use serde::Serialize;

use super::{Entry, Fix, Retry, SiteEntry, normal, scan};
use crate::operation::Message;
use crate::stage::Phase;

/// All that is known, here and at this site.
#[derive(Debug, Clone, Default)]
pub struct Knowledge {
    site: Vec<SiteEntry>,
}

/// What a message means, wherever that is known from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Meaning {
    /// Number or name.
    pub code: Cow<'static, str>,
    /// What happened, in a few words.
    pub title: Cow<'static, str>,
    /// The phases in which it is known to come.
    pub phases: &'static [Phase],
    /// Why it comes.
    pub cause: Cow<'static, str>,
    /// What to do about it.
    pub remedy: Cow<'static, str>,
    /// Whether to try again.
    pub retry: Retry,
    /// The AIX levels that it concerns, in words.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub levels: Cow<'static, str>,
    /// What repairs it, by level.
    #[serde(skip_serializing_if = "<[Fix]>::is_empty")]
    pub fixes: &'static [Fix],
    /// The checks of a preflight that find it before it bites.
    #[serde(skip_serializing_if = "<[&str]>::is_empty")]
    pub checks: &'static [&'static str],
    /// Whether the site says so.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub of_site: bool,
}

impl Meaning {
    /// The one that is nearest to the cause: the first that tells by itself, else the first of something that went wrong, else the first.
    #[must_use]
    pub fn nearest(known: &[Self]) -> Option<&Self> {
        let tells = |one: &&Self| !matches!(one.retry, Retry::SeeOthers | Retry::NotNeeded);
        let wrong = |one: &&Self| one.retry != Retry::NotNeeded;
        let found = known.iter().find(tells).or_else(|| known.iter().find(wrong));
        found.or_else(|| known.first())
    }
}

/// What a text says of what is known, and what is not known of what it says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Matched {
    /// Messages that are known, in the order in which they first came.
    pub messages: Vec<Hit>,
    /// Numbers that are not, in the order in which they first came.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<Unknown>,
    /// How many further ones there were than are kept.
    #[serde(skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

/// A message that is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hit {
    /// What it means.
    #[serde(flatten)]
    pub meaning: Meaning,
    /// The first line that has it, as it came; its beginning where it is long.
    pub line: String,
    /// In how many lines it stands.
    pub lines: u64,
}

/// A number that nothing is known about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unknown {
    /// The number.
    pub code: String,
    /// The first line that has it, as it came; its beginning where it is long.
    pub line: String,
    /// In how many lines it stands.
    pub lines: u64,
}

impl From<&Entry> for Meaning {
    fn from(entry: &Entry) -> Self {
        let &Entry { code, says: _, title, phases, cause, remedy, retry, levels, fixes, checks } =
            entry;
        Self {
            code: code.into(),
            title: title.into(),
            phases,
            cause: cause.into(),
            remedy: remedy.into(),
            retry,
            levels: levels.into(),
            fixes,
            checks,
            of_site: false,
        }
    }
}

impl From<&SiteEntry> for Meaning {
    fn from(entry: &SiteEntry) -> Self {
        let SiteEntry { code, says: _, title, cause, remedy, retry, levels } = entry.clone();
        Self {
            code: code.into(),
            title: title.into(),
            phases: &[],
            cause: cause.into(),
            remedy: remedy.into(),
            retry,
            levels: levels.into(),
            fixes: &[],
            checks: &[],
            of_site: true,
        }
    }
}

impl Knowledge {
    /// With what the site adds.
    #[must_use]
    pub const fn with(site: Vec<SiteEntry>) -> Self {
        Self { site }
    }

    /// Every code there is, for whoever mistyped one.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        super::all().map(|entry| entry.code).chain(self.site.iter().map(|one| one.code.as_str()))
    }

    /// What `code` means with this message: the most special entry that fits, of the site before ours.
    #[must_use]
    pub fn explain(&self, code: &str, message: &str) -> Option<Meaning> {
        let code = normal(code).unwrap_or_else(|| code.trim().to_owned());
        let named = normal(&code).is_none();
        let says =
            |one: &&SiteEntry| named || one.says.iter().all(|part| message.contains(part.as_str()));
        let same = |one: &&SiteEntry| one.code.eq_ignore_ascii_case(&code);
        let site = self.site.iter().filter(same).filter(says).max_by_key(|one| one.says.len());
        let ours = super::explain(&code, message);
        match (site, ours) {
            // A case of a number that is known here says more than what a site says of the number in general.
            (Some(site), Some(ours))
                if !named && site.says.len() < ours.says.len() && ours.code == code =>
            {
                Some(ours.into())
            }
            (Some(site), _) => Some(site.into()),
            (None, ours) => ours.map(Meaning::from),
        }
    }

    /// What is known about one of the codes of an operation, by its line where `messages` has one.
    #[must_use]
    pub fn of_code(&self, code: &str, messages: &[Message]) -> Option<Meaning> {
        let line = messages.iter().find(|message| message.code == code);
        self.explain(code, line.map(|message| message.text.as_str()).unwrap_or_default())
    }

    /// What is known about the codes of an operation, in their order; what is not known is left out.
    #[must_use]
    pub fn of_codes(&self, codes: &[String], messages: &[Message]) -> Vec<Meaning> {
        codes.iter().filter_map(|code| self.of_code(code, messages)).collect()
    }

    /// What is known about a line that has no number.
    #[must_use]
    pub fn unnumbered(&self, line: &str) -> Option<Meaning> {
        let says = |one: &&SiteEntry| {
            normal(&one.code).is_none() && one.says.iter().any(|part| line.contains(part.as_str()))
        };
        let site = self.site.iter().find(says).map(Meaning::from);
        site.or_else(|| super::unnumbered(line).map(Meaning::from))
    }

    /// What a text says, whether geninstall printed it or it stands in a log.
    #[must_use]
    pub fn matched(&self, text: &str) -> Matched {
        let mut matched = Matched::default();
        for line in text.lines() {
            let mut here: Vec<Cow<'static, str>> = Vec::new();
            let mut unknown: Vec<String> = Vec::new();
            for found in scan(line) {
                match self.explain(&found.code, line) {
                    Some(meaning) if here.contains(&meaning.code) => {}
                    Some(meaning) => {
                        here.push(meaning.code.clone());
                        matched.add(meaning, line);
                    }
                    None if unknown.contains(&found.code) => {}
                    None => {
                        matched.add_unknown(&found.code, line);
                        unknown.push(found.code);
                    }
                }
            }
            if let Some(meaning) = self.unnumbered(line)
                && !here.contains(&meaning.code)
            {
                matched.add(meaning, line);
            }
        }
        matched
    }
}

impl Matched {
    /// Adds `code`, of which no line is at hand, unless a line has it.
    pub fn mention(&mut self, code: &str, knowledge: &Knowledge) {
        let known = self.messages.iter().any(|hit| hit.meaning.code == code);
        if known || self.unknown.iter().any(|one| one.code == code) {
            return;
        }
        match knowledge.explain(code, "") {
            Some(meaning) => self.messages.push(Hit { meaning, line: String::new(), lines: 0 }),
            None => {
                let (code, line) = (code.to_owned(), String::new());
                self.unknown.push(Unknown { code, line, lines: 0 });
            }
        }
    }

    fn add(&mut self, meaning: Meaning, line: &str) {
        if let Some(hit) = self.messages.iter_mut().find(|hit| hit.meaning == meaning) {
            hit.lines += 1;
        } else if self.messages.len() < MOST_MESSAGES {
            self.messages.push(Hit { meaning, line: beginning(line), lines: 1 });
        } else {
            self.left_out += 1;
        }
    }

    fn add_unknown(&mut self, code: &str, line: &str) {
        if let Some(known) = self.unknown.iter_mut().find(|one| one.code == code) {
            known.lines += 1;
        } else if self.unknown.len() < MOST_MESSAGES {
            self.unknown.push(Unknown { code: code.to_owned(), line: beginning(line), lines: 1 });
        } else {
            self.left_out += 1;
        }
    }
}

/// What is kept of a line.
fn beginning(line: &str) -> String {
    line.chars().take(LONGEST_LINE).collect()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Most messages that are kept of a text, known and unknown each.
pub const MOST_MESSAGES: usize = 256;

/// Most characters that are kept of a line.
pub const LONGEST_LINE: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    fn site(code: &str, says: &[&str], title: &str) -> SiteEntry {
        SiteEntry {
            code: code.to_owned(),
            says: says.iter().map(ToString::to_string).collect(),
            title: title.to_owned(),
            cause: "site cause".to_owned(),
            remedy: "site remedy".to_owned(),
            retry: Retry::Later,
            levels: String::new(),
        }
    }

    /// LU §2.8, lines of the logs as they were published.
    const LOG: &str = "\
OLVUPDMCR 1610089744.160 DEBUG mcr_fd_srm_dev - Calling lvup_chckpnt_status(LIVE_UPDATE_TRY)
KLVUPD 1610089744 DEBUG - 6750576/24904167 DENY Blocking entry: procfs open, count: 9
KLVUPD 1610089745 DEBUG - 6750576/24904167 DENY Blocking entry: procfs open, count: 9
OLVUPDMCR 1610089754.160 ERROR mcr_sync - Action LU_FREEZE failed in SRM with status 6
[2021-11-04][16:03:24]libhmc_http.c:getHmcErrorMessage:1395: HMC error msg: [[HSCL350B The user does not have the appropriate authority.
mcr: cke_errno 52 cke_Sy_error 23349 cke_Xtnd_error 534 cke_buf /usr/lib/libC.a(shr_64.o)
No valid management console to execute the request
OLVUPDMCR 1610089760.160 ERROR - 1430-998 what nobody has seen, 1430-998
OLVUPDMCR 1610089761.160 ERROR - 1430-998 again
";

    #[test]
    fn the_lines_of_a_log_are_told_with_their_pitfalls() {
        let matched = Knowledge::default().matched(LOG);
        let told: Vec<_> =
            matched.messages.iter().map(|hit| (&*hit.meaning.code, hit.lines)).collect();
        assert_eq!(told, [("pitfall-1", 2), ("HSCL350B", 1), ("pitfall-6", 1), ("pitfall-8", 1)]);
    }

    #[test]
    fn a_number_that_is_not_known_keeps_its_line_and_is_counted() {
        let matched = Knowledge::default().matched(LOG);
        let line = "OLVUPDMCR 1610089760.160 ERROR - 1430-998 what nobody has seen, 1430-998";
        let unknown = Unknown { code: "1430-998".to_owned(), line: line.to_owned(), lines: 2 };
        assert_eq!((matched.unknown, matched.left_out), (vec![unknown], 0));
    }

    #[test]
    fn what_is_kept_of_a_text_is_bounded() {
        let text: String = (0..2000).map(|n| format!("7777-{:03} x\n", n % 1000)).collect();
        let matched = Knowledge::default().matched(&text);
        assert_eq!(matched.unknown.len(), MOST_MESSAGES);
        assert_eq!(matched.left_out, 2 * (1000 - MOST_MESSAGES as u64));
        let long = format!("1430-998 {}", "x".repeat(10_000));
        assert_eq!(Knowledge::default().matched(&long).unknown[0].line.len(), LONGEST_LINE);
    }

    #[test]
    fn a_code_of_an_operation_is_told_by_its_line_and_the_nearest_is_the_cause() {
        let knowledge =
            Knowledge::with(vec![site("1430-134", &["/site/own"], "the script of the site")]);
        let codes: Vec<String> =
            ["0503-409", "1430-045", "9999-999", "1430-134"].map(Into::into).into();
        let titles = |text: &str| {
            let (code, text) = ("1430-134".to_owned(), text.to_owned());
            let known = knowledge.of_codes(&codes, &[Message { code, text }]);
            assert_eq!(known.len(), 3, "{known:?}");
            Meaning::nearest(&known).unwrap().title.clone()
        };
        assert_eq!(titles("Notification script '/site/own' failed"), "the script of the site");
        assert!(titles("'/usr/lpp/nfs/autofs/autofs_lku orig' failed").contains("autofs"));
        assert_eq!(titles("of something else"), crate::code::find("1430-134").unwrap().title);
        let nearest = |codes: &[&str]| {
            let codes: Vec<String> = codes.iter().map(ToString::to_string).collect();
            let known = knowledge.of_codes(&codes, &[]);
            Meaning::nearest(&known).map(|one| one.code.clone())
        };
        assert_eq!(nearest(&["0503-409", "1430-045"]).as_deref(), Some("1430-045"));
        assert_eq!(nearest(&["0503-409"]).as_deref(), Some("0503-409"));
        assert_eq!(nearest(&["9999-999"]), None);
    }

    #[test]
    fn a_site_comes_before_what_is_built_in_where_it_says_as_much() {
        let knowledge = Knowledge::with(vec![
            site("1430-134", &[], "general"),
            site("1430-134", &["/site/own"], "own"),
            site("site-backup", &["BKP0042", "BKP0043"], "backup"),
        ]);
        let title = |code: &str, line: &str| knowledge.explain(code, line).unwrap().title;
        assert_eq!(title("1430-134", "1430-134 script '/site/own' failed"), "own");
        assert_eq!(title("430-134", ""), "general");
        assert_ne!(title("1430-134", "script '/opt/triton/daemon-stop'"), "general");
        assert_eq!(title("Site-Backup", ""), "backup");
        assert_eq!(knowledge.unnumbered("x BKP0043 y").unwrap().title, "backup");
        assert_eq!(knowledge.matched("x BKP0043 y\n").messages[0].meaning.title, "backup");
    }
}
