//! `nimd`: inventory, sessions with HMCs and agents, the operation engine, and the API, over one Postgres.

pub mod clock;
pub mod engine;
pub mod inventory;
pub mod settings;
pub mod store;
pub mod telemetry;
pub mod transport;
