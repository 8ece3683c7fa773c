//! One SSH server per host, each on its own loopback address.
//!
//! The server is real (russh), what answers behind it is the simulation: on an LPAR processes below its root process, on an HMC and a VIO
//! server functions of this crate.

pub(crate) mod exec;
mod gate;
pub(crate) mod keys;
mod server;
pub mod wire;

pub(crate) use gate::Gate;
pub(crate) use server::{Backend, Execution, Login, Output, Promise, listen, serve};
