//! The language that `nimd`, `nim-agent` and `nimctl` speak with each other.
//!
//! Everything here is a value: types, their text forms, and pure decisions about them. There is no IO, no clock and
//! no randomness, so that the crate builds on AIX, runs in a model checker, and is tested by calling it.

pub mod aftercare;
pub mod aix;
pub mod api;
pub mod capacity;
pub mod code;
pub mod disks;
pub mod frame;
pub mod given;
pub mod glob;
pub mod hook;
pub mod id;
pub mod level;
pub mod lpp;
pub mod lvupdate;
pub mod near;
pub mod nim;
pub mod notice;
pub mod object;
pub mod operation;
pub mod policy;
pub mod preflight;
pub mod prep;
pub mod query;
pub mod request;
pub mod select;
pub mod stage;
pub mod stamp;
pub mod strategy;
pub mod ticket;
pub mod transcript;
pub mod unit;
#[cfg(feature = "yaml")]
pub mod yaml;

/// Version of this product, as `--version` prints it and `hello` carries it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
