//! Words on their way through a remote shell.
//!
//! An SSH exec request carries one text, and the login shell of the user there takes it apart
//! again. What leaves here means the same words to every shell we meet: AIX's ksh88, bash, the
//! restricted bash of an HMC and the restricted ksh of a VIOS. Single quotes are the one form all
//! of them read alike; a word without special characters is left bare, so that a log line, an
//! `authorized_keys` line with `command=` and a person read the same.
//!
//! Words with control characters are refused rather than quoted: a line break inside quotes is
//! legal for these shells but not for a user whose shell is csh, and no command of ours needs one;
//! what is long or secret goes through standard input.

use std::fmt;

/// A command for a remote host: its words, already quoted. Only [`Command::new`] and
/// [`Command::restricted`] make one, so what is sent was quoted.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Command(String);

/// Why a vector of words cannot be sent as a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadCommand {
    /// There is no first word, or it is empty.
    #[error("a command needs a name")]
    Empty,
    /// A word contains a character no shell line should carry.
    #[error("word {position} of the command contains the control character {found:?}")]
    Control {
        /// Which word, counted from 1.
        position: usize,
        /// The character.
        found: char,
    },
    /// A word needs a backslash where the text goes through `echo`, which reads it.
    #[error("the command cannot go through echo: a word of it needs a backslash")]
    Echo,
    /// A restricted shell takes no command names with a slash.
    /// Source: GNU bash, "The Restricted Shell"; AIX `ksh`, `rksh`.
    #[error("a restricted shell takes no path as a command name: {name:?}")]
    Path {
        /// The name as given.
        name: String,
    },
}

impl Command {
    /// Quotes `words` for a POSIX shell (ksh88, bash, dash).
    ///
    /// # Errors
    /// [`BadCommand`] when there is no name or a word has control characters.
    pub fn new<I>(words: I) -> Result<Self, BadCommand>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let mut line = String::new();
        for (at, word) in words.into_iter().enumerate() {
            let word = word.as_ref();
            if let Some(found) = word.chars().find(|c| c.is_control()) {
                return Err(BadCommand::Control { position: at + 1, found });
            }
            let place = if at == 0 { Place::Name } else { Place::Argument };
            if place == Place::Name && word.is_empty() {
                return Err(BadCommand::Empty);
            }
            if place == Place::Argument {
                line.push(' ');
            }
            push_quoted(&mut line, word, place);
        }
        if line.is_empty() { Err(BadCommand::Empty) } else { Ok(Self(line)) }
    }

    /// Quotes `words` for the restricted shell of an HMC or VIOS: as [`Command::new`], and the
    /// name is a bare name, because such a shell refuses paths (hmc-vios §1.4).
    ///
    /// # Errors
    /// As [`Command::new`], and [`BadCommand::Path`].
    pub fn restricted<I>(words: I) -> Result<Self, BadCommand>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let mut words = words.into_iter().peekable();
        match words.peek().map(AsRef::as_ref) {
            Some(name) if name.contains('/') => Err(BadCommand::Path { name: name.to_owned() }),
            Some(_) | None => Self::new(words),
        }
    }

    /// A command for root on a VIOS, sent by padmin: `echo 'words' | ioscli oem_setup_env` (hmc-vios §3.1).
    ///
    /// # Errors
    /// As [`Command::new`], and [`BadCommand::Echo`]: the echo of AIX's shell gives backslashes a meaning.
    pub fn vios_root<I>(words: I) -> Result<Self, BadCommand>
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let Self(line) = Self::new(words)?;
        if line.contains('\\') {
            return Err(BadCommand::Echo);
        }
        let Self(echo) = Self::new(["echo", &line])?;
        Ok(Self(format!("{echo} | ioscli oem_setup_env")))
    }

    /// The line as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Command({})", self.0)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Name,
    Argument,
}

