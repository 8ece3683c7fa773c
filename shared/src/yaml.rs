//! Text ↔ value in YAML. The only user of the crate behind `serde_yaml`.
