//! The types, with their attributes: what is made of their table.

mod table;

pub use table::*;

use std::num::NonZeroU16;

use crate::id::{LparId, ObjectName};

use super::{Hop, Interface, MASTER, ObjectType, Reference};

/// A struct for the attributes of a type, or of several that have the same. `=> A | B` says which types an attribute that names
/// other objects may name.
macro_rules! attributes {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident {
            required { $( $(#[doc = $rdoc:literal])+ $rfield:ident: $rkind:ty $(=> $($rtarget:ident)|+)?, )* }
            optional { $( $(#[doc = $odoc:literal])+ $ofield:ident: $okind:ty $(=> $($otarget:ident)|+)?, )* }
            list { $( $(#[doc = $ldoc:literal])+ $lfield:ident: $lkind:ty $(=> $($ltarget:ident)|+)?, )* }
        }
    )+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
            #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
            pub struct $name {
                $( $(#[doc = $rdoc])+ pub $rfield: $rkind, )*
                $( $(#[doc = $odoc])+ #[serde(default, skip_serializing_if = "Option::is_none")] pub $ofield: Option<$okind>, )*
                $( $(#[doc = $ldoc])+ #[serde(default, skip_serializing_if = "Vec::is_empty")] pub $lfield: Vec<$lkind>, )*
                /// What NIM has beside these and this master only keeps and shows, by attribute.
                #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
                pub kept: BTreeMap<String, String>,
            }

            impl $name {
                /// Its attributes, each with its doc.
                const KNOWN: &[Known] = &[
                    $( Known {
                        name: stringify!($rfield),
                        need: Need::Required,
                        refers_to: &[$($(ObjectType::$rtarget),+)?],
                        doc: concat!($($rdoc),+),
                    }, )*
                    $( Known {
                        name: stringify!($ofield),
                        need: Need::Optional,
                        refers_to: &[$($(ObjectType::$otarget),+)?],
                        doc: concat!($($odoc),+),
                    }, )*
                    $( Known {
                        name: stringify!($lfield),
                        need: Need::List,
                        refers_to: &[$($(ObjectType::$ltarget),+)?],
                        doc: concat!($($ldoc),+),
                    }, )*
                ];

                fn read(draft: &mut Draft, kept: &[&str]) -> Option<Self> {
                    // Each is read before any is missed, so that all faults are found in one round.
                    $( let $rfield: Option<$rkind> = draft.take(stringify!($rfield)); )*
                    $( let $ofield: Option<Option<$okind>> = draft.take(stringify!($ofield)); )*
                    $( let $lfield: Option<Vec<$lkind>> = draft.take(stringify!($lfield)); )*
                    let kept = draft.take_kept(kept);
                    Some(Self {
                        $( $rfield: $rfield?, )* $( $ofield: $ofield?, )* $( $lfield: $lfield?, )* kept: kept?,
                    })
                }

                fn texts(&self) -> Vec<(&'static str, bool, Vec<String>)> {
                    vec![
                        $( (stringify!($rfield), false, self.$rfield.write()), )*
                        $( (stringify!($ofield), false, self.$ofield.write()), )*
                        $( (stringify!($lfield), true, self.$lfield.write()), )*
                    ]
                }

                fn references(&self) -> Vec<Reference> {
                    #[allow(unused_mut, reason = "a type may name no other object")]
                    let mut found = Vec::new();
                    $( $( refer(&mut found, stringify!($rfield), [&self.$rfield], &[$(ObjectType::$rtarget),+]); )? )*
                    $( $( refer(&mut found, stringify!($ofield), &self.$ofield, &[$(ObjectType::$otarget),+]); )? )*
                    $( $( refer(&mut found, stringify!($lfield), &self.$lfield, &[$(ObjectType::$ltarget),+]); )? )*
                    found
                }
            }
        )+
    };
}

/// [`Spec`], with a variant for each type and the struct that it has. `kept` are attributes that NIM has and this master has no use
/// for: they are stored and shown as they were given, `#` stands for a number.
macro_rules! object_types {
    ($( $(#[doc = $doc:literal])+ $name:ident($attributes:ident) kept [$($kept:literal),*], )+) => {
        /// Type and attributes of an object.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(tag = "type", rename_all = "snake_case")]
        pub enum Spec {
            $( $(#[doc = $doc])+ $name($attributes), )+
        }

        impl Spec {
            /// The type.
            #[must_use]
            pub const fn object_type(&self) -> ObjectType {
                match self { $( Self::$name(_) => ObjectType::$name ),+ }
            }

            /// The attributes that objects of type `of` have, each with its doc.
            #[must_use]
            pub const fn known(of: ObjectType) -> &'static [Known] {
                match of { $( ObjectType::$name => $attributes::KNOWN ),+ }
            }

            /// The attributes that objects of type `of` keep without use for them; `#` stands for a number.
            #[must_use]
            pub const fn kept(of: ObjectType) -> &'static [&'static str] {
                match of { $( ObjectType::$name => &[$($kept),*] ),+ }
            }

            /// The attributes that are set, as text: one row each, for a list one row an entry, numbered from 1 as NIM does.
            #[must_use]
            pub fn attributes(&self) -> Vec<(String, String)> {
                let (texts, kept) = match self { $( Self::$name(spec) => (spec.texts(), &spec.kept) ),+ };
                let mut rows = numbered(texts);
                rows.extend(kept.iter().map(|(attribute, value)| (attribute.clone(), value.clone())));
                rows
            }

            /// The other objects that this one names.
            #[must_use]
            pub fn references(&self) -> Vec<Reference> {
                match self { $( Self::$name(spec) => spec.references() ),+ }
            }

            /// Reads the attributes out of `draft`, which collects the faults.
            pub(in crate::object) fn read(of: ObjectType, draft: &mut Draft) -> Option<Self> {
                match of {
                    $( ObjectType::$name => $attributes::read(draft, Self::kept(of)).map(Self::$name) ),+
                }
            }
        }
    };
}

use attributes;
use object_types;

/// An attribute of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its name.
    pub name: &'static str,
    /// Whether it has to be given, and how often it may be.
    pub need: Need,
    /// For an attribute that names other objects: the types that those may have.
    pub refers_to: &'static [ObjectType],
    /// What it is for.
    pub doc: &'static str,
}

impl Spec {
    /// Where a resource is: its server, [`MASTER`] where nobody said otherwise, and its path there. `None` for what is no
    /// resource, and for a `live_update_data` that has its content in itself.
    #[must_use]
    pub fn place(&self) -> Option<(&str, &str)> {
        match self {
            Self::LiveUpdateData(data) => {
                let server = data.server.as_ref().map_or(MASTER, ObjectName::as_str);
                Some((server, data.location.as_deref()?))
            }
            Self::LppSource(one) => Some((server(one.server.as_ref()), one.location.as_str())),
            other => {
                let one = other.catalogue()?;
                Some((server(one.server.as_ref()), one.location.as_str()))
            }
        }
    }

    /// A resource that is a catalogue entry.
    #[must_use]
    pub const fn catalogue(&self) -> Option<&CatalogueResource> {
        match self {
            Self::Script(one)
            | Self::FbScript(one)
            | Self::InstallpBundle(one)
            | Self::FixBundle(one)
            | Self::ExcludeFiles(one)
            | Self::ResolvConf(one)
            | Self::ImageData(one)
            | Self::Mksysb(one)
            | Self::Spot(one) => Some(one),
            Self::Ent(_)
            | Self::Hmc(_)
            | Self::Cec(_)
            | Self::Vios(_)
            | Self::Master(_)
            | Self::Standalone(_)
            | Self::LiveUpdateData(_)
            | Self::LppSource(_)
            | Self::MacGroup(_)
            | Self::ResGroup(_) => None,
        }
    }

    /// The frame of a machine that is a partition, with its id there where it is known.
    #[must_use]
    pub const fn frame(&self) -> Option<(&ObjectName, Option<LparId>)> {
        match self {
            Self::Vios(vios) => Some((&vios.mgmt_source, Some(vios.identity))),
            Self::Standalone(Standalone { mgmt_source: Some(frame), identity, .. }) => {
                Some((frame, *identity))
            }
            _ => None,
        }
    }

    /// The interface of a machine or a console.
    #[must_use]
    pub fn interface(&self) -> Option<&Interface> {
        match self {
            Self::Master(master) => Some(&master.if1),
            other => other.host().map(|host| host.if1),
        }
    }

    /// How a host is reached, as far as its attributes say. `None` for what is no host, and for the master: it is where the question
    /// comes from.
    #[must_use]
    pub fn host(&self) -> Option<HostPlace<'_>> {
        match self {
            Self::Standalone(lpar) => Some(HostPlace {
                if1: &lpar.if1,
                more: &lpar.ssh_address,
                port: lpar.ssh_port,
                user: lpar.ssh_user.as_deref(),
                key: lpar.ssh_key.as_deref(),
                via: &lpar.via,
            }),
            Self::Hmc(hmc) => Some(HostPlace {
                if1: &hmc.if1,
                more: &[],
                port: hmc.ssh_port,
                user: hmc.ssh_user.as_deref().or(hmc.login.as_deref()).or(Some("hscroot")),
                key: hmc.ssh_key.as_deref(),
                via: &hmc.via,
            }),
            Self::Vios(vios) => Some(HostPlace {
                if1: &vios.if1,
                more: &[],
                port: vios.ssh_port,
                user: vios.ssh_user.as_deref().or(Some("padmin")),
                key: vios.ssh_key.as_deref(),
                via: &vios.via,
            }),
            _ => None,
        }
    }
}

/// How a host is reached, as its attributes say it. What is `None` is as usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostPlace<'a> {
    /// Its first address.
    pub if1: &'a Interface,
    /// Further addresses.
    pub more: &'a [String],
    /// Port of its SSH server.
    pub port: Option<NonZeroU16>,
    /// User that logs in.
    pub user: Option<&'a str>,
    /// Path of the private key on the master.
    pub key: Option<&'a str>,
    /// Hosts that connections to it go through, first to last.
    pub via: &'a [Hop],
}

impl HostPlace<'_> {
    /// The port, 22 where it is not set.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port.map_or(22, NonZeroU16::get)
    }

    /// All its addresses, the first one first.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.if1.hostname).chain(self.more).map(String::as_str)
    }
}

impl Cec {
    /// What names the frame on every HMC: machine type, model and serial number, as HMC commands take them.
    #[must_use]
    pub fn mtms(&self) -> String {
        format!("{}-{}*{}", self.hw_type, self.hw_model, self.hw_serial)
    }
}

impl Standalone {
    /// Name of its partition on the HMC, where `name` is that of its object.
    #[must_use]
    pub fn partition<'a>(&'a self, name: &'a ObjectName) -> &'a str {
        self.partition_name.as_deref().unwrap_or(name.as_str())
    }
}

fn server(given: Option<&String>) -> &str {
    given.map_or(MASTER, String::as_str)
}

/// Whether `attribute` is one of `patterns`, in which `#` stands for a number.
#[must_use]
pub fn is_kept(attribute: &str, patterns: &[&str]) -> bool {
    let stem = attribute.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = &attribute[stem.len()..];
    let is_slot = !number.is_empty() && number.len() <= 4 && !number.starts_with('0');
    patterns.iter().any(|pattern| match pattern.strip_suffix('#') {
        Some(base) => is_slot && base == stem,
        None => *pattern == attribute,
    })
}

/// Whether an attribute has to be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Exactly once.
    Required,
    /// At most once.
    Optional,
    /// Any number of times.
    List,
}

/// Notes each name as a mention under `attribute`.
fn refer<'a>(
    found: &mut Vec<Reference>,
    attribute: &'static str,
    names: impl IntoIterator<Item = &'a ObjectName>,
    types: &'static [ObjectType],
) {
    found.extend(names.into_iter().map(|name| Reference { attribute, name: name.clone(), types }));
}

/// Rows of attributes; entries of a list get numbers.
fn numbered(texts: Vec<(&'static str, bool, Vec<String>)>) -> Vec<(String, String)> {
    let mut rows = Vec::new();
    for (name, is_list, values) in texts {
        for (index, value) in values.into_iter().enumerate() {
            let name = if is_list { format!("{name}{}", index + 1) } else { name.to_owned() };
            rows.push((name, value));
        }
    }
    rows
}
