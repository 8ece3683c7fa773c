//! What a terminal sends for keys. Pure: bytes come in, keys come out.

/// A key that means something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// A character.
    Char(char),
    Enter,
    Escape,
    Backspace,
    Up,
    Down,
    PageUp,
    PageDown,
    /// Control and D: the end of what is typed.
    End,
}

/// The keys of what was read at once: a terminal writes a sequence in one piece, so that ESC without more is the key.
pub(super) fn read(bytes: &[u8]) -> Vec<Key> {
    let mut keys = Vec::new();
    let mut rest = String::from_utf8_lossy(bytes).into_owned();
    while let Some(first) = rest.chars().next() {
        let mut taken = first.len_utf8();
        let after = &rest[taken..];
        let key = match first {
            '\u{1b}' => {
                let found = SEQUENCES.iter().find(|(text, _)| after.starts_with(text));
                match found {
                    Some((text, key)) => {
                        taken += text.len();
                        Some(*key)
                    }
                    None => {
                        taken += unknown(after);
                        (taken == 1).then_some(Key::Escape)
                    }
                }
            }
            '\r' | '\n' => Some(Key::Enter),
            '\u{4}' => Some(Key::End),
            '\u{7f}' | '\u{8}' => Some(Key::Backspace),
            c if c.is_control() || c == char::REPLACEMENT_CHARACTER => None,
            c => Some(Key::Char(c)),
        };
        keys.extend(key);
        rest.drain(..taken);
    }
    keys
}

/// What follows ESC for keys that mean something here; some terminals are told to write `O` for `[`.
const SEQUENCES: [(&str, Key); 6] = [
    ("[A", Key::Up),
    ("OA", Key::Up),
    ("[B", Key::Down),
    ("OB", Key::Down),
    ("[5~", Key::PageUp),
    ("[6~", Key::PageDown),
];

/// How long the sequence of another key is: parameters and a letter, or one letter.
fn unknown(after: &str) -> usize {
    let Some(body) = after.strip_prefix('[').or_else(|| after.strip_prefix('O')) else { return 0 };
    let end = body.find(|c: char| !(c.is_ascii_digit() || c == ';'));
    end.map_or(after.len(), |at| 1 + at + body[at..].chars().next().map_or(0, char::len_utf8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_those_that_mean_nothing_are_dropped() {
        use Key::{Backspace, Char, Down, End, Enter, Escape, PageDown, PageUp, Up};
        let rows: [(&[u8], &[Key]); 9] = [
            (b"pq", &[Char('p'), Char('q')]),
            (b"\x1b", &[Escape]),
            (b"\x1b[A\x1bOB\x1b[5~\x1b[6~", &[Up, Down, PageUp, PageDown]),
            (b"\x1b[1;5Cx\x1bOPy", &[Char('x'), Char('y')]),
            (b"\x1b[", &[]),
            (b"a\r\x7f\x08", &[Char('a'), Enter, Backspace, Backspace]),
            (b"\x04\x01\x00", &[End]),
            ("é".as_bytes(), &[Char('é')]),
            (b"\xff\xfe", &[]),
        ];
        for (bytes, keys) in rows {
            assert_eq!(read(bytes), keys, "{bytes:?}");
        }
    }
}
