//! The types, with their attributes.

use std::net::Ipv4Addr;
use std::num::{NonZeroU16, NonZeroU32};

use serde::{Deserialize, Serialize};

use crate::id::{InstallationId, LparId, ObjectName};

use super::part::{FixedText, Hop, Interface, Route};
use super::{Attribute, Draft, ObjectType, Reference};

/// For each type a struct, and [`Spec`] for all of them, from one table. `=> A | B` says which types an attribute that names
/// other objects may name.
macro_rules! object_types {
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
            }

            impl $name {
                fn read(draft: &mut Draft) -> Option<Self> {
                    // Each is read before any is missed, so that all faults are found in one round.
                    $( let $rfield: Option<$rkind> = draft.take(stringify!($rfield)); )*
                    $( let $ofield: Option<Option<$okind>> = draft.take(stringify!($ofield)); )*
                    $( let $lfield: Option<Vec<$lkind>> = draft.take(stringify!($lfield)); )*
                    Some(Self { $( $rfield: $rfield?, )* $( $ofield: $ofield?, )* $( $lfield: $lfield?, )* })
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

        /// Type and attributes of an object.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[serde(tag = "type", rename_all = "snake_case")]
        pub enum Spec {
            $( $(#[doc = $doc])+ $name($name), )+
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
                match of {
                    $( ObjectType::$name => &[
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
                    ], )+
                }
            }

            /// The attributes that are set, as text: one row each, for a list one row an entry, numbered from 1 as NIM does.
            #[must_use]
            pub fn attributes(&self) -> Vec<(String, String)> {
                let texts = match self { $( Self::$name(spec) => spec.texts() ),+ };
                numbered(texts)
            }

            /// The other objects that this one names.
            #[must_use]
            pub fn references(&self) -> Vec<Reference> {
                match self { $( Self::$name(spec) => spec.references() ),+ }
            }

            /// Reads the attributes out of `draft`, which collects the faults.
            pub(super) fn read(of: ObjectType, draft: &mut Draft) -> Option<Self> {
                match of { $( ObjectType::$name => $name::read(draft).map(Self::$name) ),+ }
            }
        }
    };
}

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

object_types! {
    /// An IP network.
    Ent {
        required {
            /// Network address.
            net_addr: Ipv4Addr,
            /// Subnet mask.
            snm: Ipv4Addr,
        }
        optional {}
        list {
            /// Routes to other networks.
            routing: Route,
        }
    }

    /// A Hardware Management Console.
    Hmc {
        required {
            /// Host name or address, as the master reaches it.
            if1: Interface,
        }
        optional {
            /// Name of the secret with the password of `login`, as `nimctl secret set` stores it. NIM keeps a file path here.
            passwd_file: ObjectName,
            /// User on the HMC for Live Update.
            login: String,
            /// Port of the REST interface, which the LPARs use; 12443 where it is not set.
            mgmt_port: NonZeroU16,
            /// Host name or address of the HMC as the LPARs reach it, where it differs from the one in `if1`. Ours.
            lpar_address: String,
            /// Port of its SSH server; 22 where it is not set. Ours.
            ssh_port: NonZeroU16,
            /// User for queries over SSH; `login` where it is not set. Ours.
            ssh_user: String,
            /// Path of the private key on the master; the master's own where it is not set. Ours.
            ssh_key: String,
            /// Most Live Updates at a time on all its frames; the setting of `nimd` where it is not set. Ours.
            limit: NonZeroU32,
        }
        list {
            /// Hosts that connections to it go through, first to last. Ours.
            via: Hop,
        }
    }

    /// A managed system: a frame.
    Cec {
        required {
            /// Machine type, four characters.
            hw_type: FixedText<4>,
            /// Model, three characters.
            hw_model: FixedText<3>,
            /// Serial number, seven characters.
            hw_serial: FixedText<7>,
        }
        optional {
            /// Its name on the HMC, where that differs from the object's.
            system_name: String,
            /// Most Live Updates at a time on it; the setting of `nimd` where it is not set. Ours.
            limit: NonZeroU32,
        }
        list {
            /// The HMCs that manage it, the preferred one first.
            mgmt_source: ObjectName => Hmc,
        }
    }

    /// A Virtual I/O Server.
    Vios {
        required {
            /// Host name or address.
            if1: Interface,
            /// The frame it is on.
            mgmt_source: ObjectName => Cec,
            /// Partition id on that frame.
            identity: LparId,
        }
        optional {
            /// Port of its SSH server; 22 where it is not set. Ours.
            ssh_port: NonZeroU16,
            /// User for queries over SSH; `padmin` where it is not set. Ours.
            ssh_user: String,
            /// Path of the private key on the master; the master's own where it is not set. Ours.
            ssh_key: String,
        }
        list {
            /// Hosts that connections to it go through, first to last. Ours.
            via: Hop,
        }
    }

    /// An AIX LPAR.
    Standalone {
        required {
            /// Host name or address.
            if1: Interface,
        }
        optional {
            /// Hardware platform; `chrp`.
            platform: String,
            /// Kernel for network boot; `64`.
            netboot_kernel: String,
            /// Cable type of the first interface.
            cable_type1: String,
            /// How NIM would reach it. This master uses SSH whatever it says.
            connect: String,
            /// The frame it is on.
            mgmt_source: ObjectName => Cec,
            /// Partition id on that frame. A Live Update usually changes it.
            identity: LparId,
            /// Machine id as `uname -m` prints it.
            cpuid: String,
            /// Name of the partition on the HMC, where that differs from the object's. Ours.
            partition_name: String,
            /// Serial of the machine as AIX reports it; learned at the first contact. Ours.
            machine_serial: String,
            /// Installation of the agent; learned at the first contact. Ours.
            installation: InstallationId,
            /// Port of its SSH server; 22 where it is not set. Ours.
            ssh_port: NonZeroU16,
            /// User that logs in; `root` where it is not set. Any other needs sudo for the agent. Ours.
            ssh_user: String,
            /// Path of the private key on the master; the master's own where it is not set. Ours.
            ssh_key: String,
        }
        list {
            /// Further host names or addresses, tried in order after the one in `if1`. Ours.
            ssh_address: String,
            /// Hosts that connections to it go through, first to last. Ours.
            via: Hop,
        }
    }

    /// Content of an `lvupdate.data` file. Either `location` or `content`.
    LiveUpdateData {
        required {}
        optional {
            /// Where the file is: only `master`.
            server: ObjectName,
            /// Absolute path of the file on the master.
            location: String,
            /// The content itself, in place of a file; a handlebars template. Ours.
            content: String,
        }
        list {}
    }

    /// A folder of packages.
    LppSource {
        required {
            /// Absolute path of the folder on `server`.
            location: String,
        }
        optional {
            /// Where the folder is: `master` where it is not set, or a host name or address.
            server: String,
            /// How LPARs get at it. Ours.
            access: Access,
        }
        list {}
    }

    /// A list of machines.
    MacGroup {
        required {}
        optional {}
        list {
            /// A machine in the group.
            member: ObjectName => Standalone | Vios,
        }
    }
}

crate::stage::names! {
    /// How LPARs get at the packages of an `lpp_source`.
    Access, "way of access" {
        /// The agent mounts it from `server` over NFS, read-only, for the operation.
        Nfs = "nfs",
        /// Each LPAR sees it at `location` already.
        Local = "local",
        /// The master sends the files over SSH.
        Push = "push",
    }
}

super::attribute::scalar!(Access);
