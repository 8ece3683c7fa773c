//! `nimd`: inventory, sessions with HMCs and agents, the operation engine, and the API, over one Postgres.

pub mod api;
pub mod bundle;
pub mod clock;
mod crash;
pub mod engine;
pub mod hooks;
pub mod hosts;
pub mod housekeeping;
pub mod images;
pub mod inventory;
pub mod lpp;
pub mod notices;
pub mod os;
pub mod program;
pub mod render;
pub mod run;
pub mod settings;
pub mod store;
mod taken;
pub mod telemetry;
pub mod transport;
