//! What would let an LPAR take part that does not fit. Each is tried before it is said.

use std::fmt;

use nim_shared::level::TechnologyLevel;
use nim_shared::unit::{Megabytes, ProcessorUnits, Seconds};

use crate::calendar::Calendars;
use crate::choose::names;
use crate::compile::Compiler;
use crate::facts::{CpuReduction, Lpar, Snapshot};
use crate::file::{DayTime, Rollout};
use crate::predict::Forecast;

use super::excluded::Shortage;
use super::{Input, WhatIf, Why};

/// A change with which it fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proposal {
    /// Less memory, by DLPAR.
    LessMemory {
        /// How much less.
        less: Megabytes,
        /// What is left.
        left: Megabytes,
    },
    /// `cpu_reduction = yes`.
    CpuReduction,
    /// Fewer processors, by DLPAR.
    FewerProcessors {
        /// How many fewer.
        fewer: ProcessorUnits,
        /// What is left.
        left: ProcessorUnits,
    },
    /// Both.
    Both {
        /// How much less memory.
        less: Megabytes,
        /// What is left.
        left: Megabytes,
    },
    /// A longer window.
    Window {
        /// Name of the window.
        name: String,
        /// When it begins.
        from: DayTime,
        /// When it would have to end.
        to: DayTime,
    },
    /// A window of the file that is for others.
    OtherWindow(String),
    /// No partition id is asked for.
    AnyId,
    /// More at a time.
    Limit(WhatIf),
    /// A window that ends later.
    LaterEnd {
        /// Name of the window.
        name: String,
        /// When it begins.
        from: DayTime,
        /// When it would have to end.
        to: DayTime,
    },
    /// The same of a window that is for others.
    TurnInWindow(String),
    /// A wave before its own.
    Wave(String),
}

impl fmt::Display for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const REDUCTION: &str = "cpu_reduction = yes in its lvupdate.data";
        match self {
            Self::LessMemory { less, left } => {
                write!(f, "it fits with {less} of memory less by DLPAR, {left} in all")
            }
            Self::CpuReduction => write!(f, "it fits with {REDUCTION}"),
            Self::Both { less, left } => {
                write!(
                    f,
                    "it fits with {REDUCTION} and {less} of memory less by DLPAR, {left} in all"
                )
            }
            Self::Window { name, from, to } => {
                write!(f, "it fits if window {name} is from {from} to {to}")
            }
            Self::FewerProcessors { fewer, left } => {
                write!(f, "it fits with {fewer} units fewer by DLPAR, {left} in all")
            }
            Self::OtherWindow(name) => write!(f, "it fits if window {name} is for it too"),
            Self::AnyId => f.write_str("it fits without lpar_id in its lvupdate.data"),
            Self::TurnInWindow(name) => {
                write!(f, "it comes to its turn if window {name} is for it too")
            }
            Self::Limit(change) => write!(f, "it comes to its turn with {change}"),
            Self::LaterEnd { name, from, to } => {
                write!(f, "it comes to its turn if window {name} is from {from} to {to}")
            }
            Self::Wave(name) => write!(f, "it comes to its turn in wave {name}"),
        }
    }
}

/// Changes with which `lpar` would take part.
#[must_use]
pub fn propose(input: &Input<'_>, lpar: &Lpar, forecast: &Forecast, why: &Why) -> Vec<Proposal> {
    let trial = Trial::new(input, lpar, forecast);
    match why {
        Why::TooLarge { shortage, .. } => trial.smaller(*shortage),
        Why::WindowTooShort { needed, .. } => {
            let longer = trial.longer_windows(*needed);
            longer.into_iter().chain(trial.other_windows()).collect()
        }
        Why::NoWindow => trial.other_windows(),
        Why::IdTaken(_) => trial.any_id(),
        _ => Vec::new(),
    }
}

/// The LPAR alone on its frame.
struct Trial<'a> {
    input: &'a Input<'a>,
    lpar: &'a Lpar,
    forecast: &'a Forecast,
    snapshot: Snapshot,
}

impl<'a> Trial<'a> {
    fn new(input: &'a Input<'a>, lpar: &'a Lpar, forecast: &'a Forecast) -> Self {
        let all = input.snapshot;
        let its = |frame: &&crate::facts::Frame| Some(&frame.name) == lpar.frame.as_ref();
        let snapshot = Snapshot {
            at: all.at,
            allowed: all.allowed,
            frames: all.frames.iter().filter(its).cloned().collect(),
            lpars: Vec::new(),
            maintenance: Vec::new(),
        };
        Self { input, lpar, forecast, snapshot }
    }

