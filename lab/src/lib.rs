//! A simulated Power site behind real SSH: HMCs, frames, dual VIOS, and LPARs with the AIX commands an agent uses.
//!
//! It exists to prove the product wrong: it shares no reader, no code table and no check with it, so what it prints comes from its
//! own templates, each with its source ("LU" and "HV" are the fact sheets on Live Update and on HMC and VIOS). Facts on which the
//! sources disagree vary by seed ([`world::Variation`]), so that a product that relies on one reading fails in some runs.
//!
//! Three kinds of processes make a site: `nim-lab up` (SSH servers, clock, faults), one root process per LPAR from which everything
//! on that LPAR descends, and the AIX commands, which are this same binary under other names. They share the world file
//! ([`world::Store`]) and the control socket (`DIR/run/control.sock`).

mod aix;
pub mod cli;
pub mod clock;
pub mod control;
pub mod fault;
mod fleet;
mod hmc;
mod lpar;
mod phase;
pub mod record;
pub mod replay;
mod shell;
pub mod site;
mod ssh;
pub mod state;
mod sys;
mod up;
mod vios;
pub mod world;

pub use phase::Phase;
pub use ssh::wire;
pub use up::{Faketime, Lab, Settings, Site};
