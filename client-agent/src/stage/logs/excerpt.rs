//! The part of a log that tells.

/// Of `window`, the end of a file with `before` bytes before it: from somewhat before the first line with ERROR on, or the last lines where
/// there is none. What is left out is said.
pub(super) fn of(window: &[u8], before: u64) -> Vec<u8> {
    // A line that is cut is none.
    let whole = if before == 0 { 0 } else { line_end(window, 0) };
    let error = position(&window[whole..], b"ERROR").map(|at| whole + at);
    let begin = match error {
        Some(at) => lines_before(window, at, CONTEXT).max(whole),
        None if window.len() - whole <= HALF => whole,
        None => line_end(window, window.len() - HALF),
    };
    let mut text = Vec::new();
    let left_out = before + begin as u64;
    if left_out > 0 {
        text.extend(format!("[the first {left_out} bytes are left out]\n").bytes());
    }
    let rest = &window[begin..];
    if rest.len() <= 2 * HALF {
        text.extend(rest);
    } else {
        let first = line_end(rest, HALF);
        let last = line_end(rest, rest.len() - HALF).max(first);
        text.extend(&rest[..first]);
        text.extend(format!("[{} bytes are left out]\n", last - first).bytes());
        text.extend(&rest[last..]);
    }
    if !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    text
}

/// Where the line that `at` stands in ends, with its line end; `at` itself where that is far.
fn line_end(text: &[u8], at: usize) -> usize {
    let near = text[at..].iter().take(LONG).position(|byte| *byte == b'\n');
    near.map_or(at, |end| at + end + 1)
}

/// Where the line begins that is `count` lines before the one that `at` stands in.
fn lines_before(text: &[u8], at: usize, count: usize) -> usize {
    let ends = text[..at].iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
    ends.map(|(end, _)| end + 1).nth(count).unwrap_or(0)
}

fn position(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|part| part == wanted)
}

/// How many lines before the first error are kept.
const CONTEXT: usize = 40;

/// Longer than any line of a log, in bytes.
const LONG: usize = 4096;

/// Most bytes that are kept at the beginning and at the end each.
const HALF: usize = 128 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(from: usize, to: usize) -> String {
        (from..to).map(|number| format!("OLVUPDMCR 1.0 DEBUG - line {number}\n")).collect()
    }

    fn text(window: &str, before: u64) -> String {
        String::from_utf8(of(window.as_bytes(), before)).unwrap()
    }

    #[test]
    fn a_short_log_is_kept_whole() {
        assert_eq!(text("a\nb", 0), "a\nb\n");
        assert_eq!(text("", 0), "\n");
    }

    #[test]
    fn what_is_kept_begins_somewhat_before_the_first_error() {
        let log = lines(0, 100) + "OLVUPDMCR 1.0 ERROR - it\n" + &lines(101, 120);
        let begin = lines(0, 60).len();
        let kept = lines(60, 100) + "OLVUPDMCR 1.0 ERROR - it\n" + &lines(101, 120);
        assert_eq!(text(&log, 0), format!("[the first {begin} bytes are left out]\n{kept}"));
    }

    #[test]
    fn the_first_line_of_a_window_is_cut_and_left_out() {
        assert_eq!(text("rest\nwhole\n", 7), "[the first 12 bytes are left out]\nwhole\n");
        assert_eq!(text("no line end", 7), "[the first 7 bytes are left out]\nno line end\n");
    }

    #[test]
    fn of_a_long_log_the_end_is_kept_and_after_an_error_both_ends() {
        let long = lines(0, 20_000);
        let kept = text(&long, 0);
        assert!(kept.len() < HALF + 100 && kept.ends_with(&lines(19_990, 20_000)));
        assert!(kept.starts_with("[the first ") && kept.contains("]\nOLVUPDMCR 1.0 DEBUG"));

        let kept = text(&format!("ERROR first\n{long}"), 0);
        assert!(kept.starts_with("ERROR first\n") && kept.ends_with(&lines(19_990, 20_000)));
        assert!(kept.len() < 2 * HALF + 200 && kept.contains("\n["), "{}", kept.len());
        assert!(!kept.contains("[the first"));
    }

    #[test]
    fn bytes_that_are_no_lines_are_bounded_too() {
        let kept = of(&vec![b'x'; 4 * HALF], 0);
        assert!(kept.len() <= 2 * HALF + 200);
        let mut window = b"ERROR".to_vec();
        window.resize(4 * HALF, 0xff);
        assert!(of(&window, 9).len() <= 2 * HALF + 200);
    }
}
