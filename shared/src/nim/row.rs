//! An object as NIM shows it: which attributes, under which names, in which order.
//!
//! Attributes that are ours stay out of listings, where scripts and widths would meet them; asked for by name they are shown.
//! `identity`, `mgmt_source` and the parts of a serial are never shown under their own names (the NIM reference, §1.5).

use crate::api::ObjectView;
use crate::object::{MASTER, ObjectType, Spec};

/// An attribute and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The attribute; an entry of a list has its number.
    pub attribute: String,
    /// Its value; may be empty.
    pub value: String,
}

impl Row {
    fn new(attribute: &str, value: impl Into<String>) -> Self {
        Self { attribute: attribute.to_owned(), value: value.into() }
    }

    /// Whether `wanted` means this row: its name, or for a numbered attribute the name without the number.
    #[must_use]
    pub fn is(&self, wanted: &str) -> bool {
        self.attribute == wanted
            || self.attribute.strip_prefix(wanted).is_some_and(|number| {
                !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
            })
    }
}

/// What `lsnim -l` shows of `view`, `class` and `type` first.
#[must_use]
pub fn rows(view: &ObjectView) -> Vec<Row> {
    let of = view.object.spec.object_type();
    let mut rows = vec![Row::new("class", view.class.name()), Row::new("type", of.name())];
    rows.extend(view.object.comments.iter().map(|text| Row::new("comments", text)));
    let given = given(view);
    for pattern in order(of) {
        let mut found: Vec<&Row> = given.iter().filter(|row| matches(row, pattern)).collect();
        found.sort_by_key(|row| number(&row.attribute));
        rows.extend(found.into_iter().cloned());
    }
    rows
}

/// What `lsnim -a` shows of `view` for `wanted`: what NIM shows, and where that is nothing what is ours.
#[must_use]
pub fn wanted(view: &ObjectView, wanted: &str) -> Vec<Row> {
    let pick = |rows: Vec<Row>| rows.into_iter().filter(|row| row.is(wanted)).collect::<Vec<_>>();
    let found = pick(rows(view));
    if !found.is_empty() || INPUTS.contains(&wanted) {
        return found;
    }
    pick(given(view).into_iter().filter(|row| !INPUTS.iter().any(|input| row.is(input))).collect())
}

/// What is given to NIM and shown as part of another attribute.
const INPUTS: [&str; 5] = ["identity", "mgmt_source", "hw_type", "hw_model", "hw_serial"];

/// What stands behind a member of a group that its operations leave alone. Source: the NIM reference, §4.3 (recalled there).
pub const EXCLUDED: &str = "; EXCLUDED";

/// Everything that is known of `view`, with what NIM shows where nobody gave it.
fn given(view: &ObjectView) -> Vec<Row> {
    let mut rows: Vec<Row> = view
        .object
        .attributes()
        .into_iter()
        .chain(view.derived.iter().map(|pair| (pair.attribute.clone(), pair.value.clone())))
        .map(|(attribute, value)| Row { attribute, value: one_line(&value) })
        .collect();
    let spec = &view.object.spec;
    if let Spec::Cec(cec) = spec {
        rows.extend(cec.mgmt_source.first().map(|hmc| Row::new("hmc", hmc.as_str())));
    }
    if let Spec::MacGroup(group) = spec {
        let is_out = |row: &&mut Row| {
            row.is("member") && group.excluded.iter().any(|name| name.as_str() == row.value)
        };
        rows.iter_mut().filter(is_out).for_each(|row| row.value += EXCLUDED);
    }
    for (attribute, value) in defaults(spec.object_type()) {
        if !rows.iter().any(|row| row.attribute == *attribute) {
            rows.push(Row::new(attribute, *value));
        }
    }
    rows
}

/// Listings have a line for each attribute.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn matches(row: &Row, pattern: &str) -> bool {
    match pattern.strip_suffix('#') {
        Some(base) => row.is(base) && row.attribute != base,
        None => row.attribute == pattern,
    }
}

fn number(attribute: &str) -> u32 {
    let stem = attribute.trim_end_matches(|c: char| c.is_ascii_digit());
    attribute[stem.len()..].parse().unwrap_or(0)
}

/// What NIM shows though nobody gave it. Source: the NIM reference, §1.5 and the listings of §4.3.
pub(super) const fn defaults(of: ObjectType) -> &'static [(&'static str, &'static str)] {
    use ObjectType as T;
    match of {
        T::Hmc => &[("mgmt_port", "12443")],
        T::Master | T::Standalone | T::Vios => &[("platform", "chrp"), ("netboot_kernel", "64")],
        T::LppSource => &[("arch", "power"), ("server", MASTER)],
        T::LiveUpdateData
        | T::Script
        | T::FbScript
        | T::InstallpBundle
        | T::FixBundle
        | T::ExcludeFiles
        | T::ResolvConf
        | T::ImageData
        | T::Mksysb
        | T::Spot => &[("server", MASTER)],
        T::Ent | T::Cec | T::MacGroup | T::ResGroup => &[],
    }
}

