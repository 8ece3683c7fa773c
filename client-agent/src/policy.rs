//! What the LPAR itself allows its master: a file that root owns and the agent never writes.
//!
//! ```text
//! # /etc/nim-agent.policy
//! push = off            no files over the agent's connection
//! preview_only = yes    no update
//! queries = oslevel, lslpp    of the list that is compiled into the agent these only; `off` for none
//! preflight = off         no look at the LPAR for a preflight
//! prep = off              nothing is switched off or stopped before an update
//! scripts = on            any script that the master sends; or a list of SHA-256 digests: these only
//! ```
//!
//! Scripts alone are off where nothing is said: with them the master's key can do whatever root can, and that is for the LPAR to grant.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nim_shared::id::Digest;
use nim_shared::prep::PrepStep;
use nim_shared::query::QueryId;
use nim_shared::request::{Content, Request, Script};

use crate::disk::{self, Error};
use crate::root::Root;
use crate::system;

/// Where the file is. Without it everything is allowed but scripts.
pub(crate) const FILE: &str = "/etc/nim-agent.policy";

/// What is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    push: Allowed,
    update: Allowed,
    /// `None`: all that are compiled in.
    queries: Option<Vec<QueryId>>,
    preflight: Allowed,
    prep: Allowed,
    scripts: Scripts,
}

