//! What `lsnim -p`, `-P`, `-O` and `-q` say: which classes, types, operations and attributes there are.
//!
//! NIM's words, and its explanations where public text has them (the NIM reference, §4.4). What this master does not have is
//! left out: a type that is listed can be defined.

use crate::object::{Need, ObjectClass, ObjectType, Spec};

/// A word and what it means.
pub type Word = (&'static str, &'static str);

/// The classes, in NIM's order.
pub const CLASSES: [Word; 5] = [
    ("machines", "class of NIM objects which represent machines"),
    ("resources", "NIM object class which represent install resources"),
    ("networks", "class of NIM objects which represent networks"),
    ("management", "class of NIM objects which represent machine control points"),
    ("groups", "a group of machines or resources"),
];

/// NIM's types that this master has no objects of: asking for them finds nothing and is no mistake. Source: the NIM reference,
/// §1.3 and §1.4.
const OTHER_TYPES: [&str; 34] = [
    "alternate_master",
    "diskless",
    "dataless",
    "wpar",
    "tok",
    "fddi",
    "atm",
    "hfi",
    "generic",
    "ivm",
    "viosivm",
    "bcmm",
    "powervc",
    "file_res",
    "bosinst_data",
    "adapter_def",
    "secattrs",
    "vg_data",
    "savevg",
    "savewpar",
    "ios_mksysb",
    "ios_backup",
    "boot",
    "nim_script",
    "certificate",
    "root",
    "home",
    "tmp",
    "dump",
    "paging",
    "shared_root",
    "shared_home",
    "devexports",
    "wpar_spec",
];

/// Whether NIM has a type of this name that this master has not.
#[must_use]
pub fn is_other_type(name: &str) -> bool {
    OTHER_TYPES.contains(&name)
}

/// Whether NIM has a class of this name that this master has not.
#[must_use]
pub fn is_other_class(name: &str) -> bool {
    name == "customers"
}

/// The types of a class.
#[must_use]
pub fn types(of: ObjectClass) -> Vec<Word> {
    let types = ObjectType::ALL.iter().filter(|one| one.class() == of);
    types.map(|one| (one.name(), meaning(*one))).collect()
}

/// What a type is. Source of the first two: the NIM reference, §4.4; the others are ours.
const fn meaning(of: ObjectType) -> &'static str {
    use ObjectType as T;
    match of {
        T::Standalone => "local filesystems & resources",
        T::Master => "machine which controls the NIM environment",
        T::Ent => "an Ethernet network",
        T::Hmc => "a Hardware Management Console",
        T::Cec => "a managed system",
        T::Vios => "a Virtual I/O Server",
        T::LiveUpdateData => "content of lvupdate.data for Live Update",
        T::LppSource => "a folder of packages and interim fixes",
        T::Script => "a script for the end of cust",
        T::FbScript => "a script for the first boot: listed, not run",
        T::InstallpBundle => "a list of packages for cust",
        T::FixBundle => "a list of fixes for cust and fix_query",
        T::ExcludeFiles => "what a backup leaves out: listed only",
        T::ResolvConf => "a resolver configuration: listed only",
        T::ImageData => "the layout of a root volume group: listed only",
        T::Mksysb => "a backup of a system: listed only",
        T::Spot => "an installed /usr tree: listed only",
        T::MacGroup => "a group of machines",
        T::ResGroup => "a group of resources",
    }
}

/// The operations on objects of a type.
#[must_use]
pub fn operations(of: ObjectType) -> Vec<Word> {
    let mut all = vec![
        ("define", "define an object"),
        ("change", "change an object's attributes"),
        ("remove", "remove an object"),
    ];
    if matches!(of, ObjectType::Standalone | ObjectType::Vios | ObjectType::MacGroup) {
        all.extend([
            ("allocate", "allocate a resource for use"),
            ("deallocate", "deallocate a resource"),
        ]);
    }
    if matches!(of, ObjectType::Standalone | ObjectType::MacGroup) {
        all.extend([
            ("cust", "perform software customization"),
            ("maint", "perform software maintenance"),
            ("alt_disk_install", "copy rootvg to other disks"),
            ("lslpp", "list what is installed"),
            ("lppchk", "verify what is installed"),
            ("fix_query", "say which fixes are installed"),
            ("showlog", "show what the last operation wrote"),
            ("reset", "see that no operation is open"),
            ("check", "see whether it answers"),
        ]);
    }
    if of == ObjectType::MacGroup {
        all.push(("select", "include and exclude group members from operations on the group"));
    }
    if of.class() == ObjectClass::Resources && of != ObjectType::LppSource {
        all.push(("check", "see whether it is at its location"));
    }
    if of == ObjectType::LppSource {
        all.extend([
            ("showres", "show what is in it"),
            ("lslpp", "list its filesets"),
            ("check", "look into it again, and say what is wrong with files"),
            ("update", "add packages, or remove them"),
        ]);
    }
    all
}

/// The attributes of an operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes {
    /// Those that have to be given.
    pub required: Vec<&'static str>,
    /// Those that may be.
    pub optional: Vec<&'static str>,
}

