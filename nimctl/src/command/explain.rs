//! `explain`: what a text of geninstall says, or what a code means. Needs no `nimd`.

use std::io::Read;
use std::path::Path;

use nim_shared::code::{self, Entry};
use nim_shared::frame::Verdict;
use nim_shared::near::closest;
use nim_shared::transcript::{self, Outcome, PhaseSpan, Understanding};
use serde::Serialize;

use crate::cli::Explain;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::table::{Columns, Piece, or_none};
use crate::output::text::{Paint, clean};
use crate::output::{Style, View};

/// Longest text that is read, in bytes. A run of geninstall prints some hundred kilobytes.
const LIMIT: u64 = 256 << 20;

pub(super) fn run(args: &Explain, context: &Context) -> Result<Exit, Error> {
    let path = Path::new(&args.what);
    if args.what == "-" || path.exists() {
        let text = read(path)?;
        context.printer.show(&Explained::of(&text))?;
    } else if let Some(entry) = code::find(&args.what) {
        context.printer.show(&Meaning(*entry))?;
    } else {
        let known = code::all().map(|entry| entry.code);
        let meant = closest(&args.what, known).map(|code| format!("; did you mean {code}?"));
        return Err(Error::Unknown {
            typed: args.what.clone(),
            hint: format!(
                "a code is such as 1430-030, HSCL350B or NLU-0201{}",
                meant.unwrap_or_default()
            ),
        });
    }
    Ok(Exit::Done)
}

/// The text; `-` is standard input.
fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let fault = |cause| Error::File { what: "read", path: path.to_owned(), cause };
    let mut text = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(LIMIT).read_to_end(&mut text).map_err(fault)?;
    } else {
        let file = std::fs::File::open(path).map_err(fault)?;
        file.take(LIMIT).read_to_end(&mut text).map_err(fault)?;
    }
    Ok(text)
}

/// What was understood of a text. Programs get that alone; for people the codes are told with what they mean.
#[derive(Serialize)]
struct Explained {
    #[serde(flatten)]
    understanding: Understanding,
    /// One a code that is known; the line in which a code stands chooses among its cases.
    #[serde(skip)]
    meanings: Vec<Entry>,
}

impl Explained {
    fn of(text: &[u8]) -> Self {
        let understanding = transcript::explain(text);
        let text = String::from_utf8_lossy(text);
        let entry = |code: &String| {
            let line = text.lines().find(|line| code::scan(line).any(|found| found.code == *code));
            code::explain(code, line.unwrap_or_default())
        };
        let meanings = understanding.codes.iter().filter_map(entry).copied().collect();
        Self { understanding, meanings }
    }
}

impl View for Explained {
    fn table(&self, style: Style) -> String {
        let Understanding { outcome, phases, blackout_seconds, estimate, checks, codes, omitted } =
            &self.understanding;
        let (word, paint) = outcome_word(*outcome);
        let seconds = |seconds: Option<u64>| or_none(seconds.map(|seconds| format!("{seconds} s")));
        let mut text = format!("outcome   {}\n", paint.paint(word, style));
        if estimate.blackout_seconds.is_some() || estimate.total_seconds.is_some() {
            let (blackout, total) = (estimate.blackout_seconds, estimate.total_seconds);
            text +=
                &format!("estimate  blackout {}, in all {}\n", seconds(blackout), seconds(total));
        }
        if let Some(blackout) = blackout_seconds {
            text += &format!("blackout  {blackout} s\n");
        }
        text += &phases_table(phases, style);
        if !checks.is_empty() {
            let mut columns = Columns::new(&["CHECK", "TEXT"], style);
            for check in checks {
                let paint = match check.verdict {
                    Verdict::Passed => Paint::Good,
                    Verdict::Failed => Paint::Bad,
                    Verdict::Warning => Paint::Care,
                    Verdict::Info => Paint::None,
                };
                columns
                    .row([Piece::painted(check.verdict.name(), paint), Piece::from(&check.text)]);
            }
            text += &format!("\n{}", columns.text());
        }
        for entry in &self.meanings {
            text += &format!("\n{}", meaning(entry));
        }
        let known = |code: &&String| self.meanings.iter().any(|entry| entry.code == **code);
        let unknown: Vec<_> =
            codes.iter().filter(|code| !known(code)).map(|code| clean(code)).collect();
        if !unknown.is_empty() {
            text += &format!("\ncodes that are not known here: {}\n", unknown.join(" "));
        }
        if *omitted != transcript::Omitted::default() {
            text += "\nthere was more than any real run prints; the rest was left out\n";
        }
        text
    }
}

fn phases_table(phases: &[PhaseSpan], style: Style) -> String {
    if phases.is_empty() {
        return String::new();
    }
    let mut columns = Columns::new(&["PHASE", "STARTED", "SECONDS"], style);
    for PhaseSpan { phase, started_at, seconds } in phases {
        columns.row([
            Piece::from(phase.name()),
            Piece::from(or_none(*started_at)),
            Piece::from(or_none(*seconds)),
        ]);
    }
    format!("\n{}", columns.text())
}

/// An outcome in words.
const fn outcome_word(outcome: Outcome) -> (&'static str, Paint) {
    match outcome {
        Outcome::Succeeded => ("succeeded", Paint::Good),
        Outcome::SucceededWithFollowUp => ("succeeded, with something left to do", Paint::Care),
        Outcome::Failed => ("failed: the workload was not moved", Paint::Bad),
        Outcome::InstallFailed => ("failed: the software was not installed", Paint::Bad),
        Outcome::PreviewPassed => ("the preview passed", Paint::Good),
        Outcome::PreviewFailed => ("the preview failed", Paint::Bad),
        Outcome::Unfinished => ("the text does not say: it ends too early", Paint::Care),
    }
}

/// What a code means.
#[derive(Serialize)]
#[serde(transparent)]
struct Meaning(Entry);

impl View for Meaning {
    fn table(&self, _: Style) -> String {
        meaning(&self.0)
    }
}

fn meaning(entry: &Entry) -> String {
    let Entry { code, title, phases, cause, remedy, retry, .. } = entry;
    let mut text = format!("{code}: {title}\n   cause  = {cause}\n   to do  = {remedy}\n");
    let again = match retry {
        code::Retry::NotNeeded => "nothing went wrong by this alone",
        code::Retry::Later => "it may pass by itself; try later",
        code::Retry::AfterRemedy => "only after that",
        code::Retry::Never => "no: the update is in effect",
        code::Retry::SeeOthers => "another message decides",
    };
    text += &format!("   again  = {again}\n");
    if !phases.is_empty() {
        let phases: Vec<_> = phases.iter().map(|phase| phase.name()).collect();
        text += &format!("   phases = {}\n", phases.join(", "));
    }
    text
}
