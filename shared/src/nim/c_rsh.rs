//! `c_rsh NODE COMMAND`: a command line for another machine's shell, as deployed tools write them, read as the query that it is.
//!
//! There is no shell at the other end. What tools put round a command is known: `( LC_ALL=C … ); echo rc=$?`, a locale in front,
//! quotes round all of it, where standard error goes. Source: the NIM reference, §9.4. Everything else that only a shell could do
//! is refused by name.

use crate::id::printable;
use crate::query::{BadQuery, Query};

/// What a command line of `c_rsh` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The machine: its name, or the host name of its first interface.
    pub node: String,
    /// The question.
    pub query: Query,
    /// Where standard error of the command goes.
    pub stderr: Stderr,
    /// Whether its exit status follows as a line `rc=N`.
    pub status: Status,
}

/// Where standard error goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stderr {
    /// To standard error.
    Apart,
    /// `2>&1`: to standard output.
    Joined,
    /// `2>/dev/null`: nowhere.
    Dropped,
}

/// What is said of the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing: the exit status of `c_rsh` itself is that of the transport.
    Silent,
    /// `; echo rc=$?`: a last line `rc=N`.
    Echoed,
}

/// Why a command line of `c_rsh` is not run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadCommand {
    /// The machine or the command is missing.
    #[error("the machine and the command are to be given")]
    Nothing,
    /// Something that only a shell does.
    #[error("\"{}\" needs a shell, and there is none: one command that only reads is run at a time", printable(.0))]
    Shell(String),
    /// A variable that is not set.
    #[error("\"{}\" is not set: commands run in the C locale, and with nothing else of the environment", printable(.0))]
    Variable(String),
    /// Quotes without their end.
    #[error("the quotes in \"{}\" do not end", printable(.0))]
    Quotes(String),
    /// The command is none that can be asked.
    #[error(transparent)]
    Query(#[from] BadQuery),
}

/// How `c_rsh` is used.
pub const USAGE: &str = "usage: c_rsh NODE COMMAND";

impl Asked {
    /// Reads the arguments after `c_rsh`.
    ///
    /// # Errors
    /// [`BadCommand`] for what is not on the list of queries, with its name.
    pub fn read(arguments: &[String]) -> Result<Self, BadCommand> {
        let (node, command) = arguments.split_first().ok_or(BadCommand::Nothing)?;
        let command = command.join(" ");
        let (line, status) = unwrapped(&command);
        let (mut words, stderr) = redirected(split(line)?)?;
        let assignments = words.iter().take_while(|word| is_assignment(word)).count();
        for word in words.drain(..assignments) {
            if !LOCALE.contains(&word.as_str()) {
                return Err(BadCommand::Variable(word));
            }
        }
        if words.is_empty() {
            return Err(BadCommand::Nothing);
        }
        let query = Query::of_words(&words)?;
        Ok(Self { node: node.clone(), query, stderr, status })
    }
}

/// The command without what tools put round it.
fn unwrapped(text: &str) -> (&str, Status) {
    let mut line = text.trim();
    // Given to a program without a shell the quotes of the line are a part of it.
    for quote in ['"', '\''] {
        let inside = line.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        line = inside.filter(|inside| !inside.contains(quote)).unwrap_or(line).trim();
    }
    let echoed = line.strip_suffix("echo rc=$?").map(str::trim_end);
    let echoed = echoed.and_then(|rest| rest.strip_suffix(';'));
    let status = if echoed.is_some() { Status::Echoed } else { Status::Silent };
    let line = echoed.unwrap_or(line).trim();
    let inside = line.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    (inside.unwrap_or(line).trim(), status)
}

/// The words of a line, without its quotes.
fn split(line: &str) -> Result<Vec<String>, BadCommand> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            // Within double quotes these still mean something to a shell.
            (Some('"') | None, '$' | '`' | '\\') => return Err(BadCommand::Shell(c.to_string())),
            (Some(open), c) if open == c => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '"' | '\'') => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            (None, ' ' | '\t') => words.extend(word.take()),
            (None, '|' | ';' | '<' | '(' | ')' | '{' | '}' | '~' | '#' | '\n') => {
                return Err(BadCommand::Shell(c.to_string()));
            }
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err(BadCommand::Quotes(line.to_owned()));
    }
    words.extend(word);
    Ok(words)
}

