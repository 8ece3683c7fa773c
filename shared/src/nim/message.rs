//! Messages as NIM's users know them: `CODE program: text`.
//!
//! NIM's own codes are used where public text confirms what they say (the NIM reference, §6.2); everything else has a code of this
//! product: an invented 0042 number would be looked up, and found to mean something else. Unlike NIM's the first line is the cause,
//! and what it happened to, where, and what to do follow it (§8, rows 11 to 14).

use std::fmt;

use crate::api::{Failure, FailureKind};
use crate::id::printable;

crate::stage::names! {
    /// NIM's codes that public text confirms.
    Code, "code of NIM" {
        /// Envelope: names the object on which something failed.
        Processing = "0042-001",
        /// An interrupt was received.
        Interrupted = "0042-002",
        /// The machine could not be reached.
        Transport = "0042-006",
        /// The name of an object has to be unique.
        NotUnique = "0042-032",
        /// There is no such object.
        NoObject = "0042-053",
        /// The resource is there already.
        Occupied = "0042-081",
        /// A command gave a result that was not expected.
        UnexpectedResult = "0042-175",
    }
}

impl Code {
    /// The exit code that goes with it: its last three digits. Source: the NIM reference, §3.4.
    #[must_use]
    pub fn exit(self) -> u8 {
        let digits = self.name().rsplit('-').next().unwrap_or_default();
        // What is above 255 wraps, as it does in a shell.
        digits.parse::<u16>().map_or(1, |number| number.to_le_bytes()[0])
    }
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// NIM's code, or ours.
    pub code: String,
    /// The program that says it.
    pub program: String,
    /// The cause.
    pub text: String,
    /// What follows it: on what, where, what else.
    pub more: Vec<String>,
    /// What to do now.
    pub next: Option<String>,
    /// A warning does not change the exit code.
    pub warning: bool,
}

impl Message {
    /// A message without anything that follows.
    pub fn new(code: impl fmt::Display, program: &str, text: impl Into<String>) -> Self {
        Self {
            code: code.to_string(),
            program: program.to_owned(),
            text: text.into(),
            more: Vec::new(),
            next: None,
            warning: false,
        }
    }

    /// With one more line.
    #[must_use]
    pub fn and(mut self, line: impl Into<String>) -> Self {
        self.more.push(line.into());
        self
    }

    /// With what to do now.
    #[must_use]
    pub fn then(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// There is no object of this name.
    #[must_use]
    pub fn no_object(program: &str, name: &str) -> Self {
        let name = printable(name);
        Self::new(Code::NoObject, program, format!("there is no NIM object named \"{name}\""))
    }

    /// `failure`, with the innermost cause first.
    #[must_use]
    pub fn of(failure: &Failure, program: &str) -> Self {
        let mut causes = failure.causes.iter().rev();
        // Where several things are wrong none of them is the cause of the others.
        let first = match &failure.faults[..] {
            [] => causes.next().unwrap_or(&failure.message).clone(),
            [one] => one.to_string(),
            _ => failure.message.clone(),
        };
        let mut message = Self::new(nim_code(failure), program, printable(&first));
        if failure.message != first {
            message.more.push(printable(&failure.message));
        }
        message.more.extend(causes.map(|cause| printable(cause)));
        if failure.faults.len() > 1 {
            message.more.extend(failure.faults.iter().map(|fault| printable(&fault.to_string())));
        }
        let lines = failure.hint.as_deref().map(|hint| hint.lines().map(printable));
        message.next = lines.map(|lines| lines.collect::<Vec<_>>().join("\n"));
        message
    }

    /// The exit code, where the code is one of NIM's.
    #[must_use]
    pub fn exit(&self) -> Option<u8> {
        self.code.parse::<Code>().ok().map(Code::exit)
    }
}

/// NIM's code for what `failure` says, where one is confirmed for it; ours everywhere else.
fn nim_code(failure: &Failure) -> String {
    // Connections to hosts have the codes 02xx.
    let transport = failure.code.starts_with("NLU-02") && failure.kind == FailureKind::Unreachable;
    if transport { Code::Transport.to_string() } else { failure.code.clone() }
}

impl fmt::Display for Message {
    /// With its line ends.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let warning = if self.warning { "warning: " } else { "" };
        writeln!(f, "{warning}{} {}: {}", self.code, self.program, self.text)?;
        self.more.iter().try_for_each(|line| writeln!(f, "   {line}"))?;
        for (number, line) in self.next.iter().flat_map(|next| next.lines()).enumerate() {
            let label = if number == 0 { "next step:" } else { "          " };
            writeln!(f, "   {label} {line}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::FileFault;

    fn failure(code: &str, kind: FailureKind, message: &str, causes: &[&str]) -> Failure {
        Failure {
            code: code.to_owned(),
            message: message.to_owned(),
            causes: causes.iter().map(|cause| (*cause).to_owned()).collect(),
            hint: Some("on aix01, see whether sshd runs: `lssrc -s sshd`".to_owned()),
            faults: Vec::new(),
            kind,
        }
    }

    #[test]
    fn a_code_of_nim_is_its_own_exit_code() {
        assert_eq!(
            Code::ALL.iter().map(|code| code.exit()).collect::<Vec<_>>(),
            [1, 2, 6, 32, 53, 81, 175]
        );
        let message = Message::no_object("lsnim", "aix99");
        assert_eq!(message.to_string(), "0042-053 lsnim: there is no NIM object named \"aix99\"\n");
        assert_eq!(message.exit(), Some(53));
        assert_eq!(Message::new("NLU-0120", "nim", "x").exit(), None);
    }

    #[test]
    fn the_cause_comes_first_then_the_object_and_the_next_step() {
        let unreachable = failure(
            "NLU-0201",
            FailureKind::Unreachable,
            "cannot reach aix01 at 10.1.0.9:22",
            &["no session with aix01", "connection refused"],
        );
        assert_eq!(
            Message::of(&unreachable, "nim").to_string(),
            "\
0042-006 nim: connection refused
   cannot reach aix01 at 10.1.0.9:22
   no session with aix01
   next step: on aix01, see whether sshd runs: `lssrc -s sshd`
"
        );
    }

    #[test]
    fn a_next_step_of_several_lines_stays_so_and_what_controls_a_terminal_does_not() {
        let mut wrong = failure("NLU-0505", FailureKind::Usage, "option -S needs option -p", &[]);
        wrong.hint = Some("usage: lsnim -p\n       lsnim \u{1b}[2J-P".to_owned());
        assert_eq!(
            Message::of(&wrong, "lsnim").to_string(),
            "\
NLU-0505 lsnim: option -S needs option -p
   next step: usage: lsnim -p
                     lsnim \u{fffd}[2J-P
"
        );
    }

    #[test]
    fn several_faults_are_all_said_and_one_is_the_cause() {
        let fault = |path: &str, message: &str| FileFault {
            file: None,
            line: None,
            path: path.to_owned(),
            message: message.to_owned(),
        };
        let mut refused = failure("NLU-0120", FailureKind::Refused, "nothing was started", &[]);
        refused.faults = vec![fault("aix01", "no host key")];
        assert!(
            Message::of(&refused, "nim")
                .to_string()
                .starts_with("NLU-0120 nim: aix01: no host key\n   nothing was started\n")
        );
        refused.faults.push(fault("aix02", "no host key"));
        assert!(Message::of(&refused, "nim").to_string().starts_with(
            "NLU-0120 nim: nothing was started\n   aix01: no host key\n   aix02: no host key\n"
        ));
    }
}
