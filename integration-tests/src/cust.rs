//! The command line that updates LPARs of the small site.

/// The source of a site's newest level, as an attribute.
pub const SOURCE: &str = "lpp_source=7300-03-01";

/// The words after `nimctl` or `nim -o` that update `lpars` to all that is in `source`, each with its own `live_update_data`.
#[must_use]
pub fn cust<'a>(source: &'a str, lpars: &[&'a str]) -> Vec<&'a str> {
    let attributes = [
        "live_update=yes",
        source,
        "fixes=update_all",
        "accept_licenses=yes",
        "live_update_data=lud_{lpar}",
    ];
    let attributes = attributes.into_iter().flat_map(|attribute| ["-a", attribute]);
    ["cust"].into_iter().chain(attributes).chain(lpars.iter().copied()).collect()
}
