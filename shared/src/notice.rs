//! Who is told of rollouts, and what: receivers of a site's policy, and the messages that they are sent.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use crate::id::{ObjectName, RolloutId, printable, text_type};
use crate::stamp::Timestamp;
use crate::ticket::Ticket;

/// Who is told: a web hook, or people by mail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Receiver {
    /// Messages are posted there as JSON, with a signature by Standard Webhooks.
    #[serde(default)]
    pub webhook: Option<WebhookUrl>,
    /// Name of the secret that they are signed with (`nimctl secret set`).
    #[serde(default)]
    pub secret: Option<ObjectName>,
    /// Addresses of people, who all get the same mail.
    #[serde(default)]
    pub mail: Vec<MailAddress>,
}

/// A receiver as it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way<'a> {
    /// Posted and signed.
    Webhook {
        /// Where.
        url: &'a WebhookUrl,
        /// With which secret.
        secret: &'a ObjectName,
    },
    /// Mailed.
    Mail(&'a [MailAddress]),
}

impl Receiver {
    /// How it is reached.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn way(&self) -> Result<Way<'_>, &'static str> {
        match (&self.webhook, &self.secret, &self.mail[..]) {
            (Some(url), Some(secret), []) => Ok(Way::Webhook { url, secret }),
            (Some(_), None, []) => Err(
                "has no secret: messages are signed, and whoever gets them can tell whose they are",
            ),
            (None, None, [_, ..]) => Ok(Way::Mail(&self.mail)),
            (None, Some(_), [_, ..]) => Err("has a secret, which mails are not signed with"),
            (None, _, []) => Err("has neither webhook nor mail"),
            (Some(_), _, [_, ..]) => Err("has both webhook and mail: make two of it"),
        }
    }
}

/// Where messages are posted: `https://…` or `http://…`, at most 2048 characters of ASCII, without a user and a password, which would be
/// shown to whoever reads the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct WebhookUrl(String);

/// Why a text is no place to post to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is no URL of a web hook: {why}", printable(.text))]
pub struct BadUrl {
    text: String,
    why: &'static str,
}

impl WebhookUrl {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where it leads, without path and query: these are often a secret by themselves.
    #[must_use]
    pub fn place(&self) -> &str {
        let after = self.0.find("://").map_or(0, |at| at + 3);
        let end = self.0[after..].find(['/', '?', '#']).map_or(self.0.len(), |at| after + at);
        &self.0[..end]
    }
}

impl FromStr for WebhookUrl {
    type Err = BadUrl;

    fn from_str(text: &str) -> Result<Self, BadUrl> {
        let bad = |why| BadUrl { text: text.chars().take(80).collect(), why };
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let rest = rest.ok_or_else(|| bad("it begins with https:// or http://"))?;
        if text.len() > 2048 || !text.chars().all(|c| c.is_ascii_graphic()) {
            return Err(bad("it has at most 2048 characters of ASCII, and no blank"));
        }
        let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if place.contains('@') {
            return Err(bad("a user and a password in it would be shown to whoever reads it"));
        }
        if place.is_empty() || place.starts_with(':') {
            return Err(bad("it names no host"));
        }
        Ok(Self(text.to_owned()))
    }
}

/// An address of mail, such as `ops@example.com`: at most 254 characters of ASCII, none of which a mail program reads as anything else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct MailAddress(String);

/// A text that is no address of mail.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is no address of mail, such as ops@example.com", printable(.0))]
pub struct BadAddress(String);

