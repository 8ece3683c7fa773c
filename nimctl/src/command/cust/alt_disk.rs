//! The attributes of `alt_disk_install`, in NIM's words. Source: the NIM reference, §3.5, and AIX's description of the command.

use nim_shared::api::{Cust as Body, Pair};
use nim_shared::given::{Given, Software};
use nim_shared::id::{ClientToken, DiskName};
use nim_shared::request::{AltDisk, AltPhase, INSTALLP_FLAGS, Kind};
use nim_shared::unit::Seconds;

use super::attributes::Order;
use super::finish;
use crate::error::Error;

/// Reads what `alt_disk_install` on `targets` asks for.
///
/// # Errors
/// [`Error::Usage`] with everything that is wrong.
pub(crate) fn order(
    pairs: &[Pair],
    targets: Vec<String>,
    token: ClientToken,
) -> Result<Order, Error> {
    let pairs = pairs.iter().map(|pair| (pair.attribute.as_str(), pair.value.as_str()));
    let mut given = Given::read("alt_disk_install", &KNOWN, &REFUSED, pairs);
    match given.one("source").as_deref() {
        Some("rootvg") => {}
        Some("mksysb") => given.fault("source", RESTORE),
        Some(other) => given.fault("source", &format!("is rootvg, not \"{other}\"")),
        None => given.fault("source", "has to be rootvg, whose copy is made"),
    }
    let mut disks: Vec<DiskName> = Vec::new();
    for name in given.words("disk") {
        match name.parse() {
            Ok(disk) => disks.push(disk),
            Err(bad) => given.fault("disk", &format!("\"{name}\" cannot be read: {bad}")),
        }
    }
    if disks.is_empty() && !given.has_fault("disk") {
        given.fault("disk", "has to name the disks that the copy goes to");
    }
    if given.yes_or_no("boot_client") == Some(true) {
        given.fault("boot_client", REBOOT);
    }
    let set_bootlist = given.yes_or_no("set_bootlist").unwrap_or(false);
    let phase = given.parsed::<AltPhase>("phase");
    let mut accept_licenses = given.yes_or_no("accept_licenses").unwrap_or(false);
    let mut flags = String::new();
    for flag in given.one("installp_flags").unwrap_or_default().chars() {
        match flag {
            'Y' => accept_licenses = true,
            '-' | ' ' => {}
            'p' => given.fault("installp_flags", "-p: of a copy there is no preview"),
            flag if !INSTALLP_FLAGS.contains(flag) => given.fault(
                "installp_flags",
                &format!("-{flag} is not passed on: -Y and those of {INSTALLP_FLAGS} are"),
            ),
            flag if flags.contains(flag) => {}
            flag => flags.push(flag),
        }
    }
    let Software { lpp_source, install, bundles, fixes, fix_bundles, scripts } =
        given.software("is required with fixes, filesets or bundles");
    if flags.is_empty() {
        flags.push_str(DEFAULT_FLAGS);
    }
    let concurrent = given.parsed::<std::num::NonZeroU32>("concurrent").map(Into::into);
    let time_limit = given.parsed::<std::num::NonZeroU32>("time_limit");
    let detach = given.yes_or_no("async").unwrap_or(true);
    finish(given, "lsnim -t standalone -q alt_disk_install lists the attributes")?;
    let body = Body {
        token,
        targets,
        kind: Kind::AltDisk,
        lpp_source,
        install,
        bundles,
        fixes,
        fix_bundles,
        scripts,
        strategy: None,
        hooks: Vec::new(),
        master_hooks: Vec::new(),
        alt_disk: Some(AltDisk { disks, set_bootlist, phase }),
        accept_licenses,
        installp_flags: Some(flags),
        live_update_data: None,
        concurrent,
        time_limit: time_limit.map(|hours| Seconds(u64::from(u32::from(hours)) * 3600)),
    };
    Ok(Order { body, detach })
}

/// The command's own options for installp where none are given.
const DEFAULT_FLAGS: &str = "acgX";

const RESTORE: &str = "mksysb: this master restores no backups; a NIM master does, or alt_disk_install -d on the LPAR; source=rootvg copies the running system";

