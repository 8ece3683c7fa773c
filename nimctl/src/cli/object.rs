//! Commands on objects.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use nim_shared::id::ObjectName;
use nim_shared::object::ObjectType;

use super::super::pair::Assignment;

/// Define an object.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  nimctl define -t cec -a hw_type=9105 -a hw_model=42A -a hw_serial=78ABCDE -a mgmt_source=hmc01 p10-a"
)]
pub(crate) struct Define {
    /// Type: ent, hmc, cec, vios, standalone, live_update_data, lpp_source or mac_group.
    #[arg(short = 't', long = "type", value_name = "TYPE")]
    pub(crate) object_type: ObjectType,
    /// Attribute; label.KEY=VALUE sets a label. Repeat it for more, and for each entry of a list.
    #[arg(short = 'a', long = "attribute", value_name = "ATTRIBUTE=VALUE")]
    pub(crate) attributes: Vec<Assignment>,
    /// Name of the new object.
    pub(crate) name: ObjectName,
}

/// Change attributes of an object. What is not named stays.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  nimctl change -a identity=7 lpar01\n  nimctl change -a add_member=lpar02 -a rm_member=lpar03 canaries"
)]
pub(crate) struct Change {
    /// New value; an empty one clears. add_LIST=VALUE and rm_LIST=VALUE add and remove entries of a list, such as add_member.
    #[arg(short = 'a', long = "attribute", value_name = "ATTRIBUTE=VALUE", required = true)]
    pub(crate) attributes: Vec<Assignment>,
    /// Only if the object still has this version.
    #[arg(long, value_name = "VERSION")]
    pub(crate) if_version: Option<u64>,
    /// Name of the object.
    pub(crate) name: ObjectName,
}

/// Remove objects. Refused for what others refer to.
#[derive(Debug, Args)]
pub(crate) struct Remove {
    /// Names of the objects.
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<ObjectName>,
}

/// List objects.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  nimctl list standalone\n  nimctl list 'lpar*' -l env=prod")]
pub(crate) struct List {
    /// Only objects with this label; KEY alone: whatever its value.
    #[arg(short = 'l', long = "label", value_name = "KEY[=VALUE]")]
    pub(crate) labels: Vec<String>,
    /// At most so many.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) limit: Option<usize>,
    /// A type, such as standalone, or a class, such as machines, first; then names, in which * and ? stand for others.
    #[arg(value_name = "TYPE|NAME")]
    pub(crate) wanted: Vec<String>,
}

/// Show objects with all attributes.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Names; * and ? stand for others.
    #[arg(required = true, value_name = "NAME")]
    pub(crate) names: Vec<String>,
}

/// Create or change a whole fleet from YAML files, all or nothing. Shows the differences first.
#[derive(Debug, Args)]
pub(crate) struct Apply {
    /// File; - is standard input. Repeat it for more.
    #[arg(short, long = "file", value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Show the differences, change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Ask the HMCs for their frames, VIOSes and LPARs, and define or update the objects. Shows the differences first; removes nothing.
#[derive(Debug, Args)]
pub(crate) struct Discover {
    /// HMCs to ask; all that are defined where none is named.
    #[arg(value_name = "HMC")]
    pub(crate) hmcs: Vec<ObjectName>,
    /// Show the differences, change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) yes: bool,
}

/// Show frames by HMC with their VIOSes and LPARs, what is free and what runs, as the HMCs showed it last.
#[derive(Debug, Args)]
pub(crate) struct Tree {
    /// Frames or HMCs; all where none is named.
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<ObjectName>,
}

/// Who changed what of an object, and when, the newest change first; also of an object that is gone.
#[derive(Debug, Args)]
pub(crate) struct History {
    /// Its name.
    #[arg(value_name = "NAME")]
    pub(crate) name: ObjectName,
    /// Most changes.
    #[arg(short = 'n', long, default_value_t = 20, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) limit: u32,
}

/// Counts over the fleet.
#[derive(Debug, Subcommand)]
pub(crate) enum Report {
    /// LPARs by level as the HMCs showed it last, the oldest level first
    Levels,
}

/// Write the fleet as YAML, as apply reads it.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Names; * and ? stand for others. None: everything.
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
}
