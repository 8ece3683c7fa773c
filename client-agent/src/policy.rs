//! What the LPAR itself allows its master: a file that root owns and the agent never writes.
//!
//! ```text
//! # /etc/nim-agent.policy
//! push = off            no files over the agent's connection
//! preview_only = yes    no update
//! queries = oslevel, lslpp    of the list that is compiled into the agent these only; `off` for none
//! ```

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nim_shared::query::QueryId;
use nim_shared::request::{Images, Request};

use crate::disk::{self, Error};
use crate::root::Root;
use crate::system;

/// Where the file is. Without it everything is allowed.
pub(crate) const FILE: &str = "/etc/nim-agent.policy";

/// What is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Policy {
    push: Allowed,
    update: Allowed,
    /// `None`: all that are compiled in.
    queries: Option<Vec<QueryId>>,
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

    /// Without a rule everything is allowed.
    const fn open() -> Self {
        Self { push: Allowed::Yes, update: Allowed::Yes, queries: None }
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
        if matches!(request.images, Some(Images::Pushed { .. })) {
            return self.admit_push();
        }
        Ok(())
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
    use super::*;

    #[test]
    fn rules_are_read_and_what_is_no_rule_is_an_error() {
        let policy =
            Policy::parse("# ours\npush = off\n\npreview_only=yes # until June\n").unwrap();
        assert_eq!(policy, Policy { push: Allowed::No, update: Allowed::No, queries: None });
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
