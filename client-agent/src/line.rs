//! Lines from a peer that is not trusted: bounded, whatever it sends.

use std::io::{self, BufRead, Read};

use nim_shared::frame::FRAME_LIMIT;

/// Reads lines of at most [`FRAME_LIMIT`] bytes.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    from: R,
    line: Vec<u8>,
}

/// What came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// A line, without its end.
    Whole(&'a [u8]),
    /// More bytes than a line may have. What follows has no known beginning: the session has to end.
    TooLong,
    /// The peer closed; what it had begun is no line.
    End,
}

impl<R: BufRead> Lines<R> {
    pub(crate) const fn new(from: R) -> Self {
        Self { from, line: Vec::new() }
    }

    /// The next line.
    pub(crate) fn next(&mut self) -> io::Result<Line<'_>> {
        self.line.clear();
        // A frame of a megabyte is rare: its memory is not kept for the next line.
        self.line.shrink_to(USUAL);
        self.from.by_ref().take(FRAME_LIMIT as u64).read_until(b'\n', &mut self.line)?;
        Ok(match self.line.split_last() {
            Some((b'\n', line)) => Line::Whole(line),
            Some(_) if self.line.len() >= FRAME_LIMIT => Line::TooLong,
            Some(_) | None => Line::End,
        })
    }

    /// The bytes that follow the last line.
    pub(crate) const fn rest(&mut self) -> &mut R {
        &mut self.from
    }
}

const USUAL: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_may_have_as_many_bytes_as_a_frame_and_no_more() {
        let longest = [vec![b'x'; FRAME_LIMIT - 1], vec![b'\n']].concat();
        let bytes = [b"\0\n".to_vec(), longest, vec![b'y'; FRAME_LIMIT + 1]].concat();
        let mut lines = Lines::new(&bytes[..]);
        assert_eq!(lines.next().unwrap(), Line::Whole(b"\0"));
        assert!(
            matches!(lines.next().unwrap(), Line::Whole(line) if line.len() == FRAME_LIMIT - 1)
        );
        assert_eq!(lines.next().unwrap(), Line::TooLong);
    }

    #[test]
    fn half_a_line_is_no_line() {
        let mut lines = Lines::new(&b"{}\n{\"frame\""[..]);
        assert_eq!(lines.next().unwrap(), Line::Whole(b"{}"));
        assert_eq!(lines.next().unwrap(), Line::End);
    }
}