fn push_quoted(line: &mut String, word: &str, place: Place) {
    if !word.is_empty() && word.chars().all(|c| is_plain(c, place)) {
        line.push_str(word);
        return;
    }
    line.push('\'');
    for (at, part) in word.split('\'').enumerate() {
        if at > 0 {
            // Out of the quotes, one quote by backslash, and in again.
            line.push_str("'\\''");
        }
        line.push_str(part);
    }
    line.push('\'');
}

/// Whether a character means itself everywhere in a word. `=` in the name would be an assignment,
/// `%` there a job; a word in quotes is neither, nor a keyword or an alias.
fn is_plain(c: char, place: Place) -> bool {
    match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' | '.' | '/' | ':' | ',' | '@' | '+' => true,
        '=' | '%' => place == Place::Argument,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_words_stay_as_they_are() {
        let command = Command::new(["lssyscfg", "-r", "lpar", "-F", "name,lpar_id"]).unwrap();
        assert_eq!(command.as_str(), "lssyscfg -r lpar -F name,lpar_id");
    }

    #[test]
    fn special_words_are_quoted() {
        for (word, quoted) in [
            ("8286-42A*214F58V", "'8286-42A*214F58V'"),
            ("it's", r"'it'\''s'"),
            ("'", r"''\'''"),
            ("", "''"),
            ("a b", "'a b'"),
            ("$(reboot)", "'$(reboot)'"),
            ("`id`", "'`id`'"),
            ("~root", "'~root'"),
            ("a=b", "a=b"),
            (r"back\slash", r"'back\slash'"),
            ("!", "'!'"),
        ] {
            let command = Command::new(["x", word]).unwrap();
            assert_eq!(command.as_str(), format!("x {quoted}"));
        }
    }

    #[test]
    fn the_name_is_neither_assignment_nor_job() {
        assert_eq!(Command::new(["PATH=/tmp", "id"]).unwrap().as_str(), "'PATH=/tmp' id");
        assert_eq!(Command::new(["%1"]).unwrap().as_str(), "'%1'");
    }

    #[test]
    fn what_cannot_be_sent_is_refused() {
        assert_eq!(Command::new(Vec::<String>::new()), Err(BadCommand::Empty));
        assert_eq!(Command::new([""]), Err(BadCommand::Empty));
        assert_eq!(
            Command::new(["echo", "a\nreboot"]),
            Err(BadCommand::Control { position: 2, found: '\n' })
        );
        assert_eq!(
            Command::restricted(["/usr/bin/id"]),
            Err(BadCommand::Path { name: "/usr/bin/id".to_owned() })
        );
        assert_eq!(Command::restricted(["lshmc", "-V"]).unwrap().as_str(), "lshmc -V");
    }

    #[test]
    fn root_on_a_vios_gets_its_words_through_echo() {
        let command = Command::vios_root(["lslpp", "-L", "bos.*"]).unwrap();
        assert_eq!(command.as_str(), r"echo 'lslpp -L '\''bos.*'\''' | ioscli oem_setup_env");
        assert_eq!(Command::vios_root(["x", r"a\b"]), Err(BadCommand::Echo));
        assert_eq!(Command::vios_root(["x", "it's"]), Err(BadCommand::Echo));
    }

    proptest! {
        /// The judge is a real shell: it must find the words that went in.
        #[test]
        fn a_shell_reads_back_the_same_words(
            words in prop::collection::vec("[^\\p{Cc}]{0,12}", 0..4)
        ) {
            let mut all = vec!["printf".to_owned(), "%s\\n".to_owned()];
            all.extend(words.iter().cloned());
            all.push("end".to_owned());
            let command = Command::new(&all).unwrap();
            let output = std::process::Command::new("sh")
                .env_clear()
                .arg("-c")
                .arg(command.as_str())
                .output()
                .unwrap();
            let expected: String =
                words.iter().map(String::as_str).chain(["end"]).map(|w| format!("{w}\n")).collect();
            prop_assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
        }
    }
}