/// What `cust` takes. Source: the NIM reference, §3.1; a change of it goes with `nimctl`'s own `cust`.
const CUST: [&str; 14] = [
    "live_update",
    "live_update_data",
    "lpp_source",
    "fixes",
    "filesets",
    "installp_bundle",
    "fix_bundle",
    "script",
    "group",
    "installp_flags",
    "accept_licenses",
    "concurrent",
    "time_limit",
    "async",
];

/// What `alt_disk_install` takes besides. Source: the NIM reference, §3.5.
const ALT_DISK: [&str; 14] = [
    "lpp_source",
    "fixes",
    "fix_bundle",
    "filesets",
    "installp_bundle",
    "group",
    "installp_flags",
    "accept_licenses",
    "set_bootlist",
    "boot_client",
    "phase",
    "concurrent",
    "time_limit",
    "async",
];

/// The attributes of `operation` on objects of a type; `None` where there is no such operation on them.
#[must_use]
pub fn attributes(operation: &str, of: ObjectType) -> Option<Attributes> {
    if !operations(of).iter().any(|(name, _)| *name == operation) {
        return None;
    }
    let known = Spec::known(of).iter();
    let all = || known.clone().map(|one| one.name).chain(["comments"]).collect();
    Some(match operation {
        "define" => {
            let (required, optional): (Vec<_>, Vec<_>) =
                known.partition(|one| one.need == Need::Required);
            let names =
                |known: Vec<&crate::object::Known>| known.iter().map(|one| one.name).collect();
            let mut optional: Vec<_> = names(optional);
            optional.push("comments");
            Attributes { required: names(required), optional }
        }
        "change" => Attributes { required: Vec::new(), optional: all() },
        "lslpp" => optional(&["lslpp_flags", "filesets"]),
        "lppchk" => optional(&["lppchk_flags", "filesets"]),
        "fix_query" => optional(&["fix_query_flags", "fixes", "fix_bundle"]),
        "showlog" => optional(&["log_type", "full_log"]),
        "showres" => optional(&["installp_flags"]),
        "update" => Attributes {
            required: vec!["packages"],
            optional: vec!["source", "rm_images", "show_progress"],
        },
        "cust" => optional(&CUST),
        "alt_disk_install" => {
            Attributes { required: vec!["source", "disk"], optional: ALT_DISK.to_vec() }
        }
        "maint" => Attributes {
            required: vec!["installp_flags"],
            optional: vec!["filesets", "concurrent", "time_limit", "async"],
        },
        "allocate" => optional(&holdable()),
        "deallocate" => {
            let names: Vec<_> = holdable().into_iter().chain(["subclass"]).collect();
            optional(&names)
        }
        "select" => optional(&["exclude", "include", "exclude_all", "include_all"]),
        _ => Attributes::default(),
    })
}

/// The types of resources, and groups of such.
fn holdable() -> Vec<&'static str> {
    let resources = ObjectType::ALL.iter().filter(|of| of.class() == ObjectClass::Resources);
    resources.map(|of| of.name()).chain(["group"]).collect()
}

fn optional(names: &[&'static str]) -> Attributes {
    Attributes { required: Vec::new(), optional: names.to_vec() }
}

impl Attributes {
    /// As `lsnim -q` shows them (inferred).
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (what, names) in [("required", &self.required), ("optional", &self.optional)] {
            if !names.is_empty() {
                text += &format!("\nthe following attributes are {what}:\n");
                names.iter().for_each(|name| text += &format!("        -a {name}=<value>\n"));
            }
        }
        text
    }
}

/// The values that an attribute may have, where there are only so many.
#[must_use]
pub fn values(attribute: &str) -> &'static [&'static str] {
    match attribute {
        "live_update" | "accept_licenses" | "set_bootlist" | "boot_client" | "async"
        | "rm_images" | "show_progress" | "exclude_all" | "include_all" => &["yes", "no"],
        "connect" => &["shell", "nimsh"],
        "access" => &["nfs", "local", "push"],
        _ => &[],
    }
}

/// What an attribute or a type is for.
#[must_use]
pub fn explain(word: &str) -> Option<&'static str> {
    if let Ok(of) = word.parse::<ObjectType>() {
        return Some(meaning(of));
    }
    let mut known = ObjectType::ALL.iter().flat_map(|of| Spec::known(*of));
    known.find(|one| one.name == word).map(|one| one.doc.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_and_types_are_all_there_and_once() {
        let names: Vec<_> = CLASSES.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ObjectClass::ALL.iter().map(|class| class.name()).collect::<Vec<_>>());
        assert!(ObjectType::ALL.iter().all(|of| !is_other_type(of.name())));
        let machines: Vec<_> = types(ObjectClass::Machines).iter().map(|(name, _)| *name).collect();
        assert_eq!(machines, ["master", "standalone"]);
    }

    #[test]
    fn the_attributes_of_an_operation_are_said() {
        let cec = attributes("define", ObjectType::Cec).unwrap().text();
        assert!(
            cec.starts_with(
                "\nthe following attributes are required:\n        -a hw_type=<value>\n"
            ),
            "{cec}"
        );
        assert_eq!(attributes("cust", ObjectType::Ent), None);
        assert_eq!(attributes("remove", ObjectType::Ent), Some(Attributes::default()));
        assert!(
            attributes("cust", ObjectType::MacGroup).unwrap().optional.contains(&"live_update")
        );
    }
}