const REBOOT: &str = "this master reboots no LPAR: boot from the copy yourself when it is time, with set_bootlist=yes before";

/// What may be given.
const KNOWN: [&str; 16] = [
    "source",
    "disk",
    "lpp_source",
    "fixes",
    "fix_bundle",
    "filesets",
    "installp_bundle",
    "installp_flags",
    "accept_licenses",
    "set_bootlist",
    "boot_client",
    "phase",
    "concurrent",
    "time_limit",
    "async",
    "group",
];

/// What NIM's operation has and this master does not, with the reason.
const REFUSED: [(&str, &str); 7] = [
    ("mksysb", RESTORE),
    ("script", "is not run in a copy of rootvg: nim -o cust -a script=NAME runs one on the LPAR"),
    ("image_data", "the copy is laid out as rootvg is"),
    ("exclude_files", "the copy is a whole one"),
    ("resolv_conf", "the copy has that of rootvg"),
    ("debug", "`nimctl log` shows everything that was written"),
    ("force", "nothing is forced here"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use nim_shared::request::Install;
    use uuid::Uuid;

    fn read(attributes: &[(&str, &str)]) -> Result<Order, String> {
        let pair = |(attribute, value): &(&str, &str)| Pair {
            attribute: (*attribute).to_owned(),
            value: (*value).to_owned(),
        };
        let pairs: Vec<_> = attributes.iter().map(pair).collect();
        order(&pairs, vec!["aix01".to_owned()], ClientToken(Uuid::nil())).map_err(|error| {
            let Error::Usage { faults, .. } = error else { panic!("{error}") };
            faults.iter().map(|fault| format!("{fault}\n")).collect()
        })
    }

    #[test]
    fn what_nim_users_type_is_understood() {
        let given = [
            ("source", "rootvg"),
            ("disk", "hdisk1 hdisk2"),
            ("lpp_source", "l"),
            ("fixes", "update_all"),
            ("installp_flags", "-acNgXY"),
            ("set_bootlist", "yes"),
            ("boot_client", "no"),
            ("phase", "12"),
        ];
        let Order { body, detach } = read(&given).ok().unwrap();
        assert_eq!((body.kind, body.install), (Kind::AltDisk, Install::UpdateAll));
        assert_eq!((body.installp_flags.as_deref(), body.accept_licenses), (Some("acNgX"), true));
        let copy = body.alt_disk.unwrap();
        assert_eq!(
            copy.disks.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["hdisk1", "hdisk2"]
        );
        assert_eq!((copy.set_bootlist, copy.phase, detach), (true, Some(AltPhase::OneTwo), true));
        let Order { body, detach } =
            read(&[("source", "rootvg"), ("disk", "hdisk1"), ("async", "no")]).ok().unwrap();
        assert_eq!(
            (body.install, body.installp_flags.as_deref()),
            (Install::Nothing, Some("acgX"))
        );
        assert!(!body.alt_disk.unwrap().set_bootlist && !detach);
    }

    #[test]
    fn what_cannot_be_done_is_refused_by_name() {
        let wrong = [
            ("source", "mksysb"),
            ("mksysb", "m"),
            ("boot_client", "yes"),
            ("phase", "4"),
            ("installp_flags", "-pF"),
            ("fixes", "update_all"),
            ("dsk", "hdisk1"),
        ];
        insta::assert_snapshot!(read(&wrong).err().unwrap(), @r#"
        mksysb: mksysb: this master restores no backups; a NIM master does, or alt_disk_install -d on the LPAR; source=rootvg copies the running system
        dsk: is no attribute of alt_disk_install; did you mean disk?
        source: mksysb: this master restores no backups; a NIM master does, or alt_disk_install -d on the LPAR; source=rootvg copies the running system
        disk: has to name the disks that the copy goes to
        boot_client: this master reboots no LPAR: boot from the copy yourself when it is time, with set_bootlist=yes before
        phase: "4" cannot be read: "4" is no phase of alt_disk_install: one of 1, 2, 3, 12, 23, all
        installp_flags: -p: of a copy there is no preview
        installp_flags: -F is not passed on: -Y and those of acgNQXqwvV are
        lpp_source: is required with fixes, filesets or bundles
        "#);
    }
}
