//! Long values below each other: a line ends between two words, and what follows stands below the beginning of the value.
//!
//! What somebody copies is never taken apart, neither by us nor by the terminal as long as it fits a line: a name, an id, a path, and
//! a command with all that belongs to it.

use clap::CommandFactory;

use super::Style;
use crate::cli::Cli;

/// `label` and `value` as lines. Where there is no terminal, one line: programs that search in it get on with that.
pub(crate) fn folded(label: &str, value: &str, style: Style) -> String {
    painted(label, value, style, str::to_owned)
}

/// Lines of `text` that are too long as [`folded`] has them, below their own beginning; the others as they are.
pub(crate) fn noted(text: &str, style: Style) -> String {
    let fits =
        |line: &str| style.width.is_none_or(|width| line.chars().count() <= usize::from(width));
    let line = |line: &str| match fits(line) {
        true => format!("{line}\n"),
        false => {
            let value = line.trim_start();
            folded(&line[..line.len() - value.len()], value, style)
        }
    };
    text.lines().map(line).collect()
}

/// As [`folded`], with `paint` for each line of the value: what it adds takes no room.
pub(crate) fn painted(
    label: &str,
    value: &str,
    style: Style,
    paint: impl Fn(&str) -> String,
) -> String {
    let Some(width) = style.width.map(usize::from) else {
        return format!("{label}{}\n", paint(value));
    };
    let indent = label.chars().count();
    let mut lines = vec![String::new()];
    let mut used = indent;
    for piece in pieces(value) {
        let length = piece.chars().count();
        let line = lines.last_mut().expect("there is a line from the beginning on");
        if line.is_empty() {
            line.push_str(&piece);
            used += length;
        } else if used + 1 + length <= width {
            line.push(' ');
            line.push_str(&piece);
            used += 1 + length;
        } else {
            used = indent + length;
            lines.push(piece);
        }
    }
    let lines: Vec<String> = lines.iter().map(|line| paint(line)).collect();
    format!("{label}{}\n", lines.join(&format!("\n{}", " ".repeat(indent))))
}

/// What stays together, in its order.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut words = text.split_whitespace().peekable();
    while let Some(first) = words.next() {
        let mut piece = first.to_owned();
        let mut add = |word: &str| {
            piece.push(' ');
            piece.push_str(word);
        };
        let begun = first.trim_start_matches(['(', '"']);
        if begun.starts_with('`') && !begun[1..].contains('`') {
            // As long as it is quoted.
            for word in words.by_ref() {
                add(word);
                if word.contains('`') {
                    break;
                }
            }
        } else if begun == PROGRAM {
            let mut command = Some(Cli::command());
            let mut has_name = false;
            let mut is_value = false;
            while let Some(word) = words.peek() {
                let bare = word.trim_end_matches(END);
                let below = command.as_ref().and_then(|one| one.find_subcommand(bare)).cloned();
                let is_name = below.is_none() && !has_name && !word.starts_with('-');
                if below.is_none() && !is_name && !is_value && !belongs(bare) {
                    break;
                }
                has_name |= is_name && !is_value;
                is_value = word.starts_with('-');
                command = below.or(if is_name || is_value { None } else { command });
                add(word);
                if words.next().is_some_and(|word| word.ends_with(END)) {
                    break;
                }
            }
        }
        pieces.push(piece);
    }
    pieces
}

/// With this begins a command that is not quoted.
const PROGRAM: &str = "nimctl";

/// With one of these a command is at its end.
const END: [char; 5] = [',', ';', ':', '.', ')'];

/// Whether it is a part of a command behind its first name, rather than the next word of the sentence: an option, a place to be filled
/// in, an id, an assignment.
fn belongs(word: &str) -> bool {
    word.starts_with('-')
        || word.contains(|c: char| {
            c.is_ascii_digit() || c.is_ascii_uppercase() || matches!(c, '=' | '_' | '/')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style(width: Option<u16>) -> Style {
        Style { color: false, width, wide: false }
    }

    #[test]
    fn a_line_ends_between_words_and_goes_on_below_its_beginning() {
        let id = "0193a2b4-5c6d-7002-8def-0123456789ab";
        let text = format!("nimctl log {id} shows what failed; `lppchk -v` on the LPAR what is");
        insta::assert_snapshot!(folded("   to do     = ", &text, style(Some(40))), @"
           to do     = nimctl log 0193a2b4-5c6d-7002-8def-0123456789ab
                       shows what failed;
                       `lppchk -v` on the LPAR
                       what is
        ");
        assert_eq!(folded("a = ", &text, style(None)), format!("a = {text}\n"));
        assert_eq!(folded("a = ", "", style(Some(40))), "a = \n");
    }

    #[test]
    fn a_note_is_folded_where_it_is_too_long_and_left_alone_elsewhere() {
        let text = "two  columns\n  what it says is longer than the line";
        assert_eq!(
            noted(text, style(Some(20))),
            "two  columns\n  what it says is\n  longer than the\n  line\n"
        );
        assert_eq!(noted(text, style(None)), format!("{text}\n"));
    }

    #[test]
    fn whatever_the_width_no_word_is_lost_or_broken_and_no_line_is_longer_than_it_must_be() {
        let text = "updates of 7300-03-01 began at 17:37 UTC; see /var/adm/nim-agent (nimctl rollout approve spring \
                    --fingerprint cccccccccccc --ticket TICKET), or nimctl log --file lvupdlog lpar01: it says more";
        let longest = pieces(text).iter().map(|piece| piece.chars().count()).max().unwrap();
        for width in 1..=200 {
            let lines = folded("what ", text, style(Some(width)));
            let words: Vec<&str> = lines.split_whitespace().skip(1).collect();
            assert_eq!(words, text.split_whitespace().collect::<Vec<_>>(), "{width}");
            for line in lines.lines() {
                let length = line.chars().count();
                assert!(length <= usize::from(width).max(5 + longest), "{width}: {line}");
            }
        }
    }

    #[test]
    fn a_command_stays_together_and_ends_where_the_sentence_goes_on() {
        for (text, wanted) in [
            ("nimctl log lpar01 shows it", &["nimctl log lpar01", "shows", "it"][..]),
            ("(nimctl rollout watch spring) or", &["(nimctl rollout watch spring)", "or"]),
            ("nimctl rollout list, nimctl list", &["nimctl rollout list,", "nimctl list"]),
            ("nimctl retry --move-only lpar01; or", &["nimctl retry --move-only lpar01;", "or"]),
            (
                "nimctl resolve lpar01 --as STATE --reason TEXT",
                &["nimctl resolve lpar01 --as STATE --reason TEXT"],
            ),
            ("`nimctl preflight` shows", &["`nimctl preflight`", "shows"]),
            ("see `errpt -N LVUPDATE`, then", &["see", "`errpt -N LVUPDATE`,", "then"]),
            ("nimctl", &["nimctl"]),
            ("`never closed", &["`never closed"]),
        ] {
            assert_eq!(pieces(text), wanted, "{text}");
        }
    }
}