    /// Whether a changed LPAR takes part under a changed file; otherwise why not.
    fn fits(&self, file: &Rollout, lpar: &Lpar) -> Result<(), Why> {
        let calendars = Calendars::new(file, self.input.begin, file.deadlines.whole.get());
        let mut compiler = Compiler::new(file, &self.snapshot, &[], calendars);
        compiler.job(lpar, self.forecast)
    }

    fn smaller(&self, shortage: Shortage) -> Vec<Proposal> {
        let mut reduced = self.lpar.clone();
        // Source: the reference on Live Update, §1.2 and §4.7: from 7200-03 on.
        let may_reduce =
            self.lpar.level.is_some_and(|level| level.technology >= TechnologyLevel::CPU_REDUCTION);
        if let Some(shape) = reduced.shape.as_mut().filter(|_| may_reduce) {
            shape.cpu_reduction = CpuReduction::Yes;
        }
        let file = self.input.file;
        let mut found = Vec::new();
        if let Shortage::Processors { there } = shortage {
            if may_reduce && self.fits(file, &reduced).is_ok() {
                found.push(Proposal::CpuReduction);
            }
            found.extend(self.fewer_processors(there));
        }
        if let Some((less, left)) = self.less_memory(self.lpar) {
            found.push(Proposal::LessMemory { less, left });
        }
        if found.is_empty()
            && may_reduce
            && let Some((less, left)) = self.less_memory(&reduced)
        {
            found.push(Proposal::Both { less, left });
        }
        found
    }

    /// How much less memory `lpar` must have, and what is left then, where that is enough and allowed.
    fn less_memory(&self, lpar: &Lpar) -> Option<(Megabytes, Megabytes)> {
        let shape = lpar.shape?;
        let region = self.snapshot.frames.first()?.free?.region.0.max(1);
        let Err(Why::TooLarge { shortage: Shortage::Memory { missing }, .. }) =
            self.fits(self.input.file, lpar)
        else {
            return None;
        };
        let left =
            (shape.memory.0 / region * region).checked_sub(missing.div_ceil(region) * region)?;
        if left < shape.min_memory.0.max(region) {
            return None;
        }
        let mut smaller = lpar.clone();
        smaller.shape.as_mut()?.memory = Megabytes(left);
        self.fits(self.input.file, &smaller).ok()?;
        Some((Megabytes(shape.memory.0 - left), Megabytes(left)))
    }

    /// As many processors as there are, where the LPAR may run with them. Whole ones stay whole: they may be dedicated.
    fn fewer_processors(&self, there: ProcessorUnits) -> Option<Proposal> {
        const WHOLE: u64 = 100;
        let shape = self.lpar.shape?;
        let now = shape.processors.hundredths;
        let step = if now.is_multiple_of(WHOLE) { WHOLE } else { 1 };
        let left = ProcessorUnits { hundredths: there.hundredths / step * step };
        if left < shape.min_processors || left.hundredths == 0 {
            return None;
        }
        let mut smaller = self.lpar.clone();
        smaller.shape.as_mut()?.processors = left;
        self.fits(self.input.file, &smaller).ok()?;
        let fewer = ProcessorUnits { hundredths: now.checked_sub(left.hundredths)? };
        Some(Proposal::FewerProcessors { fewer, left })
    }

    fn any_id(&self) -> Vec<Proposal> {
        let free = Lpar { wanted_id: None, ..self.lpar.clone() };
        self.fits(self.input.file, &free).map(|()| Proposal::AnyId).into_iter().collect()
    }

    fn other_windows(&self) -> Vec<Proposal> {
        let opened = opened(self.input.file, self.lpar);
        let fit = opened.filter(|(_, file)| self.fits(file, self.lpar).is_ok());
        fit.map(|(name, _)| Proposal::OtherWindow(name)).collect()
    }

    fn longer_windows(&self, needed: Seconds) -> Vec<Proposal> {
        let mut found = Vec::new();
        for (at, window) in self.input.file.windows.iter().enumerate() {
            let Some(to) = window.from.plus_minutes(needed.0.div_ceil(60)) else { continue };
            let mut file = self.input.file.clone();
            file.windows[at].to = to;
            if self.fits(&file, self.lpar).is_ok() {
                let name = window.name.to_string();
                found.push(Proposal::Window { name, from: window.from, to });
            }
        }
        found
    }
}

/// The file with one of its windows, by name, that is for others and for `lpar` too; each in its turn.
pub(super) fn opened<'f>(
    file: &'f Rollout,
    lpar: &'f Lpar,
) -> impl Iterator<Item = (String, Rollout)> + 'f {
    let others = file.windows.iter().enumerate();
    let others = others.filter(|(_, one)| !one.only.is_empty() && !names(&one.only, lpar));
    others.filter_map(|(at, window)| {
        let mut changed = file.clone();
        changed.windows[at].only.names.push(lpar.name.as_str().parse().ok()?);
        Some((window.name.to_string(), changed))
    })
}
