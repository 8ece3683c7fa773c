//! Settings files: YAML into a Rust type, through serde.

use serde::de::DeserializeOwned;

use crate::api::{File, FileFault};

use super::{FILE_LIMIT, library};

/// Reads a settings file. Types that refuse unknown keys (`#[serde(deny_unknown_fields)]`) have them refused with their line.
///
/// # Errors
/// What is wrong, with file and line. Serde stops at the first fault, so that there is one; what a type checks after reading
/// can be added to it.
pub fn read_settings<T: DeserializeOwned>(file: &File) -> Result<T, Vec<FileFault>> {
    let fault = |line, message| {
        vec![FileFault { file: Some(file.name.clone()), line, path: String::new(), message }]
    };
    if file.text.len() > FILE_LIMIT {
        return Err(fault(None, format!("is larger than {} MB", FILE_LIMIT >> 20)));
    }
    library::from_text(&file.text).map_err(|(line, message)| fault(line, message))
}
