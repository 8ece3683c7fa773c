//! What repairs a fault, by the level that has it. Source: LU §4.6.

use super::Fix;
use crate::level::Level;

/// What repairs the fault of `level` of the kernel that keeps shared libraries (pitfall 6); `None` where it has none. The build does not
/// count: a service pack has the fault in each.
#[must_use]
pub fn keeps_libraries(level: Level) -> Option<&'static Fix> {
    LIBRARIES.iter().find(|fix| {
        let bad: Result<Level, _> = fix.level.parse();
        bad.is_ok_and(|bad| {
            (bad.technology, bad.service_pack) == (level.technology, level.service_pack)
        })
    })
}

/// Shared libraries of users other than root, which the kernel does not release (pitfall 6).
pub(super) const LIBRARIES: &[Fix] = &[
    fix("7200-04-00-1937", "IJ29492", None),
    fix("7200-04-01-1939", "IJ29492", None),
    fix("7200-04-02-2028", "IJ29492", None),
    fix("7200-05-00-2037", "IJ30267", Some("7200-05-02")),
    fix("7200-05-01-2038", "IJ30267", Some("7200-05-02")),
];

/// Licences that NIM does not agree to (pitfall 4).
pub(super) const LICENCES: &[Fix] = &[
    fix("7200-01", "IJ02913", Some("7200-01-05-1845")),
    fix("7200-02", "IJ08917", Some("7200-02-03-1845")),
    fix("7200-03", "IJ05198", Some("7200-03")),
];

/// A script of autofs that is registered and not there (pitfall 5).
pub(super) const AUTOFS: &[Fix] = &[
    fix("7200-01", "IV89963", Some("7200-01-02-1717")),
    fix("7200-02", "IJ04531", Some("7200-02-02-1832")),
    fix("7200-03", "IJ04532", Some("7200-03-00-1837")),
];

/// A checkpoint that IP filters spoil.
pub(super) const FILTERS: &[Fix] = &[fix("7300-03", "IJ55348", Some("7300-03-02-2546"))];

const fn fix(level: &'static str, apar: &'static str, repaired: Option<&'static str>) -> Fix {
    Fix { level, apar, repaired }
}
