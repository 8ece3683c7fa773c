//! The attributes of `cust`, in NIM's words. What this master cannot honour is refused by name: an update that silently leaves
//! something out is worse than none. Source: the NIM reference, §3.1.

use nim_shared::api::Cust as Body;
use nim_shared::given::{Given, NEEDS_SOURCE, Software};
use nim_shared::hook::HookPlace;
use nim_shared::id::ClientToken;
use nim_shared::request::{DEFAULT_INSTALLP_FLAGS, INSTALLP_FLAGS, Install, Kind};
use nim_shared::unit::Seconds;

use super::finish;
use crate::cli::Cust;
use crate::error::Error;

/// What the command line asks for.
pub(crate) struct Order {
    pub(crate) body: Body,
    /// Whether to return once it is accepted.
    pub(crate) detach: bool,
}

/// Reads the command line.
///
/// # Errors
/// [`Error::Usage`] with everything that is wrong.
pub(crate) fn order(args: &Cust, token: ClientToken) -> Result<Order, Error> {
    let pairs = args.attributes.iter().map(|one| (one.attribute.as_str(), one.value.as_str()));
    let mut given = Given::read("cust", &KNOWN, &REFUSED, pairs);
    let live_update = given.yes_or_no("live_update").unwrap_or(false);
    let mut accept_licenses = given.yes_or_no("accept_licenses").unwrap_or(false);
    let mut preview = args.preview;
    let mut installp_flags = String::new();
    for flag in given.one("installp_flags").unwrap_or_default().chars() {
        match flag {
            'p' => preview = true,
            'Y' => accept_licenses = true,
            '-' | ' ' => {}
            flag if !live_update && INSTALLP_FLAGS.contains(flag) => {
                if !installp_flags.contains(flag) {
                    installp_flags.push(flag);
                }
            }
            // NIM's defaults stand in many a script, and ask for nothing beside them.
            'a' | 'g' | 'Q' | 'X' => {}
            other if live_update => given.fault(
                "installp_flags",
                &format!("-{other} cannot be passed on: geninstall -k takes -p and -Y"),
            ),
            other => given.fault(
                "installp_flags",
                &format!("-{other} is not passed on: -p, -Y and those of {INSTALLP_FLAGS} are"),
            ),
        }
    }
    let kind = match (live_update, preview) {
        (true, true) => Kind::Preview,
        (true, false) => Kind::Update,
        (false, true) => Kind::InstallPreview,
        (false, false) => Kind::Install,
    };
    let Software { lpp_source, install, bundles, fixes, fix_bundles, scripts } =
        given.software(NEEDS_SOURCE);
    let hooks = given.hooks("hook", HookPlace::Lpar);
    let master_hooks = given.hooks("master_hook", HookPlace::Master);
    let live_update_data = given.one("live_update_data");
    let strategy = given.strategy(live_update, &install);
    if !live_update {
        if live_update_data.is_some() {
            given.fault("live_update_data", "is for live_update=yes, which was not given");
        }
        if install == Install::Nothing
            && scripts.is_empty()
            && !["fixes", "installp_bundle", "script"]
                .iter()
                .any(|attribute| given.has_fault(attribute))
        {
            given.fault("fixes", "or filesets, installp_bundle or script have to say what is done");
        }
        if installp_flags.is_empty() {
            installp_flags.push_str(DEFAULT_INSTALLP_FLAGS);
        }
    }
    let concurrent = given.parsed::<std::num::NonZeroU32>("concurrent").map(Into::into);
    let time_limit = given.parsed::<std::num::NonZeroU32>("time_limit");
    let detach = args.detach || given.yes_or_no("async").unwrap_or(false);
    finish(given, "`nimctl cust --help` lists the attributes")?;
    let body = Body {
        token,
        targets: args.targets.clone(),
        kind,
        lpp_source,
        install,
        bundles,
        fixes,
        fix_bundles,
        scripts,
        strategy,
        hooks,
        master_hooks,
        alt_disk: None,
        accept_licenses,
        installp_flags: (!live_update).then_some(installp_flags),
        live_update_data,
        concurrent,
        time_limit: time_limit.map(|hours| Seconds(u64::from(u32::from(hours)) * 3600)),
    };
    Ok(Order { body, detach })
}

