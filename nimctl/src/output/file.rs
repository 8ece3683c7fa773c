//! Files that a command writes: whole, or not at all.

use std::fs;
use std::path::Path;

use crate::error::Error;

/// Writes `bytes` to `path`. Where that fails, as on a full disk, a file that was there before is still there.
///
/// # Errors
/// That it could not be written.
pub(crate) fn write(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), Error> {
    let fault = |cause| Error::File { what: "write", path: path.to_owned(), cause };
    let found = fs::metadata(path).ok();
    // A pipe or a device cannot be exchanged.
    if found.as_ref().is_some_and(|found| !found.is_file()) {
        return fs::write(path, bytes).map_err(fault);
    }
    // A link stays one: what it leads to is exchanged.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let part = target.with_file_name(format!(".{name}.{}", std::process::id()));
    let exchanged = fs::write(&part, bytes).and_then(|()| {
        if let Some(found) = found {
            fs::set_permissions(&part, found.permissions())?;
        }
        fs::rename(&part, &target)
    });
    exchanged.map_err(|cause| {
        // Perhaps it was never made.
        drop(fs::remove_file(&part));
        fault(cause)
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_file_is_exchanged_whole_and_stays_what_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("report.html"), folder.path().join("link"));
        write(&path, "first").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        symlink(&path, &link).unwrap();
        write(&link, "second").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "second");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
    }

    #[test]
    fn what_cannot_be_written_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        // A folder in the place of the file to which it is exchanged.
        let missing = folder.path().join("missing/report.html");
        let error = write(&missing, "text").unwrap_err();
        assert!(error.to_string().contains("cannot write"), "{error}");
        assert!(write(folder.path(), "text").is_err());
        assert!(
            write(Path::new("/dev/full"), "text").is_err(),
            "a device is written, not exchanged"
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
