//! The terminal as a screen that is drawn anew, and left as it was found.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, IsTerminal};

use rustix::termios::{LocalModes, SpecialCodeIndex, tcgetwinsize};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::draw::{Line, Size};
use super::keys::{self, Key};
use crate::error::Error;
use crate::output::{Printer, Style};
use crate::terminal::Modes;

/// A screen, until it is dropped.
pub(super) struct Terminal {
    printer: Printer,
    /// Read as a pipe is, which tokio does without asking whether it is one.
    input: Receiver,
    keys: VecDeque<Key>,
    resized: Signal,
    /// What is on it.
    shown: String,
    #[expect(dead_code, reason = "held for its Drop: the terminal is put back")]
    modes: Modes,
}

/// What a terminal tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// A key was pressed.
    Key(Key),
    /// It has another size.
    Resized,
    /// It is there no more.
    Gone,
}

impl Terminal {
    /// `None` where there is none, or one that cannot move its cursor.
    pub(super) fn open(printer: Printer) -> Option<Self> {
        let dumb = std::env::var_os("TERM").is_none_or(|kind| kind.is_empty() || kind == "dumb");
        if dumb || !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return None;
        }
        let terminal = File::options().read(true).write(true).open("/dev/tty").ok()?;
        // Opened anew: that it does not wait concerns nobody else who has the terminal.
        rustix::io::ioctl_fionbio(&terminal, true).ok()?;
        let modes = Modes::change(&terminal, |modes| {
            modes.local_modes &= !(LocalModes::ICANON | LocalModes::ECHO);
            modes.special_codes[SpecialCodeIndex::VMIN] = 1;
            modes.special_codes[SpecialCodeIndex::VTIME] = 0;
            // Nobody would put the screen back for the shell.
            modes.special_codes[SpecialCodeIndex::VSUSP] = 0;
        });
        let modes = modes.ok()?;
        let input = Receiver::from_file_unchecked(terminal).ok()?;
        let resized = signal(SignalKind::window_change()).ok()?;
        printer.raw(ENTER.as_bytes()).ok()?;
        Some(Self { printer, input, keys: VecDeque::new(), resized, shown: String::new(), modes })
    }

    /// How large it is.
    pub(super) fn size(&self) -> Size {
        let known = tcgetwinsize(&self.input).ok();
        let known = known.filter(|size| size.ws_col > 0 && size.ws_row > 0);
        known.map_or(Size { columns: 80, rows: 24 }, |size| Size {
            columns: size.ws_col.into(),
            rows: size.ws_row.into(),
        })
    }

    /// What comes next of it. May be dropped while it waits.
    pub(super) async fn next(&mut self) -> Told {
        loop {
            if let Some(key) = self.keys.pop_front() {
                return Told::Key(key);
            }
            let mut buffer = [0; 256];
            tokio::select! {
                Some(()) = self.resized.recv() => {
                    // What it has made of what was there is not known.
                    self.shown.clear();
                    return Told::Resized;
                }
                read = self.input.read(&mut buffer) => match read {
                    Ok(0) | Err(_) => return Told::Gone,
                    Ok(length) => self.keys.extend(keys::read(&buffer[..length])),
                },
            }
        }
    }

    /// Draws `lines`, unless they are there already.
    pub(super) fn show(&mut self, lines: &[Line], style: Style) -> Result<(), Error> {
        let mut text = "\x1b[H".to_owned();
        for (at, line) in lines.iter().enumerate() {
            // No line end after the last: the screen would move.
            text += if at > 0 { "\r\n" } else { "" };
            // What was there is taken off first: after a line that fills the screen that would be its last character.
            text += "\x1b[K";
            text += &line.text(style);
        }
        if text != self.shown {
            self.printer.raw(text.as_bytes())?;
            self.shown = text;
        }
        Ok(())
    }
}

/// Another screen, without a cursor; what is too wide is not wrapped.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";

/// The screen from before.
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";

impl Drop for Terminal {
    fn drop(&mut self) {
        // Where the terminal is gone there is nothing to put back.
        drop(self.printer.raw(LEAVE.as_bytes()));
    }
}
