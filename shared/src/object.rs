//! NIM objects: what is out there, in NIM's words.
//!
//! An object has a unique name, a type and attributes. Attributes are typed here; as text (`-a attribute=value`, YAML, listings)
//! each goes through [`Attribute`], so that the command line, a fleet file and the API accept and show exactly the same.
//! Source of classes, types and attributes: the NIM reference (§1.3, §1.5); where an attribute is ours its doc says so.

mod attribute;
mod draft;
mod part;
mod password;
mod spec;

pub use attribute::{Attribute, Problem};
pub use draft::{Draft, Fault, is_label_key};
pub use part::{AbsolutePath, BadLength, BadPart, FixedText, Hop, Interface, Route};
pub use password::PasswordFile;
pub use spec::{
    Access, CatalogueResource, Cec, Ent, Hmc, HostPlace, Known, LiveUpdateData, LppSource,
    MacGroup, Master, Need, ResGroup, Spec, Standalone, Vios, is_kept,
};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::ObjectName;
use crate::stage::names;

names! {
    /// Type of an object. NIM's word.
    ObjectType, "object type" {
        /// An IP network (Ethernet).
        Ent = "ent",
        /// A Hardware Management Console.
        Hmc = "hmc",
        /// A managed system: a frame.
        Cec = "cec",
        /// A Virtual I/O Server.
        Vios = "vios",
        /// The master itself.
        Master = "master",
        /// An AIX LPAR.
        Standalone = "standalone",
        /// Content of an `lvupdate.data` file.
        LiveUpdateData = "live_update_data",
        /// A folder of packages.
        LppSource = "lpp_source",
        /// A script for the end of `cust`.
        Script = "script",
        /// A script for the first boot.
        FbScript = "fb_script",
        /// A list of packages.
        InstallpBundle = "installp_bundle",
        /// A list of fixes.
        FixBundle = "fix_bundle",
        /// What a backup leaves out.
        ExcludeFiles = "exclude_files",
        /// A resolver configuration.
        ResolvConf = "resolv_conf",
        /// The layout of a root volume group.
        ImageData = "image_data",
        /// A backup of a system.
        Mksysb = "mksysb",
        /// An installed `/usr` tree.
        Spot = "spot",
        /// A list of machines.
        MacGroup = "mac_group",
        /// A list of resources.
        ResGroup = "res_group",
    }
}

names! {
    /// Class of an object. NIM's word.
    ObjectClass, "object class" {
        /// LPARs.
        Machines = "machines",
        /// What an operation uses.
        Resources = "resources",
        /// Networks.
        Networks = "networks",
        /// Consoles, frames, I/O servers.
        Management = "management",
        /// Lists of objects.
        Groups = "groups",
    }
}

impl ObjectType {
    /// The class that objects of this type are in.
    #[must_use]
    pub const fn class(self) -> ObjectClass {
        match self {
            Self::Ent => ObjectClass::Networks,
            Self::Hmc | Self::Cec | Self::Vios => ObjectClass::Management,
            Self::Master | Self::Standalone => ObjectClass::Machines,
            Self::LiveUpdateData
            | Self::LppSource
            | Self::Script
            | Self::FbScript
            | Self::InstallpBundle
            | Self::FixBundle
            | Self::ExcludeFiles
            | Self::ResolvConf
            | Self::ImageData
            | Self::Mksysb
            | Self::Spot => ObjectClass::Resources,
            Self::MacGroup | Self::ResGroup => ObjectClass::Groups,
        }
    }
}

impl ObjectType {
    /// Whether a machine may hold several resources of this type, and a group of resources list several: scripts and bundles.
    #[must_use]
    pub fn is_repeated(self) -> bool {
        let mut lists = Spec::known(Self::ResGroup).iter().filter(|one| one.need == Need::List);
        lists.any(|one| one.name == self.name())
    }
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Object {
    /// Its name, unique among all objects.
    pub name: ObjectName,
    /// Type and attributes.
    #[serde(flatten)]
    pub spec: Spec,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comments: Option<String>,
    /// Labels to choose objects by. Ours.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

impl Object {
    /// Its attributes as text, in the order of the type's definition, `comments` and labels (`label.KEY`) last. Attributes that
    /// are not set are left out.
    #[must_use]
    pub fn attributes(&self) -> Vec<(String, String)> {
        let mut all = self.spec.attributes();
        all.extend(self.comments.iter().map(|text| ("comments".to_owned(), text.clone())));
        all.extend(self.labels.iter().map(|(key, value)| (format!("{LABEL}{key}"), value.clone())));
        all
    }
}

impl Spec {
    /// The resources that are allocated to a machine.
    #[must_use]
    pub fn allocated(&self) -> &[ObjectName] {
        match self {
            Self::Standalone(lpar) => &lpar.allocated,
            Self::Vios(vios) => &vios.allocated,
            _ => &[],
        }
    }

    /// The same, to be changed; `None` for what holds none.
    pub const fn allocated_mut(&mut self) -> Option<&mut Vec<ObjectName>> {
        match self {
            Self::Standalone(lpar) => Some(&mut lpar.allocated),
            Self::Vios(vios) => Some(&mut vios.allocated),
            _ => None,
        }
    }
}

/// The name of the object that is the master itself, and what `server` says for it.
pub const MASTER: &str = "master";

/// What stands before the key of a label where it is written as an attribute.
pub const LABEL: &str = "label.";

/// A mention of another object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The attribute that mentions it.
    pub attribute: &'static str,
    /// The name that is mentioned.
    pub name: ObjectName,
    /// The types that it may have.
    pub types: &'static [ObjectType],
}

#[cfg(test)]
mod tests;
