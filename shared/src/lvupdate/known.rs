//! Stanzas and attributes that the sources know. Source: LU §1.2 to §1.5.

use crate::level::TechnologyLevel;

/// One attribute.
pub(super) struct Known {
    pub(super) stanza: &'static str,
    pub(super) key: &'static str,
    pub(super) kind: Kind,
    /// The first level that knows it, where that matters.
    pub(super) since: Option<TechnologyLevel>,
}

/// What values an attribute can have; blank always means its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    YesNo,
    Mode,
    Disks,
    LparId,
    /// A name, an address, a user.
    Word,
    Text,
    Retries,
    Timeout,
    /// Mentioned, and described by no source.
    Undescribed,
}

pub(super) const STANZAS: [&str; 6] = ["general", "disks", "hmc", "pvc", "trace", "llvupdate"];

pub(super) fn find(stanza: &str, key: &str) -> Option<&'static Known> {
    ATTRIBUTES.iter().find(|known| known.stanza == stanza && known.key == key)
}

/// The stanza in which an attribute belongs.
pub(super) fn home(key: &str) -> Option<&'static str> {
    ATTRIBUTES.iter().find(|known| known.key == key).map(|known| known.stanza)
}

const fn known(stanza: &'static str, key: &'static str, kind: Kind) -> Known {
    Known { stanza, key, kind, since: None }
}

const fn since(
    stanza: &'static str,
    key: &'static str,
    kind: Kind,
    level: TechnologyLevel,
) -> Known {
    Known { stanza, key, kind, since: Some(level) }
}

const TL3: TechnologyLevel = TechnologyLevel::TL_7300_03;

const ATTRIBUTES: &[Known] = &[
    known("general", "mode", Kind::Mode),
    known("general", "kext_check", Kind::YesNo),
    known("general", "aix_mpio", Kind::YesNo),
    since("general", "cpu_reduction", Kind::YesNo, TechnologyLevel::CPU_REDUCTION),
    since("general", "ipsec_auto_migrate", Kind::YesNo, TL3),
    since("general", "audit_stream_check", Kind::YesNo, TL3),
    known("disks", "nhdisk", Kind::Disks),
    known("disks", "mhdisk", Kind::Disks),
    known("disks", "tohdisk", Kind::Disks),
    known("disks", "tshdisk", Kind::Disks),
    known("hmc", "lpar_id", Kind::LparId),
    known("hmc", "management_console", Kind::Word),
    known("hmc", "user", Kind::Word),
    since("hmc", "clone_from_hmc_profile", Kind::YesNo, TL3),
    known("hmc", "alt_lpar", Kind::Undescribed),
    known("hmc", "storage_template", Kind::Undescribed),
    known("pvc", "management_console", Kind::Word),
    known("pvc", "user", Kind::Word),
    known("pvc", "project", Kind::Word),
    known("pvc", "lpar_id", Kind::LparId),
    known("pvc", "storage_template", Kind::Undescribed),
    known("trace", "trc_option", Kind::Text),
    since("llvupdate", "llu", Kind::YesNo, TL3),
    since("llvupdate", "retries", Kind::Retries, TL3),
    since("llvupdate", "timeout", Kind::Timeout, TL3),
];
