//! The types, with their attributes: what is made of their table.

mod table;

pub use table::*;

use crate::id::ObjectName;

use super::{Interface, MASTER, ObjectType, Reference};

/// For each type a struct, and [`Spec`] for all of them, from one table. `=> A | B` says which types an attribute that names
/// other objects may name. `kept` are attributes that NIM has and this master has no use for: they are stored and shown as they
/// were given, `#` stands for a number.
macro_rules! object_types {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident {
            required { $( $(#[doc = $rdoc:literal])+ $rfield:ident: $rkind:ty $(=> $($rtarget:ident)|+)?, )* }
            optional { $( $(#[doc = $odoc:literal])+ $ofield:ident: $okind:ty $(=> $($otarget:ident)|+)?, )* }
            list { $( $(#[doc = $ldoc:literal])+ $lfield:ident: $lkind:ty $(=> $($ltarget:ident)|+)?, )* }
            kept [ $($kept:literal),* ]
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
                fn read(draft: &mut Draft) -> Option<Self> {
                    // Each is read before any is missed, so that all faults are found in one round.
                    $( let $rfield: Option<$rkind> = draft.take(stringify!($rfield)); )*
                    $( let $ofield: Option<Option<$okind>> = draft.take(stringify!($ofield)); )*
                    $( let $lfield: Option<Vec<$lkind>> = draft.take(stringify!($lfield)); )*
                    let kept = draft.take_kept(&[$($kept),*]);
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
                match of { $( ObjectType::$name => $name::read(draft).map(Self::$name) ),+ }
            }
        }
    };
}

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
        if let Self::LiveUpdateData(data) = self {
            let server = data.server.as_ref().map_or(MASTER, ObjectName::as_str);
            return Some((server, data.location.as_deref()?));
        }
        let (server, location) = match self {
            Self::LppSource(one) => Some((&one.server, one.location.as_str())),
            Self::Script(one) => Some((&one.server, one.location.as_str())),
            Self::FbScript(one) => Some((&one.server, one.location.as_str())),
            Self::InstallpBundle(one) => Some((&one.server, one.location.as_str())),
            Self::FixBundle(one) => Some((&one.server, one.location.as_str())),
            Self::ExcludeFiles(one) => Some((&one.server, one.location.as_str())),
            Self::ResolvConf(one) => Some((&one.server, one.location.as_str())),
            Self::ImageData(one) => Some((&one.server, one.location.as_str())),
            Self::Mksysb(one) => Some((&one.server, one.location.as_str())),
            Self::Spot(one) => Some((&one.server, one.location.as_str())),
            Self::Ent(_)
            | Self::Hmc(_)
            | Self::Cec(_)
            | Self::Vios(_)
            | Self::Master(_)
            | Self::Standalone(_)
            | Self::LiveUpdateData(_)
            | Self::MacGroup(_)
            | Self::ResGroup(_) => None,
        }?;
        Some((server.as_deref().unwrap_or(MASTER), location))
    }

    /// The interface of a machine or a console.
    #[must_use]
    pub const fn interface(&self) -> Option<&Interface> {
        match self {
            Self::Hmc(hmc) => Some(&hmc.if1),
            Self::Vios(vios) => Some(&vios.if1),
            Self::Master(master) => Some(&master.if1),
            Self::Standalone(lpar) => Some(&lpar.if1),
            Self::Ent(_)
            | Self::Cec(_)
            | Self::LiveUpdateData(_)
            | Self::LppSource(_)
            | Self::Script(_)
            | Self::FbScript(_)
            | Self::InstallpBundle(_)
            | Self::FixBundle(_)
            | Self::ExcludeFiles(_)
            | Self::ResolvConf(_)
            | Self::ImageData(_)
            | Self::Mksysb(_)
            | Self::Spot(_)
            | Self::MacGroup(_)
            | Self::ResGroup(_) => None,
        }
    }
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
