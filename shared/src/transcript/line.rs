//! Bytes to lines, in bounded memory: whatever arrives, a line is at most [`MAX_LINE_BYTES`] long in here.
//!
//! The text may be no UTF-8, may hold control characters and escape sequences, and the progress dots
//! of one line may run for hours. What of a line is dropped is said with it.

/// How much of a line is kept, in bytes. The longest line of the known transcripts has 300.
pub(super) const MAX_LINE_BYTES: usize = 4096;

/// Dots behind this many in a row are counted and not kept: they only say that time passes.
const MAX_DOTS: usize = 8;

/// One line as it was printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// The text without control characters; white space at both ends is still there, because a terminal that
    /// wraps at a fixed column leaves it as the only sign of where a word ended.
    pub(super) text: String,
    /// How many columns the line took, dots included.
    pub(super) width: usize,
    /// The line went on behind [`MAX_LINE_BYTES`], and that part is lost.
    pub(super) shortened: bool,
}

/// Collects bytes until a line is complete.
#[derive(Debug, Default)]
pub(super) struct Lines {
    bytes: Vec<u8>,
    dots: usize,
    width: usize,
    shortened: bool,
}

impl Lines {
    /// Takes one byte; gives the line that it completes. A carriage return ends a line as well: blank lines
    /// mean nothing in these texts, so CR LF does no harm.
    pub(super) fn push(&mut self, byte: u8) -> Option<Line> {
        if matches!(byte, b'\n' | b'\r') {
            return Some(self.take());
        }
        if byte & 0b1100_0000 != 0b1000_0000 {
            self.width = self.width.saturating_add(1);
        }
        self.dots = if byte == b'.' { self.dots.saturating_add(1) } else { 0 };
        if self.dots > MAX_DOTS {
            return None;
        }
        if self.bytes.len() < MAX_LINE_BYTES {
            self.bytes.push(byte);
        } else {
            self.shortened = true;
        }
        None
    }

    /// What stands there without an end of line, when the stream ends.
    pub(super) fn finish(&mut self) -> Option<Line> {
        (!self.bytes.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> Line {
        let text = readable(&self.bytes);
        self.bytes.clear();
        self.dots = 0;
        let width = std::mem::take(&mut self.width);
        Line { text, width, shortened: std::mem::take(&mut self.shortened) }
    }
}

/// Bytes as text: what is no UTF-8 becomes U+FFFD, escape sequences and control characters vanish, tabs are blanks.
fn readable(bytes: &[u8]) -> String {
    let decoded = String::from_utf8_lossy(bytes);
    let mut text = String::with_capacity(decoded.len());
    let mut chars = decoded.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.next() {
                // CSI: parameters, then one final character.
                Some('[') => {
                    chars.by_ref().find(|c| matches!(c, '\u{40}'..='\u{7e}'));
                }
                // OSC: up to BEL, or to the backslash of ESC \.
                Some(']') => {
                    chars.by_ref().find(|c| matches!(c, '\u{7}' | '\\'));
                }
                Some(_) | None => {}
            },
            '\t' => text.push(' '),
            c if c.is_control() => {}
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<Line> {
        let mut lines = Lines::default();
        let mut all: Vec<_> = bytes.iter().filter_map(|b| lines.push(*b)).collect();
        all.extend(lines.finish());
        all
    }

    fn texts(bytes: &[u8]) -> Vec<String> {
        lines(bytes).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn text_that_is_no_utf8_is_read_all_the_same() {
        assert_eq!(texts(b"Pr\xfcfung\nok\xe2\x80"), ["Pr\u{fffd}fung", "ok\u{fffd}"]);
    }

    #[test]
    fn escapes_bells_and_nul_vanish() {
        assert_eq!(texts(b"\x07\x1b[1;31mred\x1b[0m\0\n\x1b]0;title\x07x\n\x1b"), ["red", "x", ""]);
    }

    #[test]
    fn a_line_of_a_gigabyte_keeps_four_kilobytes_and_says_so() {
        let mut all = Lines::default();
        for _ in 0..100_000 {
            assert_eq!(all.push(b'x'), None);
        }
        assert!(all.bytes.capacity() <= 2 * MAX_LINE_BYTES);
        let line = all.push(b'\n').unwrap();
        assert_eq!((line.text.len(), line.shortened, line.width), (MAX_LINE_BYTES, true, 100_000));
    }

    #[test]
    fn dots_without_end_do_not_hide_the_sentence_behind_them() {
        let mut bytes = vec![b'.'; 1_000_000];
        bytes.extend_from_slice(b"The live update operation succeeded.\n");
        let line = &lines(&bytes)[0];
        assert_eq!(line.text, "........The live update operation succeeded.");
        assert!(!line.shortened);
    }
}
