//! The attributes of `maint`, in NIM's words. Source: the NIM reference, §3.5.

use nim_shared::api::{Cust as Body, Pair};
use nim_shared::given::Given;
use nim_shared::id::ClientToken;
use nim_shared::request::{Install, Kind, Maintenance};
use nim_shared::unit::Seconds;

use super::attributes::Order;
use super::finish;
use crate::error::Error;

/// Reads what `maint` of `targets` asks for.
///
/// # Errors
/// [`Error::Usage`] with everything that is wrong.
pub(crate) fn order(
    pairs: &[Pair],
    targets: Vec<String>,
    token: ClientToken,
) -> Result<Order, Error> {
    let pairs = pairs.iter().map(|pair| (pair.attribute.as_str(), pair.value.as_str()));
    let mut given = Given::read("maint", &KNOWN, &REFUSED, pairs);
    let mut preview = false;
    let mut flags = String::new();
    for flag in given.one("installp_flags").unwrap_or_default().chars() {
        match flag {
            'p' => preview = true,
            '-' | ' ' => {}
            flag if flags.contains(flag) => {}
            flag => flags.push(flag),
        }
    }
    let names = given.words("filesets");
    let install = match &names[..] {
        [] => Install::Nothing,
        // The cookbook writes it large, AIX small.
        [one] if one.eq_ignore_ascii_case("all") => Install::All,
        _ => Install::List(names),
    };
    match Maintenance::read(&flags) {
        Ok(action) => {
            if let Err(bad) = action.takes(&install) {
                given.fault("filesets", &bad.to_string());
            }
        }
        Err(bad) => given.fault("installp_flags", &bad.to_string()),
    }
    let concurrent = given.parsed::<std::num::NonZeroU32>("concurrent").map(Into::into);
    let time_limit = given.parsed::<std::num::NonZeroU32>("time_limit");
    let detach = given.yes_or_no("async").unwrap_or(false);
    finish(given, "lsnim -t standalone -q maint lists the attributes")?;
    let body = Body {
        token,
        targets,
        kind: if preview { Kind::MaintPreview } else { Kind::Maint },
        lpp_source: None,
        install,
        bundles: Vec::new(),
        fixes: Vec::new(),
        fix_bundles: Vec::new(),
        scripts: Vec::new(),
        strategy: None,
        hooks: Vec::new(),
        master_hooks: Vec::new(),
        alt_disk: None,
        accept_licenses: false,
        installp_flags: Some(flags),
        live_update_data: None,
        concurrent,
        time_limit: time_limit.map(|hours| Seconds(u64::from(u32::from(hours)) * 3600)),
    };
    Ok(Order { body, detach })
}

/// What may be given.
const KNOWN: [&str; 5] = ["installp_flags", "filesets", "concurrent", "time_limit", "async"];

/// What somebody might expect, with the reason why not.
const REFUSED: [(&str, &str); 3] = [
    ("installp_bundle", "name the filesets: what is removed is named one by one"),
    ("lpp_source", "nothing is installed: nim -o cust does that"),
    ("force", "nothing is forced here"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn read(attributes: &[(&str, &str)]) -> Result<(Kind, String, Install, bool), String> {
        let pairs: Vec<_> = attributes
            .iter()
            .map(|(attribute, value)| Pair {
                attribute: (*attribute).to_owned(),
                value: (*value).to_owned(),
            })
            .collect();
        match order(&pairs, vec!["aix01".to_owned()], ClientToken(Uuid::nil())) {
            Ok(Order { body, detach }) => {
                Ok((body.kind, body.installp_flags.unwrap(), body.install, detach))
            }
            Err(Error::Usage { faults, .. }) => {
                Err(faults.iter().map(|fault| format!("{fault}\n")).collect())
            }
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn what_nim_users_type_is_understood() {
        let list =
            |names: &[&str]| Install::List(names.iter().map(|name| (*name).to_owned()).collect());
        for (given, expected) in [
            (
                &[("installp_flags", "-c"), ("filesets", "ALL")][..],
                (Kind::Maint, "c", Install::All, false),
            ),
            (
                &[("installp_flags", "-pug"), ("filesets", "bos.a bos.b"), ("async", "yes")],
                (Kind::MaintPreview, "ug", list(&["bos.a", "bos.b"]), true),
            ),
            (
                &[("installp_flags", "r -X"), ("filesets", "bos.a"), ("filesets", "bos.b")],
                (Kind::Maint, "rX", list(&["bos.a", "bos.b"]), false),
            ),
            (&[("installp_flags", "-C")], (Kind::Maint, "C", Install::Nothing, false)),
        ] {
            let (kind, flags, install, detach) = expected;
            assert_eq!(read(given), Ok((kind, flags.to_owned(), install, detach)), "{given:?}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_name() {
        let all = [
            ("installp_flags", "-u"),
            ("filesets", "all"),
            ("lpp_source", "x"),
            ("fileset", "y"),
            ("concurrent", "0"),
        ];
        let wrong = [
            &all[..],
            &[("filesets", "bos.a")],
            &[("installp_flags", "-acgXF")],
            &[("installp_flags", "-c")],
        ];
        let told: String = wrong.into_iter().map(|given| read(given).unwrap_err()).collect();
        insta::assert_snapshot!(told, @r#"
        lpp_source: nothing is installed: nim -o cust does that
        fileset: is no attribute of maint; did you mean filesets?
        filesets: ALL goes with -c only: name what is rejected or removed
        concurrent: "0" cannot be read: number would be zero for non-zero type
        installp_flags: one of -c (commit), -r (reject), -u (deinstall) and -C (clean up) says what is done
        installp_flags: -a is not passed on: beside -c, -r, -u and -C these are: gwXQv
        filesets: it is not said which filesets
        "#);
    }
}
