//! Rows are measured by processes of their own: one that hangs is ended with all that it started, is printed as not measured, and
//! leaves nothing behind that the next one would measure too.

use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::runtime::Handle;

use crate::report::{Gate, Row, say, step};
use crate::{
    crowd, discover, events, held, inventory, list, planned, preflighted, refilled, sshd, watched,
    whole,
};

/// The argument with which this program starts itself for some rows; their letters follow.
pub(crate) const MEASURE: &str = "measure";

/// How long a row may take. No figure of the product: a bound for what hangs.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// What is claimed, and where it is measured.
struct Claim {
    letter: &'static str,
    what: &'static str,
    gate: Gate,
}

const fn claim(letter: &'static str, what: &'static str, gate: Gate) -> Claim {
    Claim { letter, what, gate }
}

/// All rows. Those that are measured on one master stand together.
const PARTS: &[&[Claim]] = &[
    &[claim("c", "durable, deduplicated events", Gate::Yes)],
    &[
        claim("a", "whole operations", Gate::No),
        claim("f", "nimctl list, whole process", Gate::Yes),
    ],
    &[claim("b", "the same on one OpenSSH sshd", Gate::No)],
    &[
        claim("d", "memory of a held session", Gate::No),
        claim("g", "nimd killed and started again", Gate::Yes),
    ],
    &[
        claim("e", "from the agent's journal to the watcher's screen", Gate::No),
        claim("h", "the agent", Gate::Yes),
    ],
    &[claim("i", "a site discovered from nothing", Gate::Yes)],
    &[
        claim("j", "answers among 100,000 LPARs", Gate::Yes),
        claim("k", "lists of 100,000 LPARs, streamed", Gate::Yes),
    ],
    &[claim("l", "plans of rollouts", Gate::Yes)],
    &[claim("m", "a thousand LPARs preflighted", Gate::Yes)],
    &[claim("n", "a slot that is free is taken again", Gate::Yes)],
    &[claim("o", "from start to the first of 10,000 LPARs", Gate::Yes)],
    &[claim("p", "a rollout with 1,000 LPARs in flight", Gate::Yes)],
    &[claim("q", "rehearsals of rollouts", Gate::No)],
];

/// Has the chosen rows measured, or all where none is chosen. How many gates were missed.
pub(crate) fn all(chosen: &[String]) -> Result<usize> {
    let mut missed = 0;
    for part in PARTS {
        let wanted: Vec<&Claim> = part
            .iter()
            .filter(|one| chosen.is_empty() || chosen.iter().any(|letter| letter == one.letter))
            .collect();
        if !wanted.is_empty() {
            missed += apart(wanted)?;
        }
    }
    Ok(missed)
}

/// What the process that measures says.
enum Said {
    /// A line of a row.
    Row(String),
    /// What it does now.
    Step(String),
}

/// Has rows measured by a process of their own. How many gates were missed.
fn apart(mut open: Vec<&Claim>) -> Result<usize> {
    let folder = tempfile::Builder::new().prefix("nimb").tempdir()?;
    // The database runs as another user when this runs as root; it has to get through.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711))?;
    let mut child = Command::new(std::env::current_exe()?)
        .arg(MEASURE)
        .args(open.iter().map(|one| one.letter))
        .env("TMPDIR", folder.path())
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("this program cannot start itself")?;
    let (to, said) = mpsc::channel();
    listen(child.stdout.take().context("no pipe")?, to.clone(), Said::Row);
    listen(child.stderr.take().context("no pipe")?, to, Said::Step);
    let mut last = "it had not begun".to_owned();
    let mut end = Instant::now() + LIMIT;
    let hung = loop {
        match said.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(Said::Row(line)) => {
                say(&line);
                let before = open.len();
                open.retain(|one| !line.starts_with(&format!("({})", one.letter)));
                if open.len() < before {
                    end = Instant::now() + LIMIT;
                }
            }
            Ok(Said::Step(line)) => {
                step(&line);
                last = line;
            }
            Err(RecvTimeoutError::Timeout) => break true,
            Err(RecvTimeoutError::Disconnected) => break false,
        }
    };
    // Nothing of it stays, also where it was killed itself. Nobody has waited for it yet, so the number is still its own.
    integration_tests::kill_group(child.id())?;
    let status = child.wait().context("it cannot be waited for")?;
    let why = if hung {
        format!("not done within {} minutes; last seen: {last}", LIMIT.as_secs() / 60)
    } else {
        format!("its process ended with {status}; last seen: {last}")
    };
    let missed = usize::from(status.code() == Some(1));
    Ok(missed + open.into_iter().map(|claim| show(&[claim.not_measured(&why)])).sum::<usize>())
}

