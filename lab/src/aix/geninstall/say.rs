//! How geninstall prints: style A with dots, style B with times, in the language of its environment (LU §2.4, §2.5).

use std::io::{IsTerminal as _, Write};

use crate::Phase;
use crate::aix::locale::{Language, language};
use crate::aix::{Context, stamp};
use crate::clock::Pending;
use crate::control::{Client, Request};
use crate::fault::Fault;
use crate::world::lpar::Style;

/// The standard output of a run, and its time.
pub(in crate::aix) struct Printer<'a> {
    out: &'a mut dyn Write,
    site: Client,
    lpar: String,
    host: String,
    pub(super) style: Style,
    language: Language,
    /// Whether somebody sits at a terminal: only there broadcasts are seen.
    terminal: bool,
    garbage: bool,
    /// Phases take this many tenths of the sample.
    tenths: u64,
    /// Site time in milliseconds: that of the phase, not the moment of printing, so that a slow machine changes nothing.
    pub(super) now: u64,
    /// Dots were printed and the line is not ended.
    dots: bool,
}

impl<'a> Printer<'a> {
    pub(in crate::aix) fn new(context: &Context, out: &'a mut dyn Write) -> anyhow::Result<Self> {
        let lpar = context.lpar()?;
        let mut site = context.site()?;
        let now = site.done(&Request::Now)?;
        let slow = if lpar.has(Fault::Slow) { 5 } else { 1 };
        Ok(Self {
            out,
            site,
            lpar: context.name.clone(),
            host: lpar.hostname.clone(),
            style: lpar.style,
            language: language(),
            terminal: std::io::stdout().is_terminal(),
            garbage: lpar.has(Fault::GarbageOutput),
            tenths: u64::from(lpar.size_tenths) * slow,
            now,
            dots: false,
        })
    }

    /// A line as it is: no time in front.
    pub(in crate::aix) fn plain(&mut self, line: &str) -> anyhow::Result<()> {
        self.end_dots()?;
        let line = self.language.say(line);
        writeln!(self.out, "{line}")?;
        self.out.flush()?;
        Ok(())
    }

    /// A sentence of progress.
    pub(super) fn progress(&mut self, sentence: &str) -> anyhow::Result<()> {
        self.garbage()?;
        match self.style {
            Style::A => self.plain(sentence),
            Style::B => {
                let line = format!("{} {}", stamp::progress(self.now), self.language.say(sentence));
                writeln!(self.out, "{line}")?;
                self.out.flush()?;
                Ok(())
            }
        }
    }

    /// A sentence that only style B prints.
    pub(super) fn progress_b(&mut self, sentence: &str) -> anyhow::Result<()> {
        if self.style == Style::B { self.progress(sentence) } else { Ok(()) }
    }

    /// The beginning or end of the blackout: indented in style A.
    pub(super) fn blackout(&mut self, sentence: &str) -> anyhow::Result<()> {
        match self.style {
            Style::A => {
                self.plain(&format!("        {sentence}"))?;
                self.plain("")
            }
            Style::B => self.progress(sentence),
        }
    }

    /// The last sentence in style A, glued to the dots before it.
    pub(super) fn glued(&mut self, sentence: &str) -> anyhow::Result<()> {
        self.dots = false;
        let sentence = self.language.say(sentence);
        writeln!(self.out, "{sentence}")?;
        self.out.flush()?;
        Ok(())
    }

    /// What `wall` shows on every terminal.
    pub(super) fn broadcast(&mut self, sentence: &str) -> anyhow::Result<()> {
        if !self.terminal && !self.garbage {
            return Ok(());
        }
        self.end_dots()?;
        let (host, time) = (&self.host, stamp::clock(self.now));
        writeln!(
            self.out,
            "\nBroadcast message from root@{host} (pts/0) at {time} ...\n\n{sentence}\n\n"
        )?;
        self.out.flush()?;
        Ok(())
    }

    /// An update enters a phase; faults that are armed for it strike now.
    pub(super) fn enter(&mut self, phase: Phase) -> anyhow::Result<()> {
        self.site.done(&Request::Enter { lpar: self.lpar.clone(), phase })?;
        Ok(())
    }

    /// A phase takes its time: that of the sample, times the LPAR's size. Dots in style A, half of them while it lasts.
    pub(in crate::aix) fn wait(&mut self, phase: Phase, sample_seconds: u32) -> anyhow::Result<()> {
        let seconds = u64::from(sample_seconds) * self.tenths / 10;
        // Printed times lie on a grid of ten seconds (LU §2.5), except those of the blackout.
        let seconds =
            if sample_seconds.is_multiple_of(10) { seconds.next_multiple_of(10) } else { seconds };
        if seconds == 0 {
            return Ok(());
        }
        let half = usize::try_from(seconds / 10).unwrap_or(0).div_ceil(2);
        self.print_dots(half)?;
        let pending = self.until(phase, seconds * 1000);
        self.site.done(&Request::Wait(pending))?;
        self.print_dots(half)
    }

    /// The LPAR stands still this long, this process with it.
    pub(super) fn freeze(&mut self, phase: Phase, milliseconds: u64) -> anyhow::Result<()> {
        self.site.done(&Request::Freeze { lpar: self.lpar.clone(), phase, milliseconds })?;
        self.now += milliseconds;
        Ok(())
    }

    fn until(&mut self, phase: Phase, milliseconds: u64) -> Pending {
        self.now += milliseconds;
        Pending { lpar: self.lpar.clone(), phase, until: self.now }
    }

    fn print_dots(&mut self, count: usize) -> anyhow::Result<()> {
        if self.style == Style::A && count > 0 {
            write!(self.out, "{}", ".".repeat(count))?;
            self.out.flush()?;
            self.dots = true;
        }
        Ok(())
    }

    fn end_dots(&mut self) -> anyhow::Result<()> {
        if std::mem::take(&mut self.dots) {
            writeln!(self.out)?;
        }
        Ok(())
    }

    /// Noise of the worst kind: bytes that are no text, an escape that would clear a screen, somebody's broadcast.
    fn garbage(&mut self) -> anyhow::Result<()> {
        if self.garbage {
            self.end_dots()?;
            self.out.write_all(b"\xff\xfe\x00 \x1b[2J\x1b]0;owned\x07\n\n\n")?;
            writeln!(
                self.out,
                "\nBroadcast message from oper@{} (pts/3) at {} ...\n\nlunch?\n",
                self.host,
                stamp::clock(self.now)
            )?;
        }
        Ok(())
    }
}
