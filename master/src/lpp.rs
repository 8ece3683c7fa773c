//! Packages as they lie in a folder: `.toc`, images in backup format (`.bff`), interim fixes (`.epkg.Z`).
//!
//! Only headers and small texts are read, never what is installed; sizes are bounded whatever a file says of itself. What cannot
//! be read is an error that says why, and the file stays out of the index: nothing is guessed. Sources: IBM's documentation of
//! `lpp_name` ("Packaging software for installation"), `gen_toc_entry` and `epkg`; for the backup format, which IBM does not
//! publish, the descriptions of aix-bff-go, bffextract and bff.ex, checked with a file that AIX wrote.

pub mod backup;
pub mod epkg;
pub mod fixes;
pub mod folder;
pub mod lzw;
mod pack;
mod tar;
pub mod toc;

/// Why a file is not what its name or its beginning says.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// It is of another form, or damaged.
    #[error("{0}")]
    Form(String),
    /// It has a form that this version cannot read.
    #[error("{0}")]
    Unknown(String),
}

/// An error of form.
fn form<T>(text: impl Into<String>) -> Result<T, Error> {
    Err(Error::Form(text.into()))
}
