//! What is printed: a row for each claim, with its figures, its targets, and whether each was reached.

use std::fmt::{self, Display};

/// One row: what was measured, and what it has to come to.
pub(crate) struct Row {
    title: String,
    figures: Vec<String>,
    targets: Vec<Target>,
}

struct Target {
    text: String,
    /// Whether missing it makes `make bench` fail.
    gate: Gate,
    found: Found,
}

/// Whether a missed target fails the run. Gates are targets that are reached with room to spare: a busy machine must not fail them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gate {
    /// It does.
    Yes,
    /// It is printed as missed.
    No,
}

enum Found {
    Reached(String),
    Missed(String),
    NotMeasured(String),
}

impl Row {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), figures: Vec::new(), targets: Vec::new() }
    }

    /// A figure, for the reader.
    pub(crate) fn figure(&mut self, what: &str, value: impl Display) {
        self.figures.push(format!("{what:<34} {value}"));
    }

    /// A target that `found` has to be at least.
    pub(crate) fn at_least(&mut self, what: &str, found: f64, least: f64, gate: Gate) {
        self.judge(format!("{what}: at least {}", number(least)), found, found >= least, gate);
    }

    /// A target that `found` has to be at most.
    pub(crate) fn at_most(&mut self, what: &str, found: f64, most: f64, gate: Gate) {
        self.judge(format!("{what}: at most {}", number(most)), found, found <= most, gate);
    }

    /// A target that was not measured, and why.
    pub(crate) fn missing(&mut self, target: impl Into<String>, why: impl Display, gate: Gate) {
        let found = Found::NotMeasured(why.to_string());
        self.targets.push(Target { text: target.into(), gate, found });
    }

    fn judge(&mut self, text: String, found: f64, reached: bool, gate: Gate) {
        let found = number(found);
        let found = if reached { Found::Reached(found) } else { Found::Missed(found) };
        self.targets.push(Target { text, gate, found });
    }

    /// How many gates were missed, those included that were not measured.
    pub(crate) fn missed_gates(&self) -> usize {
        let missed = |target: &&Target| {
            target.gate == Gate::Yes && !matches!(target.found, Found::Reached(_))
        };
        self.targets.iter().filter(missed).count()
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        for figure in &self.figures {
            writeln!(f, "    {figure}")?;
        }
        for target in &self.targets {
            let gate = if target.gate == Gate::Yes { "gate  " } else { "target" };
            let (word, detail) = match &target.found {
                Found::Reached(found) => ("reached", found),
                Found::Missed(found) => ("NOT reached", found),
                Found::NotMeasured(why) => ("NOT measured", why),
            };
            writeln!(f, "  {gate} {:<58} {word}: {detail}", target.text)?;
        }
        Ok(())
    }
}

#[expect(clippy::print_stdout, reason = "what is measured is what this program is for")]
pub(crate) fn say(text: &str) {
    println!("{text}");
}

/// Says what is done now: whoever waits sees it, and what a row that hangs did last.
#[expect(clippy::print_stderr, reason = "rows take minutes")]
pub(crate) fn step(text: &str) {
    eprintln!("{text}");
}

/// A figure with as many digits as mean something.
pub(crate) fn number(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_missed_gate_fails() {
        let mut row = Row::new("row");
        row.at_least("speed", 10.0, 20.0, Gate::No);
        row.missing("size", "no tool", Gate::No);
        row.at_most("cost", 1.0, 2.0, Gate::Yes);
        assert_eq!(row.missed_gates(), 0, "{row}");
        row.at_most("cost", 3.0, 2.0, Gate::Yes);
        assert_eq!(row.missed_gates(), 1, "{row}");
        assert!(row.to_string().contains("NOT measured: no tool"), "{row}");
        row.missing("weight", "it hung", Gate::Yes);
        assert_eq!(row.missed_gates(), 2, "what is not measured is not reached: {row}");
    }
}
