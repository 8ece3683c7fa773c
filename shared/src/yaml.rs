//! Text ↔ value in YAML.
//!
//! Two kinds of file are read. A **fleet** ([`Fleet`]) is written by administrators and holds NIM objects; it is read node by
//! node, because its scalars have to keep the text that was typed (`0123456` is a serial, `no` a host name), and because all
//! of its faults are said at once, each with its line. **Settings** ([`read_settings`]) have a Rust type each and are read through
//! serde, or from a tree of nodes ([`read_document`]) where all faults are to be said. All come from people and may be hostile: size, depth and what aliases expand to are limited.

mod document;
mod fleet;
mod library;
mod node;
mod render;
mod scalar;
#[cfg(feature = "schema")]
mod schema;
mod settings;

pub use document::read_document;
pub use fleet::{Fleet, Place};
pub use node::{Key, Node, Value};
pub use render::{NotYaml, render_fleet, to_string};
pub use scalar::{Scalar, read_scalars};
#[cfg(feature = "schema")]
pub use schema::FleetFile;
pub use settings::read_settings;

/// Longest file that is read, in bytes: some 100,000 LPARs.
pub const FILE_LIMIT: usize = 64 << 20;

/// Most faults that are reported; one more says that there are others.
pub const FAULT_LIMIT: usize = 1000;

#[cfg(test)]
mod tests;