/// What may be given.
const KNOWN: [&str; 16] = [
    "live_update",
    "lpp_source",
    "fixes",
    "filesets",
    "installp_bundle",
    "fix_bundle",
    "script",
    "hook",
    "master_hook",
    "live_update_data",
    "strategy",
    "installp_flags",
    "accept_licenses",
    "concurrent",
    "time_limit",
    "async",
];

/// What NIM's `cust` has and this master does not, with the reason.
const REFUSED: [(&str, &str); 6] = [
    (
        "file_res",
        "folders are not copied here: send one as an RPM or a package, or have a script fetch it",
    ),
    ("group", "groups of resources are not read here; name the resources"),
    ("show_progress", "progress is always shown; --detach leaves it out"),
    ("verbose", "`nimctl log` shows everything that was written"),
    ("force", "nothing is forced here"),
    ("preview", "is no attribute of cust, neither in NIM; use --preview or -a installp_flags=-p"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn read(attributes: &[&str], preview: bool) -> Result<Order, Vec<String>> {
        let args = Cust {
            attributes: attributes.iter().map(|text| text.parse().unwrap()).collect(),
            preview,
            detach: false,
            targets: vec!["lpar01".to_owned()],
        };
        order(&args, ClientToken(Uuid::nil())).map_err(|error| match error {
            Error::Usage { faults, .. } => faults.iter().map(ToString::to_string).collect(),
            other => panic!("{other}"),
        })
    }

    #[test]
    fn what_nim_users_type_is_understood() {
        let order = read(
            &[
                "live_update=yes",
                "lpp_source=7300-03-01",
                "fixes=update_all",
                "installp_flags=-pY",
                "live_update_data=lud_{lpar}",
                "concurrent=4",
                "time_limit=2",
                "async=yes",
            ],
            false,
        )
        .ok()
        .unwrap();
        assert!(order.detach);
        let body = order.body;
        assert_eq!((body.kind, body.accept_licenses), (Kind::Preview, true));
        assert_eq!((body.install, body.concurrent), (Install::UpdateAll, Some(4)));
        assert_eq!(body.time_limit, Some(Seconds(7200)));
        let body = read(&["live_update=yes"], true).ok().unwrap().body;
        assert_eq!((body.kind, body.install), (Kind::Preview, Install::Nothing));
        let names =
            ["live_update=yes", "lpp_source=s", "filesets=bos.net E:IJ1s.epkg.Z", "filesets=a.b"];
        let body = read(&names, false).ok().unwrap().body;
        let expected = ["bos.net", "E:IJ1s.epkg.Z", "a.b"].map(ToOwned::to_owned);
        assert_eq!(body.install, Install::List(expected.to_vec()));
        let bundles = ["lpp_source=s", "installp_bundle=emgr_bnd", "installp_bundle=base"];
        let body = read(&bundles, false).ok().unwrap().body;
        assert_eq!(body.install, Install::List(Vec::new()));
        assert_eq!(
            body.bundles.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["emgr_bnd", "base"]
        );
    }

    #[test]
    fn fixes_are_all_or_some_by_their_keywords() {
        let fixes = |attributes: &[&str]| {
            let body = read(&[&["lpp_source=s"], attributes].concat(), false).ok().unwrap().body;
            let bundles: Vec<_> = body.fix_bundles.iter().map(ToString::to_string).collect();
            (body.install, body.fixes.join(" "), bundles.join(" "))
        };
        let none = Install::List(Vec::new());
        let text = |text: &str| text.to_owned();
        for (given, expected) in [
            (&["fixes=update_all"][..], (Install::UpdateAll, text(""), text(""))),
            (&["fixes=IJ1 IJ2"], (none.clone(), text("IJ1 IJ2"), text(""))),
            (
                &["fixes=IJ1", "fixes=IJ2", "fix_bundle=apars"],
                (none.clone(), text("IJ1 IJ2"), text("apars")),
            ),
            (&["fix_bundle=a", "fix_bundle=b"], (none.clone(), text(""), text("a b"))),
        ] {
            assert_eq!(fixes(given), expected, "{given:?}");
        }
    }

    #[test]
    fn scripts_are_named_one_by_one_beside_all_else_and_alone() {
        let scripts = |attributes: &[&str]| {
            let body = read(attributes, false).ok().unwrap().body;
            let names = body.scripts.iter().map(ToString::to_string).collect::<Vec<_>>();
            (body.kind, body.install, names.join(" "))
        };
        assert_eq!(
            scripts(&["script=post", "script=check"]),
            (Kind::Install, Install::Nothing, "post check".to_owned())
        );
        assert_eq!(
            scripts(&["live_update=yes", "live_update_data=lud", "script=post"]),
            (Kind::Update, Install::Nothing, "post".to_owned())
        );
        let all = ["lpp_source=s", "fixes=update_all", "installp_flags=-p", "script=post"];
        assert_eq!(scripts(&all), (Kind::InstallPreview, Install::UpdateAll, "post".to_owned()));
    }

    #[test]
    fn what_cannot_be_honoured_is_refused_by_name_and_all_at_once() {
        let faults = read(
            &[
                "live_update=yes",
                "script=no name",
                "fixes=IJ12345",
                "installp_flags=-acNgXY",
                "lpp_sorce=x",
                "concurrent=0",
                "accept_licenses=maybe",
                "time_limit=1",
                "time_limit=2",
            ],
            false,
        )
        .err()
        .unwrap();
        insta::assert_snapshot!(faults.join("\n"), @r#"
        lpp_sorce: is no attribute of cust; did you mean lpp_source?
        accept_licenses: is yes or no, not "maybe"
        installp_flags: -c cannot be passed on: geninstall -k takes -p and -Y
        installp_flags: -N cannot be passed on: geninstall -k takes -p and -Y
        script: "no name" cannot be read: "no name" is not a NIM object name: ' ' is not allowed in one
        lpp_source: is required with fixes, fix_bundle, filesets or installp_bundle
        concurrent: "0" cannot be read: number would be zero for non-zero type
        time_limit: has one value; 2 were given
        "#);
        let faults = read(
            &["lpp_source=s", "fixes=all", "installp_bundle=b", "installp_bundle=no name"],
            false,
        );
        insta::assert_snapshot!(faults.err().unwrap().join("\n"), @r#"
        installp_bundle: "no name" cannot be read: "no name" is not a NIM object name: ' ' is not allowed in one
        installp_bundle: goes with no fixes: name bundles, or all fixes
        "#);
        let faults = read(&["live_update=yes", "fixes=update_all"], false).err().unwrap();
        let required =
            "lpp_source: is required with fixes, fix_bundle, filesets or installp_bundle";
        assert_eq!(faults, [required]);
        let mixed = ["lpp_source=s", "fixes=IJ1 all a/b", "fix_bundle=apars", "filesets=bos.net"];
        insta::assert_snapshot!(read(&mixed, false).err().unwrap().join("\n"), @r#"
        filesets: go with no fixes: name filesets, or all fixes
        fixes: are all, or keywords, not both
        fixes: "a/b" is no keyword of a fix
        "#);
    }

    #[test]
    fn without_live_update_software_is_installed_and_nothing_is_moved() {
        let body = |attributes: &[&str]| read(attributes, false).ok().unwrap().body;
        let source = ["lpp_source=s", "fixes=update_all", "accept_licenses=yes"];
        let plain = body(&source);
        assert_eq!((plain.kind, plain.installp_flags.as_deref()), (Kind::Install, Some("agQX")));
        let flags = |flags: &str| body(&[&source[..], &["live_update=no", flags]].concat());
        let preview = flags("installp_flags=-p");
        assert_eq!(preview.kind, Kind::InstallPreview);
        let commit = flags("installp_flags=-acNgXY");
        assert_eq!((commit.kind, commit.installp_flags.as_deref()), (Kind::Install, Some("acNgX")));
        let faults = read(
            &["lpp_source=s", "live_update_data=lud", "installp_flags=-ugF", "file_res=post"],
            false,
        );
        insta::assert_snapshot!(faults.err().unwrap().join("\n"), @r"
        file_res: folders are not copied here: send one as an RPM or a package, or have a script fetch it
        installp_flags: -u is not passed on: -p, -Y and those of acgNQXqwvV are
        installp_flags: -F is not passed on: -p, -Y and those of acgNQXqwvV are
        live_update_data: is for live_update=yes, which was not given
        fixes: or filesets, installp_bundle or script have to say what is done
        ");
    }
}
