//! A line from the terminal that is not shown.

use std::fs::File;
use std::io::{self, Read, Write};

use rustix::termios::{LocalModes, SpecialCodeIndex};

use crate::terminal::Modes;

/// Writes `prompt` on the terminal and reads a line that is not echoed. Echo is off before the prompt is there, and on again
/// whatever happens, also when the line is interrupted.
///
/// # Errors
/// No terminal, or [`io::ErrorKind::Interrupted`] for Ctrl-C and the end of input.
pub(super) fn ask(prompt: &str) -> io::Result<String> {
    let mut terminal = File::options().read(true).write(true).open("/dev/tty")?;
    let modes = Modes::change(&terminal, |modes| {
        // Ctrl-C has to come through as a character: a signal would end us with echo off.
        modes.local_modes &=
            !(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        modes.special_codes[SpecialCodeIndex::VMIN] = 1;
        modes.special_codes[SpecialCodeIndex::VTIME] = 0;
    })?;
    terminal.write_all(prompt.as_bytes())?;
    let line = read(&mut terminal);
    terminal.write_all(b"\n")?;
    drop(modes);
    line
}

/// Reads characters up to the end of the line.
fn read(terminal: &mut impl Read) -> io::Result<String> {
    let mut line: Vec<u8> = Vec::new();
    let mut byte = [0];
    loop {
        if terminal.read(&mut byte)? == 0 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        match byte[0] {
            b'\r' | b'\n' => {
                return String::from_utf8(line)
                    .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8"));
            }
            // Ctrl-C and Ctrl-D.
            0x03 | 0x04 => return Err(io::ErrorKind::Interrupted.into()),
            // Backspace takes the whole of a character.
            0x08 | 0x7f => while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            // Ctrl-U.
            0x15 => line.clear(),
            other => line.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_can_be_corrected_and_given_up() {
        let read = |bytes: &[u8]| read(&mut &*bytes).map_err(|error| error.kind());
        assert_eq!(read(b"abc\n"), Ok("abc".to_owned()));
        assert_eq!(read("a\u{e4}\u{7f}\u{7f}\u{7f}b\r".as_bytes()), Ok("b".to_owned()));
        assert_eq!(read(b"abc\x15d\n"), Ok("d".to_owned()));
        assert_eq!(read(b"abc\x03"), Err(io::ErrorKind::Interrupted));
        assert_eq!(read(b"abc"), Err(io::ErrorKind::Interrupted));
        assert_eq!(read(b"\xff\n"), Err(io::ErrorKind::InvalidData));
    }
}