/// Which scripts may be run.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Scripts {
    All,
    /// With one of these contents.
    These(Vec<Digest>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Allowed {
    Yes,
    No,
}

impl Policy {
    /// As the file says.
    pub(crate) fn read(root: &Root) -> Result<Self, Error> {
        let path = root.at(FILE);
        let Some(text) = disk::read(&path, LIMIT)? else {
            return Ok(Self::open());
        };
        disk::doing("trust", &path, is_trusted(&path))?;
        let text = String::from_utf8_lossy(&text);
        disk::doing("understand", &path, Self::parse(&text).map_err(std::io::Error::other))
    }

    /// Without a rule everything is allowed but scripts.
    const fn open() -> Self {
        let scripts = Scripts::These(Vec::new());
        let yes = Allowed::Yes;
        Self { push: yes, update: yes, queries: None, preflight: yes, prep: yes, scripts }
    }

    /// A line that is not understood might forbid something, so it makes the whole file an error.
    fn parse(text: &str) -> Result<Self, String> {
        let mut policy = Self::open();
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let (key, value) =
                line.split_once('=').map_or((line, ""), |(k, v)| (k.trim(), v.trim()));
            match (key, value) {
                ("push", "on") => policy.push = Allowed::Yes,
                ("push", "off") => policy.push = Allowed::No,
                ("preview_only", "no") => policy.update = Allowed::Yes,
                ("preview_only", "yes") => policy.update = Allowed::No,
                ("preflight", "on") => policy.preflight = Allowed::Yes,
                ("preflight", "off") => policy.preflight = Allowed::No,
                ("prep", "on") => policy.prep = Allowed::Yes,
                ("prep", "off") => policy.prep = Allowed::No,
                ("queries", "on") => policy.queries = None,
                ("queries", "off") => policy.queries = Some(Vec::new()),
                ("queries", list) => {
                    let names = list.split([',', ' ', '\t']).filter(|name| !name.is_empty());
                    let ids = names.map(str::parse).collect::<Result<Vec<_>, _>>();
                    match ids {
                        Ok(ids) if !ids.is_empty() => policy.queries = Some(ids),
                        Ok(_) => return Err(format!("line {}: \"{line}\" is no rule", number + 1)),
                        Err(unknown) => return Err(format!("line {}: {unknown}", number + 1)),
                    }
                }
                ("scripts", "on") => policy.scripts = Scripts::All,
                ("scripts", "off") => policy.scripts = Scripts::These(Vec::new()),
                ("scripts", list) => {
                    let words = list.split([',', ' ', '\t']).filter(|word| !word.is_empty());
                    match words.map(str::parse).collect::<Result<Vec<_>, _>>() {
                        Ok(digests) if !digests.is_empty() => {
                            policy.scripts = Scripts::These(digests);
                        }
                        Ok(_) | Err(_) => {
                            return Err(format!("line {}: \"{line}\" is no rule", number + 1));
                        }
                    }
                }
                _ => return Err(format!("line {}: \"{line}\" is no rule", number + 1)),
            }
        }
        Ok(policy)
    }

    /// Why `request` is not allowed, if it is not.
    pub(crate) fn admit(&self, request: &Request) -> Result<(), String> {
        if self.update == Allowed::No && !request.kind.is_preview() {
            return Err(format!("{FILE} allows previews only"));
        }
        if self.prep == Allowed::No
            && let Some(PrepStep { step, .. }) = request.prep.first()
        {
            return Err(format!("{FILE} does not allow what the order wants first: {step}"));
        }
        if self.prep == Allowed::No
            && let Some(subsystem) = request.restart.first()
        {
            return Err(format!("{FILE} does not allow to start subsystem {subsystem} anew"));
        }
        if request.contents().next().is_some() {
            self.admit_push()?;
        }
        let is_not = |script: &&Script| match &self.scripts {
            Scripts::All => false,
            Scripts::These(digests) => !digests.contains(&script.content.digest),
        };
        match request.programs().find(is_not) {
            Some(Script { name, content: Content { digest, .. } }) => Err(format!(
                "{FILE} does not allow the script {name}: root on this LPAR allows it there by \"scripts = {digest}\", or all by \"scripts = on\""
            )),
            None => Ok(()),
        }
    }

    /// Why `query` may not be asked, if it may not.
    pub(crate) fn admit_query(&self, query: QueryId) -> Result<(), String> {
        match &self.queries {
            Some(ids) if !ids.contains(&query) => {
                Err(format!("{FILE} does not allow the query {query}"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Why the LPAR may not be looked at, if it may not.
    pub(crate) fn admit_preflight(&self) -> Result<(), String> {
        match self.preflight {
            Allowed::Yes => Ok(()),
            Allowed::No => Err(format!("{FILE} does not allow a preflight")),
        }
    }

    /// Why files may not be pushed, if they may not.
    pub(crate) fn admit_push(&self) -> Result<(), String> {
        match self.push {
            Allowed::Yes => Ok(()),
            Allowed::No => Err(format!("{FILE} does not allow files to be pushed")),
        }
    }
}

/// A file that somebody else may write protects from nothing.
fn is_trusted(path: &Path) -> std::io::Result<()> {
    let found = path.symlink_metadata()?;
    if found.uid() == system::effective_user() && found.mode() & 0o022 == 0 {
        return Ok(());
    }
    Err(std::io::Error::other("it must belong to root and be writable by root alone"))
}

const LIMIT: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use nim_shared::frame::ChangeClass;
    use nim_shared::prep::Step;
    use nim_shared::request::Kind;

    use super::*;

    #[test]
    fn rules_are_read_and_what_is_no_rule_is_an_error() {
        let policy =
            Policy::parse("# ours\npush = off\n\npreview_only=yes # until June\n").unwrap();
        assert_eq!(policy, Policy { push: Allowed::No, update: Allowed::No, ..Policy::open() });
        assert!(Policy::open().admit_preflight().is_ok());
        assert_eq!(
            Policy::parse("preflight = off").unwrap().admit_preflight().unwrap_err(),
            "/etc/nim-agent.policy does not allow a preflight"
        );
        assert_eq!(Policy::parse("push = of").unwrap_err(), "line 1: \"push = of\" is no rule");
    }

    #[test]
    fn queries_are_all_none_or_those_that_are_listed() {
        let admitted = |text: &str, id: QueryId| Policy::parse(text).unwrap().admit_query(id);
        for text in ["", "queries = on", "queries=lspv\nqueries = on"] {
            assert_eq!(admitted(text, QueryId::Lslpp), Ok(()), "{text}");
        }
        assert_eq!(admitted("queries = oslevel, lslpp # both", QueryId::Lslpp), Ok(()));
        for text in ["queries = off", "queries = oslevel lspv"] {
            assert_eq!(
                admitted(text, QueryId::Lslpp).unwrap_err(),
                "/etc/nim-agent.policy does not allow the query lslpp"
            );
        }
        for text in ["queries = lslpp rm", "queries =", "queries"] {
            assert!(Policy::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn scripts_are_none_all_or_those_that_are_listed() {
        let script = |content: &[u8]| Script {
            name: "post".parse().unwrap(),
            content: Content { digest: Digest::of(content), bytes: content.len() as u64 },
        };
        let request = |scripts| Request { scripts, ..Request::of(Kind::InstallPreview) };
        let one = Digest::of(b"one");
        let cases = [
            (String::new(), false),
            ("scripts = off".to_owned(), false),
            ("scripts = on".to_owned(), true),
            (format!("scripts = {one}"), true),
            (format!("scripts={} , {one} # ours", Digest::of(b"two")), true),
            (format!("scripts = {}", Digest::of(b"two")), false),
            ("scripts = on\npush = off".to_owned(), false),
        ];
        for (text, allowed) in cases {
            let policy = Policy::parse(&text).unwrap();
            assert_eq!(policy.admit(&request(vec![script(b"one")])).is_ok(), allowed, "{text}");
            assert_eq!(policy.admit(&request(Vec::new())), Ok(()), "{text}");
        }
        assert_eq!(
            Policy::parse("").unwrap().admit(&request(vec![script(b"one")])).unwrap_err(),
            format!(
                "/etc/nim-agent.policy does not allow the script post: root on this LPAR allows it there by \"scripts = {one}\", or all by \"scripts = on\""
            )
        );
        let step = PrepStep { step: Step::TrustedExecution, class: ChangeClass::Always };
        let prepared = Request { prep: vec![step], ..request(Vec::new()) };
        assert_eq!(Policy::open().admit(&prepared), Ok(()));
        assert_eq!(
            Policy::parse("prep = off").unwrap().admit(&prepared).unwrap_err(),
            "/etc/nim-agent.policy does not allow what the order wants first: Trusted Execution off"
        );
        for text in ["scripts", "scripts = abc", "scripts = on off"] {
            assert!(Policy::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_that_others_may_write_is_not_trusted() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let root = Root::below(folder.path());
        assert_eq!(Policy::read(&root).unwrap().admit_push(), Ok(()));
        std::fs::create_dir(root.at("/etc")).unwrap();
        std::fs::write(root.at(FILE), "push = off\n").unwrap();
        for (mode, trusted) in [(0o644, true), (0o664, false), (0o646, false)] {
            std::fs::set_permissions(root.at(FILE), std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(Policy::read(&root).is_ok(), trusted, "{mode:o}");
        }
    }
}
