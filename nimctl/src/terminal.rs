//! What the terminal does with keys that are pressed.

use std::fs::File;
use std::io;

use rustix::process::getpgrp;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr};

/// Modes that are put back when this is dropped.
pub(crate) struct Modes {
    terminal: File,
    before: Termios,
}

impl Modes {
    /// Changes the modes of `terminal`, and drops what was typed ahead.
    ///
    /// # Errors
    /// When it is no terminal.
    pub(crate) fn change(terminal: &File, change: impl FnOnce(&mut Termios)) -> io::Result<Self> {
        Self::set(terminal, OptionalActions::Flush, change)
    }

    fn set(
        terminal: &File,
        when: OptionalActions,
        change: impl FnOnce(&mut Termios),
    ) -> io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut changed = before.clone();
        change(&mut changed);
        let modes = Self { terminal: terminal.try_clone()?, before };
        tcsetattr(terminal, when, &changed)?;
        Ok(modes)
    }

    /// Keys such as Ctrl-C are not shown: what is shown of them moves the cursor, and lines that move would be taken off the screen
    /// beside their place. `None` where there is nothing to be changed: no terminal, or another one in front of it, whom a change
    /// would disturb.
    pub(crate) fn without_control_keys() -> Option<Self> {
        let terminal = File::options().read(true).write(true).open("/dev/tty").ok()?;
        if tcgetpgrp(&terminal).ok()? != getpgrp() {
            return None;
        }
        let quiet = |modes: &mut Termios| modes.local_modes &= !LocalModes::ECHOCTL;
        Self::set(&terminal, OptionalActions::Now, quiet).ok()
    }
}

impl Drop for Modes {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing put back.
        tcsetattr(&self.terminal, OptionalActions::Now, &self.before).unwrap_or_default();
    }
}