/// The attributes in the order in which NIM shows them; `#` stands for a number. Source: the listings of the NIM reference, §4.3;
/// places of what they do not show are (inferred).
const fn order(of: ObjectType) -> &'static [&'static str] {
    use ObjectType as T;
    match of {
        T::Ent => {
            &["Nstate", "prev_state", "net_addr", "snm", "ieee_ent", "other_net_type#", "routing#"]
        }
        T::Hmc => &["passwd_file", "mgmt_port", "if#", "Cstate", "prev_state", "Mstate"],
        T::Cec => &["Cstate", "prev_state", "hmc", "serial"],
        T::Master | T::Standalone | T::Vios => MACHINE,
        T::LppSource => &[
            "arch",
            "Rstate",
            "prev_state",
            "location",
            "simages",
            "multi_volume",
            "nfs_vers",
            "nfs_sec",
            "alloc_count",
            "server",
        ],
        T::Mksysb | T::Spot => &[
            "plat_defined",
            "creation_date",
            "source_image",
            "arch",
            "Rstate",
            "prev_state",
            "location",
            "version",
            "release",
            "mod",
            "oslevel_r",
            "oslevel_s",
            "nfs_vers",
            "nfs_sec",
            "alloc_count",
            "server",
            "Rstate_result",
        ],
        T::LiveUpdateData
        | T::Script
        | T::FbScript
        | T::InstallpBundle
        | T::FixBundle
        | T::ExcludeFiles
        | T::ResolvConf
        | T::ImageData => {
            &["Rstate", "prev_state", "location", "nfs_vers", "nfs_sec", "alloc_count", "server"]
        }
        T::MacGroup => &["member#"],
        T::ResGroup => &[
            "lpp_source",
            "live_update_data",
            "spot",
            "mksysb",
            "resolv_conf",
            "image_data",
            "exclude_files",
            "fix_bundle",
            "script#",
            "fb_script#",
            "installp_bundle#",
            "default",
        ],
    }
}

/// A machine's attributes, in order.
const MACHINE: &[&str] = &[
    "connect",
    "platform",
    "netboot_kernel",
    "if#",
    "net_settings#",
    "cable_type#",
    "iplrom_emu#",
    "ring_speed#",
    "vlan_tag#",
    "vlan_pri#",
    "mgmt_profile#",
    "Cstate",
    "prev_state",
    "Mstate",
    "info",
    "installed_image",
    "lpp_source",
    "live_update_data",
    "spot",
    "mksysb",
    "resolv_conf",
    "image_data",
    "exclude_files",
    "fix_bundle",
    "script#",
    "fb_script#",
    "installp_bundle#",
    "master_port",
    "registration_port",
    "validate_cpuid",
    "cpuid",
    "Cstate_result",
];

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::api::Pair;
    use crate::object::Draft;

    /// An object with derived attributes, as nimd answers.
    pub(in crate::nim) fn view(
        of: ObjectType,
        name: &str,
        attributes: &[(&str, &str)],
        derived: &[(&str, &str)],
    ) -> ObjectView {
        let mut draft = Draft::new(of);
        for (attribute, value) in attributes {
            draft.add(attribute, value);
        }
        let pair = |(attribute, value): &(&str, &str)| Pair {
            attribute: (*attribute).to_owned(),
            value: (*value).to_owned(),
        };
        ObjectView {
            object: draft.finish(name.parse().unwrap()).unwrap(),
            class: of.class(),
            version: 1,
            created_at: "2025-01-29T10:00:00Z".parse().unwrap(),
            changed_at: "2025-01-29T10:00:00Z".parse().unwrap(),
            derived: derived.iter().map(pair).collect(),
            last_seen: None,
            warnings: Vec::new(),
        }
    }

    #[test]
    fn the_base_name_means_every_number() {
        let row = Row::new("mgmt_profile1", "hmc01 26 p1");
        assert!(row.is("mgmt_profile") && row.is("mgmt_profile1") && !row.is("mgmt"));
        assert!(!Row::new("oslevel_r", "x").is("oslevel"));
    }

    #[test]
    fn what_is_ours_is_shown_only_when_it_is_asked_for() {
        let lpar = view(
            ObjectType::Standalone,
            "aix01",
            &[
                ("if1", "vlan4 aix01 0"),
                ("ssh_user", "nim"),
                ("mgmt_source", "p1"),
                ("identity", "4"),
                ("label.env", "prod"),
            ],
            &[("mgmt_profile1", "hmc01 4 p1")],
        );
        let shown: Vec<_> = rows(&lpar).into_iter().map(|row| row.attribute).collect();
        assert_eq!(shown, ["class", "type", "platform", "netboot_kernel", "if1", "mgmt_profile1"]);
        assert_eq!(wanted(&lpar, "ssh_user"), [Row::new("ssh_user", "nim")]);
        assert_eq!(wanted(&lpar, "label.env"), [Row::new("label.env", "prod")]);
        assert_eq!(wanted(&lpar, "identity"), []);
        assert_eq!(wanted(&lpar, "mgmt_profile"), [Row::new("mgmt_profile1", "hmc01 4 p1")]);
    }
}
