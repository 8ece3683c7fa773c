//! What terminals, other users and documents do to a transcript changes nothing of what is understood.

use proptest::prelude::*;

use super::{
    INSTALL_FAILURE, PREVIEW_7200_00, UPDATE_7200_00, UPDATE_7200_05, UPDATE_7300_03, events,
};

/// A transcript as it would be without a terminal or a document in between: one line a sentence.
fn clean() -> Vec<Vec<String>> {
    let lines = |text: &str| -> Vec<String> {
        // What was cut off at the edge is completed: behind an edge, a dot may be a full stop or progress.
        let text = text
            .replace("Trace buffer \n", "Trace buffers.\n")
            .replace("not be a \n", "not be available.\n");
        let text = text.replace("available after \n\nlive update", "available after live update");
        let kept = |line: &&str| {
            !line.is_empty()
                && !line.starts_with("Broadcast")
                && !line.starts_with("Live AIX update in")
        };
        text.lines().map(str::trim_end).filter(kept).map(str::to_owned).collect()
    };
    let failure = "Blackout Time started.\n\
        1020-007 System call MCR_GET_SHLIB_ASYNCINFO error (52). A file, file system or message queue is no longer available. [02.239.0142]\n\
        1020-311 The state of the LPAR is currently non-checkpointable. Checkpoint should be retried later. [02.229.0730]\n\
        1430-030 An error occurred while moving the workload.\n\
        1430-187 WARNING: Couldn't release the unreturned mobile CoD resources generated on CEC 'hostname'.\n\
        1430-045 The live update operation failed.";
    let partial = "1430-094 The live update operation completed, but one or more errors occurred during post-processing after the update was applied.";
    vec![
        lines(PREVIEW_7200_00),
        lines(UPDATE_7200_00),
        lines(INSTALL_FAILURE),
        lines(UPDATE_7200_05),
        lines(UPDATE_7300_03),
        lines(failure),
        lines(partial),
    ]
}

/// What a terminal, its other users and a document do to a transcript.
#[derive(Debug, Clone)]
enum Damage {
    Nothing,
    Blank(usize),
    DotsBefore(usize),
    DotsGlued(usize),
    Broadcast(String),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        4 => Just(Damage::Nothing),
        1 => (1_usize..4).prop_map(Damage::Blank),
        1 => (1_usize..200).prop_map(Damage::DotsBefore),
        1 => (1_usize..200).prop_map(Damage::DotsGlued),
        1 => prop_oneof![
            Just("Live AIX update in progress.".to_owned()),
            Just("Live AIX update completed.".to_owned()),
            Just("1430-045 The live update operation failed.".to_owned()),
            "[a-zA-Z][ -~]{0,100}",
        ].prop_map(Damage::Broadcast),
    ]
}

#[derive(Debug, Clone, Copy)]
enum Wrap {
    Not,
    /// At the last column, wherever that is in a word: a terminal.
    Hard,
    /// At the last blank that fits: `fold -s`.
    Soft,
}

fn wrapped(line: &str, wrap: Wrap) -> Vec<String> {
    let mut rest: Vec<char> = line.chars().collect();
    let mut lines = Vec::new();
    while rest.len() > 80 && !matches!(wrap, Wrap::Not) {
        let blank = rest[..80].iter().rposition(|c| *c == ' ').map(|at| at + 1);
        let cut = match wrap {
            Wrap::Soft => blank.unwrap_or(80),
            Wrap::Hard | Wrap::Not => 80,
        };
        let next = rest.split_off(cut);
        lines.push(rest.into_iter().collect());
        rest = next;
    }
    lines.push(rest.into_iter().collect());
    lines
}

fn damaged(lines: &[String], wrap: Wrap, damages: &[Damage]) -> String {
    let mut text = String::new();
    let mut damages = damages.iter().cycle();
    let mut between = |text: &mut String| -> Option<Damage> {
        match damages.next()? {
            Damage::Blank(count) => text.push_str(&"\n".repeat(*count)),
            Damage::Broadcast(body) => {
                text.push_str(
                    "\nBroadcast message from root@aix721534A (pts/0) at 09:28:43 ...\n\n",
                );
                text.push_str(body);
                text.push_str("\n\n");
            }
            damage => return Some(damage.clone()),
        }
        None
    };
    for line in lines {
        let glued = match between(&mut text) {
            Some(Damage::DotsBefore(count)) => {
                text.push_str(&".".repeat(count));
                text.push('\n');
                String::new()
            }
            // geninstall prints dots while it waits, never before a figure; a figure torn by a terminal is another figure.
            Some(Damage::DotsGlued(count)) if !line.ends_with(|c: char| c.is_ascii_digit()) => {
                ".".repeat(count)
            }
            _ => String::new(),
        };
        for part in wrapped(&(glued + line), wrap) {
            text.push_str(&part);
            text.push('\n');
            between(&mut text);
        }
    }
    text
}

proptest! {
    #[test]
    fn dots_blank_lines_wraps_and_broadcasts_change_nothing(
        which in 0_usize..7,
        wrap in prop_oneof![Just(Wrap::Not), Just(Wrap::Hard), Just(Wrap::Soft)],
        damages in prop::collection::vec(damage(), 1..40),
    ) {
        let lines = &clean()[which];
        let text = damaged(lines, wrap, &damages);
        let undamaged = lines.join("\n");
        let (found, wanted) = (events(text.as_bytes()), events(undamaged.as_bytes()));
        let different = found.iter().zip(&wanted).find(|(found, wanted)| found != wanted);
        prop_assert_eq!(different, None, "{}", text);
        prop_assert_eq!(found.len(), wanted.len(), "{}", text);
    }
}