/// Passes on what is said, line by line.
fn listen(from: impl Read + Send + 'static, to: Sender<Said>, kind: fn(String) -> Said) {
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if to.send(kind(line)).is_err() {
                break;
            }
        }
    });
}

impl Claim {
    fn not_measured(&self, why: &str) -> Row {
        let mut row = Row::new(format!("({}) {}", self.letter, self.what));
        row.missing("the row", why, self.gate);
        row
    }
}

/// Measures rows of one part, in this process. How many gates were missed.
pub(crate) fn measure(letters: &[String]) -> usize {
    let wanted = |letter: &str| letters.iter().any(|one| one == letter);
    let mut missed = 0;
    if wanted("c") {
        missed += row("c", Handle::current().block_on(events::measure()));
    }
    if wanted("a") || wanted("f") {
        missed += with(&["a", "f"], &wanted, whole::site(), |(_, site), letter| match letter {
            "a" => whole::measure(site),
            _ => list::measure(site),
        });
    }
    if wanted("b") {
        missed += row("b", sshd::measure());
    }
    if wanted("d") || wanted("g") {
        // Sessions are held before they are held again.
        let both = |letter: &str| letter == "d" || wanted(letter);
        missed += with(&["d", "g"], &both, held::site(), |(replay, site), letter| match letter {
            "d" => held::memory(site),
            _ => held::restart(site, replay),
        });
    }
    if wanted("e") || wanted("h") {
        missed += match watched::measure() {
            Ok(rows) => show(&rows),
            Err(error) => row("e", Err(error)),
        };
    }
    if wanted("i") {
        missed += row("i", Handle::current().block_on(discover::measure()));
    }
    if wanted("j") || wanted("k") {
        missed += with(&["j", "k"], &wanted, inventory::site(), |(_, site), letter| match letter {
            "j" => inventory::answers(site),
            _ => inventory::streams(site),
        });
    }
    if wanted("l") {
        missed += row("l", planned::measure());
    }
    if wanted("m") {
        missed += row("m", Handle::current().block_on(preflighted::measure()));
    }
    if wanted("n") {
        missed += row("n", Handle::current().block_on(refilled::measure()));
    }
    if wanted("o") {
        missed += row("o", Handle::current().block_on(crowd::first()));
    }
    if wanted("q") {
        missed += row("q", planned::rehearsed());
    }
    if wanted("p") {
        missed += row("p", Handle::current().block_on(crowd::in_flight()));
    }
    missed
}

/// Measures rows on one site.
fn with<S>(
    letters: &[&str],
    wanted: &dyn Fn(&str) -> bool,
    site: Result<S>,
    mut one: impl FnMut(&mut S, &str) -> Result<Row>,
) -> usize {
    let mut wanted = letters.iter().filter(|letter| wanted(letter));
    match site {
        Ok(mut site) => wanted.map(|letter| row(letter, one(&mut site, letter))).sum(),
        // The others are not measured either, which whoever waits for them says.
        Err(error) => wanted.next().map_or(0, |letter| row(letter, Err(error))),
    }
}

/// Prints a row, or why there is none. How many gates it missed.
fn row(letter: &str, measured: Result<Row>) -> usize {
    let claims = || PARTS.iter().copied().flatten();
    match (measured, claims().find(|one| one.letter == letter)) {
        (Ok(row), _) => show(&[row]),
        (Err(error), Some(claim)) => show(&[claim.not_measured(&format!("{error:#}"))]),
        (Err(_), None) => 1,
    }
}

/// Prints rows. How many gates they missed.
fn show(rows: &[Row]) -> usize {
    rows.iter().for_each(|row| say(&row.to_string()));
    rows.iter().map(Row::missed_gates).sum()
}
