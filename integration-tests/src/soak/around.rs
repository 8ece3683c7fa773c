//! What goes wrong around the LPARs in the course of a rollout: an HMC, a VIO server, a frame. One at a time, and each passes.

use anyhow::{Context as _, Result, ensure};
use nim_lab::clock::Pending;
use nim_lab::fault::{ConsoleFault, Fault, FaultyHost};
use nim_lab::{Lab, Phase};
use nim_rollout::seed::Seeded;
use nim_shared::stamp::Timestamp;
use time::OffsetDateTime;

use super::fleet::Limits;
use super::proof::Place;
use super::{Size, Spells, fleet};
use crate::Harness;

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Around {
    /// An HMC or a VIO server has a fault.
    Host { host: String, fault: ConsoleFault },
    /// Something else has taken what is free on the frame of this LPAR.
    Full { lpar: String },
}

/// A time in which something was wrong.
#[derive(Clone, Debug)]
pub(super) struct Spell {
    around: Around,
    /// From when to when, by the machine's clock, which is nimd's.
    begin: Timestamp,
    end: Timestamp,
}

/// What a spell is to be, where the seed says on which host or frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An HMC or a VIO server has this fault.
    Host(ConsoleFault),
    /// A frame is full.
    Full,
}

/// As many spells as nimd is killed, drawn by the seed: each kind once before one comes twice.
pub(super) fn draw(size: &Size) -> Vec<Around> {
    // Apart from what the same seed draws for LPARs.
    let mut seeded = Seeded::new(size.seed ^ 0x5eed);
    let kinds = match size.spells {
        Spells::Named(kinds) => kinds.to_vec(),
        Spells::Drawn => {
            let hosts = ConsoleFault::ALL.into_iter().map(Kind::Host);
            let mut kinds: Vec<Kind> = hosts.chain([Kind::Full]).collect();
            seeded.shuffle(&mut kinds);
            kinds
        }
    };
    let mut number = |most: u32| -> u32 {
        let below = seeded.below(most as usize);
        u32::try_from(below).unwrap_or(0) + 1
    };
    let around = |kind| match kind {
        Kind::Full => Around::Full { lpar: fleet::name(number(size.lpars)) },
        Kind::Host(fault) => {
            let host = match fault.host() {
                FaultyHost::Hmc => format!("hmc0{}", number(2)),
                FaultyHost::Vios => {
                    let side = if number(2) == 1 { 'a' } else { 'b' };
                    format!("vios{}{side}", number(size.frames))
                }
            };
            Around::Host { host, fault }
        }
    };
    kinds.into_iter().cycle().take(size.kills).map(around).collect()
}

impl std::fmt::Display for Around {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host { host, fault } => write!(f, "{host}: {fault}"),
            Self::Full { lpar } => write!(f, "the frame of {lpar}: {}", Fault::FrameFull),
        }
    }
}

impl Around {
    /// The HMC that refuses passwords.
    fn refuses_passwords(&self) -> Option<&str> {
        match self {
            Self::Host { host, fault: ConsoleFault::HmcLocked } => Some(host),
            Self::Host { .. } | Self::Full { .. } => None,
        }
    }

    /// Sets in.
    pub(super) async fn begin(self, lab: &Lab) -> Result<Begun> {
        let begin = now()?;
        match &self {
            Self::Host { host, fault } => lab.set_console_fault(host, *fault, true)?,
            Self::Full { lpar } => lab.set_fault(lpar, Fault::FrameFull).await?,
        }
        Ok(Begun { around: self, begin })
    }
}

/// What has set in and not passed.
pub(super) struct Begun {
    around: Around,
    begin: Timestamp,
}

impl Begun {
    /// Passes, and what only a person can do then is done.
    pub(super) fn end(self, site: &Harness) -> Result<Spell> {
        let lab = site.lab();
        match &self.around {
            Around::Host { host, fault } => lab.set_console_fault(host, *fault, false)?,
            Around::Full { lpar } => lab.clear_fault(lpar, Fault::FrameFull)?,
        }
        if let Some(hmc) = self.around.refuses_passwords() {
            site.set_password(hmc)?;
        }
        Ok(Spell { around: self.around, begin: self.begin, end: now()? })
    }
}

impl Spell {
    /// Whether it was while an LPAR that is at `place` was being updated.
    pub(super) fn strikes(
        &self,
        place: &Place,
        frame_of: impl Fn(&str) -> Option<String>,
        [began, ended]: [Timestamp; 2],
    ) -> bool {
        let is_there = match &self.around {
            Around::Host { host, .. } => place.hmc == *host || place.vioses.contains(host),
            Around::Full { lpar } => frame_of(lpar).as_ref() == Some(&place.frame),
        };
        is_there && began <= self.end && ended >= self.begin
    }

    /// How many updates it can have ended at most: those that were under way there. Whoever comes later waits until it has passed.
    pub(super) const fn most(&self, limits: &Limits) -> usize {
        match &self.around {
            Around::Host { fault, .. } => match fault.host() {
                FaultyHost::Hmc => limits.per_hmc,
                FaultyHost::Vios => limits.per_frame,
            },
            Around::Full { .. } => limits.per_frame,
        }
    }
}

/// Lets `minutes` of the site pass.
pub(super) async fn pass(lab: &Lab, minutes: u64) {
    let until = lab.clock().now() + minutes * 60_000;
    let pending = Pending { lpar: "the site".to_owned(), phase: Phase::Preview, until };
    lab.clock().wait(pending).await;
}

fn now() -> Result<Timestamp> {
    let micros = OffsetDateTime::now_utc().unix_timestamp_nanos() / 1000;
    let micros = i64::try_from(micros).context("a time far away")?;
    ensure!(micros > 0, "the machine's clock is before 1970");
    Ok(Timestamp::from_unix_micros(micros))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_kind_of_fault_around_comes_once_before_one_comes_twice() {
        for seed in 1..50 {
            let drawn = draw(&Size { seed, ..Size::LONG });
            assert_eq!(drawn.len(), Size::LONG.kills);
            let kinds: BTreeSet<String> = drawn
                .iter()
                .map(|one| match one {
                    Around::Host { fault, .. } => fault.name().to_owned(),
                    Around::Full { .. } => Fault::FrameFull.name().to_owned(),
                })
                .collect();
            assert_eq!(kinds.len(), ConsoleFault::ALL.len() + 1, "seed {seed}: {drawn:?}");
        }
    }
}
