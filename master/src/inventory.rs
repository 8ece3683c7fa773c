//! What is out there: what HMCs show of frames, and what the objects say about how to reach a host.

pub mod around;
pub mod console;
pub mod csv;
pub mod details;
pub mod discover;
pub mod endpoint;
pub mod failover;
pub mod frame;
pub mod hmc;
pub mod host_key;
pub mod key_exchange;
pub mod ledger;
pub mod lpar;
pub(crate) mod network;
mod profile;
pub mod refresh;
mod rounds;
pub mod silent;
pub mod survey;
pub mod vios;
