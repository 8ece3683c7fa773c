//! Small pieces of text for people.

use nim_shared::stamp::Timestamp;
use time::macros::format_description;

use super::Style;

/// What a colour repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// It is as it should be.
    Good,
    /// It failed.
    Bad,
    /// Somebody should look.
    Care,
    /// Beside the point.
    Dim,
    /// Nothing to repeat.
    None,
}

impl Paint {
    /// `text` in this colour, where colours are wanted.
    pub(crate) fn paint(self, text: &str, style: Style) -> String {
        let code = match self {
            Self::Good => "32",
            Self::Bad => "1;31",
            Self::Care => "33",
            Self::Dim => "2",
            Self::None => return text.to_owned(),
        };
        if style.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// `text` as one line without anything that a terminal would act on: control characters, and those that turn the direction of
/// writing round. What comes from a host goes through here.
pub(crate) fn clean(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\t' => ' ',
        c if is_harmless(c) => c,
        _ => char::REPLACEMENT_CHARACTER,
    };
    text.chars().map(shown).collect()
}

/// As [`clean`], but lines and tabs stay.
pub(crate) fn clean_lines(text: &str) -> String {
    let kept = |c: &char| matches!(c, '\n' | '\t') || is_harmless(*c);
    text.replace("\r\n", "\n").chars().filter(kept).collect()
}

fn is_harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text`, cut to `width` characters.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['~']).collect()
}

/// A span of time as `m:ss` or `h:mm:ss`. Negative ones, which clocks that are apart lead to, are nothing.
pub(crate) fn clock(span: time::Duration) -> String {
    let seconds = span.whole_seconds().max(0);
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// Seconds as [`clock`] has them.
pub(crate) fn clock_seconds(seconds: nim_shared::unit::Seconds) -> String {
    clock(time::Duration::seconds(i64::try_from(seconds.0).unwrap_or(i64::MAX)))
}

/// A time to the second, in UTC.
pub(crate) fn moment(at: Timestamp) -> String {
    let seconds = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    at.get().format(seconds).unwrap_or_else(|_| at.to_string())
}

/// How long ago `at` was, coarsely: `12 s ago`, `3 d ago`.
pub(crate) fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.since(at).whole_seconds().max(0);
    match seconds {
        0..=119 => format!("{seconds} s ago"),
        120..=7199 => format!("{} min ago", seconds / 60),
        7200..=172_799 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// `one LPAR`, `3 LPARs`.
pub(crate) fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_acts_on_is_left() {
        assert_eq!(
            clean("a\x1b[2Jb\nc\u{9b}31m\u{202e}x\u{7}"),
            "a\u{fffd}[2Jb c\u{fffd}31m\u{fffd}x\u{fffd}"
        );
        assert_eq!(clean_lines("a\r\n\tb\x1b]0;x\x07\r"), "a\n\tb]0;x");
    }

    #[test]
    fn spans_are_short() {
        let all = [0, 59, 61, 3600, 36_061].map(|s| clock(time::Duration::seconds(s)));
        assert_eq!(all, ["0:00", "0:59", "1:01", "1:00:00", "10:01:01"]);
        assert_eq!(clock(time::Duration::seconds(-5)), "0:00");
    }

    #[test]
    fn a_cut_text_shows_that_it_is_cut() {
        assert_eq!((cut("lpar", 4).as_str(), cut("lpar01", 4).as_str()), ("lpar", "lpa~"));
    }
}