impl FromStr for MailAddress {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.@".contains(c);
        let parts = text.split_once('@').filter(|(user, host)| {
            !user.is_empty() && !host.is_empty() && !host.contains('@') && !user.starts_with('-')
        });
        if parts.is_none() || text.len() > 254 || !text.chars().all(plain) {
            return Err(BadAddress(text.chars().take(80).collect()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

text_type!(WebhookUrl, MailAddress);

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Subject {
    /// A rollout was started.
    #[serde(rename = "rollout.started")]
    Started,
    /// Another wave is next.
    #[serde(rename = "rollout.wave")]
    Wave,
    /// Somebody has to approve or promote something.
    #[serde(rename = "rollout.approval")]
    Approval,
    /// LPARs failed, are stuck or could not be reached.
    #[serde(rename = "rollout.failed")]
    Failed,
    /// So much went wrong that nothing new is started.
    #[serde(rename = "rollout.stopped")]
    Stopped,
    /// Somebody holds new starts.
    #[serde(rename = "rollout.paused")]
    Paused,
    /// Somebody let it go on.
    #[serde(rename = "rollout.resumed")]
    Resumed,
    /// Somebody ended it.
    #[serde(rename = "rollout.aborted")]
    Aborted,
    /// All of its LPARs have their end.
    #[serde(rename = "rollout.ended")]
    Ended,
    /// Somebody tries whether messages arrive.
    #[serde(rename = "test")]
    Test,
}

impl Subject {
    /// What rollouts tell of, with the words by which their files choose.
    pub const OF_ROLLOUTS: &'static [(&'static str, Self)] = &[
        ("started", Self::Started),
        ("wave", Self::Wave),
        ("approval", Self::Approval),
        ("failed", Self::Failed),
        ("stopped", Self::Stopped),
        ("paused", Self::Paused),
        ("resumed", Self::Resumed),
        ("aborted", Self::Aborted),
        ("ended", Self::Ended),
    ];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        let found = Self::OF_ROLLOUTS.iter().find(|(_, one)| *one == self);
        found.map_or("test", |(word, _)| word)
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// A message, as a web hook gets it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Message {
    /// What it is about.
    #[serde(rename = "type")]
    pub subject: Subject,
    /// When that was.
    pub timestamp: Timestamp,
    /// What was.
    pub data: Told,
}

/// What a message tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Told {
    /// In a sentence.
    pub text: String,
    /// The rollout; none of a test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollout: Option<ToldRollout>,
    /// The LPARs that it is about, at most [`Told::MOST`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lpars: Vec<ToldLpar>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_lpars: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

impl Told {
    /// How many LPARs a message names.
    pub const MOST: usize = 100;
}

/// The rollout that a message is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ToldRollout {
    /// Its id.
    pub id: RolloutId,
    /// Its name.
    pub name: ObjectName,
    /// `running`, `paused`, `stopped`, `aborting`, `ended`.
    pub phase: String,
    /// The wave that runs, or is to run next.
    pub wave: ObjectName,
    /// Under which ticket it was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<Ticket>,
    /// Who did what is told of, as uid on the master; none of what nimd did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<u32>,
    /// How many LPARs stand where.
    pub counts: crate::api::RolloutCounts,
}

/// An LPAR that a message is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ToldLpar {
    /// Its name.
    pub name: ObjectName,
    /// Where it stands: `failed`, `stuck`, `unreachable`, `waiting`.
    pub state: String,
    /// Why, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_leads_to_a_host_and_shows_no_password() {
        let place = |text: &str| text.parse::<WebhookUrl>().map(|url| url.place().to_owned());
        assert_eq!(
            place("https://chat.example.com/hooks/T0/secret").unwrap(),
            "https://chat.example.com"
        );
        assert_eq!(place("http://[fd00::1]:8080?x=/y").unwrap(), "http://[fd00::1]:8080");
        for bad in [
            "ftp://x",
            "chat.example.com",
            "https://",
            "https:///path",
            "https://:80/",
            "https://u:p@h/",
            "https://h/a b",
            "https://h/\u{e4}",
            "",
        ] {
            assert!(place(bad).is_err(), "{bad}");
        }
        assert!(place(&format!("https://h/{}", "a".repeat(2048))).is_err());
    }

    #[test]
    fn an_address_is_one_that_no_mail_program_takes_for_more() {
        let is_good = |text: &str| text.parse::<MailAddress>().is_ok();
        assert!(
            is_good("ops@example.com") && !is_good("a.b+c@[10.0.0.1]") && is_good("root@localhost")
        );
        for bad in [
            "",
            "ops",
            "@x",
            "ops@",
            "a@b@c",
            "-oQ/tmp@x",
            "a b@x",
            "a@x\nBcc: b@y",
            "a,b@x",
            "<a@x>",
        ] {
            assert!(!is_good(bad), "{bad}");
        }
    }

    #[test]
    fn a_receiver_is_reached_in_one_way() {
        let url = || Some("https://h/x".parse().unwrap());
        let secret = || Some("hook".parse().unwrap());
        let mail = || vec!["a@x".parse().unwrap()];
        let way = |webhook, secret, mail| Receiver { webhook, secret, mail }.way().is_ok();
        assert!(way(url(), secret(), vec![]) && way(None, None, mail()));
        assert!(!way(url(), None, vec![]) && !way(None, secret(), mail()));
        assert!(
            !way(None, None, vec![])
                && !way(url(), secret(), mail())
                && !way(None, secret(), vec![])
        );
    }

    #[test]
    fn each_subject_has_a_word_of_its_own_that_is_also_its_name_on_the_wire() {
        for (word, subject) in Subject::OF_ROLLOUTS {
            assert_eq!(subject.word(), *word);
            assert_eq!(serde_json::json!(subject), format!("rollout.{word}"));
        }
    }
}
