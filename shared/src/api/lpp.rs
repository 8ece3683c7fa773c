//! What is in an `lpp_source`, and changes of it.

use serde::{Deserialize, Serialize};

use crate::id::ObjectName;
use crate::lpp::Content;
use crate::stamp::Timestamp;

/// A `fix_bundle` with what its file names now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct FixBundleView {
    /// The object.
    pub name: ObjectName,
    /// Keywords of fixes, in the order of the file.
    pub fixes: Vec<String>,
}

/// An `lpp_source` with what the master found in its folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LppSourceView {
    /// The object.
    pub name: ObjectName,
    /// The folder.
    pub location: String,
    /// When it was looked into.
    pub indexed_at: Timestamp,
    /// Why the master knows nothing of its content; then `content` is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_indexed: Option<String>,
    /// What is in it.
    pub content: Content,
}

/// Packages to be added to an `lpp_source`, or removed from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangePackages {
    /// Where they are copied from: an absolute path of a folder on the master, or the name of another `lpp_source` on it. Where it
    /// is not given the packages are removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Filesets, packages, and files of interim fixes and RPMs; `all` for everything that can be installed.
    pub packages: Vec<String>,
}

/// What became of the files of an `lpp_source`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ChangedPackages {
    /// Files that were added, from the folder on.
    pub added: Vec<String>,
    /// Files that were removed.
    pub removed: Vec<String>,
    /// Files that were there already, with the same content.
    pub unchanged: Vec<String>,
    /// What is in it now.
    pub now: LppSourceView,
}
