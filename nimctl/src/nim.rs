//! `nim`, `lsnim` and their like: this program under NIM's names. Who has typed them for twenty years types them on, and what
//! reads their output reads it on: layouts, messages and exit codes are NIM's.
//!
//! A name comes from the link that the program was started by, or is a command of `nimctl` (`nimctl nim -o …`). What stands after
//! it is none of clap's business: options are bundled as AIX bundles them.

mod allocation;
mod c_rsh;
mod check;
mod cust;
mod dkeyexch;
mod dpasswd;
mod import;
mod links;
mod lpp;
mod lsnim;
mod machine;
mod nimquery;
mod object;
mod operate;
mod order;
mod past;
mod predefined;
mod query;
mod say;
mod select;

pub(crate) use import::run as import;
pub(crate) use links::install as install_links;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::Parser;

use crate::cli::{Cli, Command, Words};
use crate::command::Context;
use crate::exit::Exit;

/// A program of NIM's that this one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Personality {
    /// Makes, changes and removes objects, customizes machines.
    Nim,
    /// Lists objects.
    Lsnim,
    /// The client's program: here its listings only.
    Nimclient,
    /// Says what an HMC or a frame has.
    Nimquery,
    /// Stores the password that goes with a `passwd_file`.
    Dpasswd,
    /// Asks a machine what deployed tools ask.
    CRsh,
    /// Has a console let the master in with its key.
    Dkeyexch,
}

/// The names, each with what it stands for.
const NAMES: [(&str, Personality); 7] = [
    ("nim", Personality::Nim),
    ("lsnim", Personality::Lsnim),
    ("nimclient", Personality::Nimclient),
    ("nimquery", Personality::Nimquery),
    ("dpasswd", Personality::Dpasswd),
    ("dkeyexch", Personality::Dkeyexch),
    ("c_rsh", Personality::CRsh),
];

impl Personality {
    fn named(name: &OsStr) -> Option<Self> {
        NAMES.iter().find(|(known, _)| name == *known).map(|(_, personality)| *personality)
    }

    /// The program's name.
    const fn name(self) -> &'static str {
        match self {
            Self::Nim => "nim",
            Self::Lsnim => "lsnim",
            Self::Nimclient => "nimclient",
            Self::Nimquery => "nimquery",
            Self::Dpasswd => "dpasswd",
            Self::CRsh => "c_rsh",
            Self::Dkeyexch => "dkeyexch",
        }
    }

    /// As a command of `nimctl`.
    fn command(self, words: Words) -> Command {
        match self {
            Self::Nim => Command::Nim(words),
            Self::Lsnim => Command::Lsnim(words),
            Self::Nimclient => Command::Nimclient(words),
            Self::Nimquery => Command::Nimquery(words),
            Self::Dpasswd => Command::Dpasswd(words),
            Self::CRsh => Command::CRsh(words),
            Self::Dkeyexch => Command::Dkeyexch(words),
        }
    }
}

/// The command line, where it is one of NIM's; `None` leaves it to clap. `Err` is what clap says to the options before a name.
pub(crate) fn command_line(arguments: &[OsString]) -> Option<Result<Cli, clap::Error>> {
    let (program, rest) = arguments.split_first()?;
    let link = Path::new(program).file_name().and_then(Personality::named);
    let (personality, before, after) = match link {
        Some(personality) => (personality, &[][..], rest),
        None => {
            let at = first_word(rest)?;
            let personality = Personality::named(&rest[at])?;
            (personality, &rest[..at], &rest[at + 1..])
        }
    };
    let words =
        Words { arguments: after.iter().map(|word| word.to_string_lossy().into_owned()).collect() };
    // The options of nimctl before the name, with a command in its place that takes none.
    let line = std::iter::once(program).chain(before).map(OsString::as_os_str);
    let cli = Cli::try_parse_from(line.chain([OsStr::new("server")]));
    Some(cli.map(|cli| Cli { command: personality.command(words), ..cli }))
}

/// Where the first word is that is neither an option of nimctl nor the value of one.
fn first_word(arguments: &[OsString]) -> Option<usize> {
    let mut at = 0;
    loop {
        let word = arguments.get(at)?.to_str()?;
        at += match word {
            "-o" | "--output" | "--server" | "--color" => 2,
            word if word.starts_with('-') => 1,
            _ => return Some(at),
        };
    }
}

/// Does what a command line of NIM's asks for.
pub(crate) async fn run(personality: Personality, words: &Words, context: &Context) -> Exit {
    let arguments = &words.arguments;
    let program = personality.name();
    let done = match personality {
        Personality::Nim => order::run(arguments, context).await,
        Personality::Dpasswd => dpasswd::run(arguments, context).await,
        Personality::CRsh => c_rsh::run(arguments, context).await,
        Personality::Dkeyexch => dkeyexch::run(arguments, context).await,
        Personality::Lsnim => lsnim::run(program, arguments, context).await,
        Personality::Nimclient => match arguments.split_first() {
            // `nimclient -l` and the options of lsnim after it, apart or bundled.
            Some((first, rest)) if first.starts_with("-l") => {
                let bundled = first.strip_prefix("-l").filter(|more| !more.is_empty());
                let options = bundled.map(|more| format!("-{more}"));
                let line: Vec<_> = options.into_iter().chain(rest.iter().cloned()).collect();
                lsnim::run(program, &line, context).await
            }
            _ => Err(say::usage(
                "of nimclient this version knows -l only, with the options of lsnim after it",
                None,
            )),
        },
        Personality::Nimquery => nimquery::run(program, arguments, context).await,
    };
    done.unwrap_or_else(|error| say::report(program, &error, context))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &[&str]) -> Option<Cli> {
        let line: Vec<_> = line.iter().map(OsString::from).collect();
        command_line(&line).map(|cli| cli.unwrap())
    }

    fn words(cli: &Cli) -> &[String] {
        match &cli.command {
            Command::Nim(words) | Command::Lsnim(words) => &words.arguments,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_link_and_a_command_mean_the_same() {
        for line in [
            &["/usr/sbin/nim", "-o", "define", "-a", "x=y"][..],
            &["nimctl", "nim", "-o", "define", "-a", "x=y"],
            &[
                "nimctl",
                "--server",
                "/run/nim.sock",
                "-o",
                "json",
                "nim",
                "-o",
                "define",
                "-a",
                "x=y",
            ],
        ] {
            let cli = read(line).unwrap();
            assert!(matches!(cli.command, Command::Nim(_)));
            assert_eq!(words(&cli), ["-o", "define", "-a", "x=y"]);
        }
        assert_eq!(
            words(&read(&["lsnim", "-Za", "if1", "--help"]).unwrap()),
            ["-Za", "if1", "--help"]
        );
    }

    #[test]
    fn other_words_are_left_to_nimctl() {
        assert!(read(&["nimctl", "list", "nim"]).is_none());
        assert!(read(&["nimctl"]).is_none());
    }
}
