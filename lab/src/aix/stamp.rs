//! Site time in the forms AIX prints it. The LPARs of the lab live in UTC.

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

/// `09/15/2025-08:32:37`: style B of geninstall (LU §2.5).
pub(crate) fn progress(milliseconds: u64) -> String {
    shape(milliseconds, format_description!("[month]/[day]/[year]-[hour]:[minute]:[second]"))
}

/// `MMDDhhmmYY`: errpt (LU §5.4).
pub(crate) fn errpt(milliseconds: u64) -> String {
    shape(milliseconds, format_description!("[month][day][hour][minute][year repr:last_two]"))
}

/// `09/14/15 09:38:56`: emgr.
pub(crate) fn emgr(milliseconds: u64) -> String {
    shape(
        milliseconds,
        format_description!("[month]/[day]/[year repr:last_two] [hour]:[minute]:[second]"),
    )
}

/// `2015-09-12_06:23:04.364`: suffix of rotated logs (LU §2.8).
pub(crate) fn log_suffix(milliseconds: u64) -> String {
    shape(
        milliseconds,
        format_description!("[year]-[month]-[day]_[hour]:[minute]:[second].[subsecond digits:3]"),
    )
}

/// `2025-09-15_08-32-32`: log capture (LU §2.7).
pub(crate) fn capture(milliseconds: u64) -> String {
    shape(milliseconds, format_description!("[year]-[month]-[day]_[hour]-[minute]-[second]"))
}

/// `09:28:43`: broadcasts.
pub(crate) fn clock(milliseconds: u64) -> String {
    shape(milliseconds, format_description!("[hour]:[minute]:[second]"))
}

/// `Sep 22 15:18`: who.
pub(crate) fn who(milliseconds: u64) -> String {
    shape(milliseconds, format_description!("[month repr:short] [day] [hour]:[minute]"))
}

fn shape(milliseconds: u64, shape: &[BorrowedFormatItem<'_>]) -> String {
    let nanoseconds = i128::from(milliseconds) * 1_000_000;
    let time = OffsetDateTime::from_unix_timestamp_nanos(nanoseconds)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    time.format(shape).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_the_shapes_of_the_sources() {
        let time = 1_442_039_184_364; // 2015-09-12 06:26:24.364 UTC
        assert_eq!(progress(time), "09/12/2015-06:26:24");
        assert_eq!(errpt(time), "0912062615");
        assert_eq!(emgr(time), "09/12/15 06:26:24");
        assert_eq!(log_suffix(time), "2015-09-12_06:26:24.364");
        assert_eq!(capture(time), "2015-09-12_06-26-24");
        assert_eq!(clock(time), "06:26:24");
    }
}
