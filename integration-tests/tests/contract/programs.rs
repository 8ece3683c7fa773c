//! What the programs take, by their own help.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

/// Folder of the programs that were built beside this test.
pub(crate) fn folder() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().and_then(|deps| deps.parent()).unwrap().to_owned()
}

/// The commands of the programs, such as `nimctl hostkey scan`, each with its help.
pub(crate) struct Known(BTreeMap<String, String>);

impl Known {
    /// Asks the programs.
    pub(crate) fn ask() -> Self {
        let mut known = Self(BTreeMap::new());
        for program in ["nimctl", "nimd", "nim-lab"] {
            known.add(&[program]);
        }
        known
    }

    fn add(&mut self, words: &[&str]) {
        let said = Command::new(folder().join(words[0])).args(&words[1..]).arg("--help").output();
        let said = said.unwrap();
        let help = String::from_utf8(said.stdout).unwrap();
        if !said.status.success() {
            // What follows is NIM's, which has no such option: nothing is known of it.
            let name = *words.last().unwrap();
            assert!(
                name.contains("nim") || ["dpasswd", "c_rsh", "dkeyexch"].contains(&name),
                "{words:?} --help: {help}"
            );
            self.0.insert(words.join(" "), String::new());
            return;
        }
        let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        let listed = listed.take_while(|line| line.starts_with("  "));
        let below = listed.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        let below: Vec<_> = below.filter_map(|line| line.split_whitespace().next()).collect();
        for name in below.into_iter().filter(|name| *name != "help") {
            self.add(&[words, &[name]].concat());
        }
        self.0.insert(words.join(" "), help);
    }

    /// What is wrong with a command that somebody is told to type; `None` when it can be typed. Options are looked up, what they
    /// and the command are given is not. `None` also for other programs.
    pub(crate) fn fault(&self, typed: &str) -> Option<String> {
        let words: Vec<&str> = typed.split_whitespace().collect();
        let program = words.first().filter(|program| self.0.contains_key(**program))?;
        // The longest beginning that is a command; options of the program itself may stand before its command.
        let names = words[1..].iter().filter(|word| !word.starts_with('-'));
        let mut command = (*program).to_owned();
        for name in names {
            let longer = format!("{command} {name}");
            if self.0.contains_key(&longer) {
                command = longer;
            } else if self.0[&command].contains("Commands:") && is_name(name) {
                let takes_values = words.iter().any(|word| word.starts_with("--"));
                if !takes_values {
                    return Some(format!("{command} has no command {name}"));
                }
            }
        }
        let help = &self.0[&command];
        if help.is_empty() {
            return None;
        }
        let options = words[1..].iter().take_while(|word| **word != "--");
        let options = options.filter(|word| word.starts_with('-') && word.len() > 1);
        let names = options.map(|word| word.split(['=', ',', ';']).next().unwrap_or_default());
        let unknown = names.into_iter().find(|name| !has_option(help, name));
        unknown.map(|name| format!("{command} has no option {name}"))
    }
}

/// Whether a word can be the name of a command, and not stand for what somebody puts there.
fn is_name(word: &str) -> bool {
    word.chars().all(|c| c.is_ascii_lowercase() || c == '-')
}

fn has_option(help: &str, name: &str) -> bool {
    help.split(|c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']' | '='))
        .any(|word| word == name)
}

#[test]
fn slips_in_a_command_are_found() {
    let known = Known::ask();
    for right in [
        "nimctl status --all",
        "nimctl hostkey scan lpar01",
        "nimd --data-dir D config --defaults",
        "oslevel -s",
    ] {
        assert_eq!(known.fault(right), None, "{right}");
    }
    for wrong in
        ["nimctl statsu", "nimctl resolve --state x", "nimctl hostkey show", "nimd --datadir D"]
    {
        assert!(known.fault(wrong).is_some(), "{wrong}");
    }
}