/// Takes out where standard error goes.
fn redirected(words: Vec<String>) -> Result<(Vec<String>, Stderr), BadCommand> {
    let mut stderr = Stderr::Apart;
    let mut rest = Vec::new();
    for word in words {
        match word.as_str() {
            "2>&1" => stderr = Stderr::Joined,
            "2>/dev/null" => stderr = Stderr::Dropped,
            other if other.contains(['>', '&']) => return Err(BadCommand::Shell(word)),
            _ => rest.push(word),
        }
    }
    Ok((rest, stderr))
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// What the agent sets anyway.
const LOCALE: [&str; 6] =
    ["LC_ALL=C", "LANG=C", "LC_MESSAGES=C", "LC_ALL=POSIX", "LANG=POSIX", "LC_MESSAGES=POSIX"];

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &[&str]) -> Result<Asked, String> {
        let line: Vec<_> = line.iter().map(|one| (*one).to_owned()).collect();
        Asked::read(&line).map_err(|bad| bad.to_string())
    }

    /// The command that is run, and what is round it.
    fn run(command: &str) -> (String, Stderr, Status) {
        let asked = read(&["aix01", command]).unwrap();
        let run = asked.query.invocation().unwrap();
        (format!("{} {}", run.program, run.arguments.join(" ")), asked.stderr, asked.status)
    }

    #[test]
    fn what_deployed_tools_send_is_understood() {
        use {Status as E, Stderr as S};
        for (command, wanted, stderr, status) in [
            ("/usr/bin/oslevel -s", "oslevel -s", S::Apart, E::Silent),
            ("\"/usr/bin/oslevel -s\"", "oslevel -s", S::Apart, E::Silent),
            ("( LC_ALL=C /usr/bin/oslevel -s ); echo rc=$?", "oslevel -s", S::Apart, E::Echoed),
            ("(LC_ALL=C lslpp -Lcq);echo rc=$?", "lslpp -L -c -q", S::Apart, E::Echoed),
            ("\"/usr/sbin/emgr -lv3; echo rc=$?\"", "emgr -l -v3", S::Apart, E::Echoed),
            ("LANG=C lslpp -Lc 'bos.*' 2>/dev/null", "lslpp -L -c bos.*", S::Dropped, E::Silent),
            ("( LC_ALL=C lppchk -v 2>&1 ); echo rc=$?", "lppchk -v", S::Joined, E::Echoed),
            ("instfix -ik \"IJ1 IJ2\"", "instfix -i -k IJ1 IJ2", S::Apart, E::Silent),
        ] {
            assert_eq!(run(command), (wanted.to_owned(), stderr, status), "{command}");
        }
        let apart = read(&["aix01", "lslpp", "-Lc", "bos.rte"]).unwrap();
        assert_eq!(apart, read(&["aix01", "lslpp -Lc bos.rte"]).unwrap());
    }

    #[test]
    fn what_needs_a_shell_or_does_more_than_read_is_refused_by_name() {
        for (command, said) in [
            ("rm -rf /", "rm is no query"),
            ("oslevel -s; rm x", "\";\" needs a shell"),
            ("( oslevel -s; reboot ); echo rc=$?", "\";\" needs a shell"),
            ("oslevel -s && reboot", "\"&&\" needs a shell"),
            ("oslevel -s & reboot", "\"&\" needs a shell"),
            ("lslpp -L | grep bos", "\"|\" needs a shell"),
            ("lslpp -Lc > /etc/passwd", "\">\" needs a shell"),
            ("lslpp -Lc 2>/etc/passwd", "\"2>/etc/passwd\" needs a shell"),
            ("lslpp -Lc \"$(id)\"", "\"$\" needs a shell"),
            ("lslpp -Lc `id`", "\"`\" needs a shell"),
            ("oslevel\nreboot", "\"\n\" needs a shell"),
            ("LC_ALL=C LD_PRELOAD=/tmp/x lslpp -L", "\"LD_PRELOAD=/tmp/x\" is not set"),
            ("LC_ALL=de_DE oslevel", "\"LC_ALL=de_DE\" is not set"),
            ("lslpp 'bos", "the quotes in"),
            ("echo rc=$?", "\"$\" needs a shell"),
            ("lppchk -cu", "lppchk -u is no query"),
            ("", "the machine and the command"),
            ("LC_ALL=C", "the machine and the command"),
        ] {
            let refused = read(&["aix01", command]).unwrap_err();
            let said = printable(said);
            assert!(refused.starts_with(&said), "{command:?}: {refused}");
        }
        assert!(read(&[]).is_err() && read(&["aix01"]).is_err());
    }
}
