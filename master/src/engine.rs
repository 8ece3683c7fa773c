//! The operation engine: pure decisions in `operation`, `capacity` and `deadline`; the rest acts on them.
//!
//! Decisions see values and return values, so that each is tested as a table and checked by the model in `integration-tests`.
//! What acts (dispatcher, session, lease) holds no state that Postgres and the agent's journal do not have: it may be killed
//! at any instant and started anywhere else.

pub mod capacity;
pub mod deadline;
pub mod dialogue;
pub mod journal;
pub mod operation;
