//! Commands on objects.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use nim_shared::id::ObjectName;
use nim_shared::object::ObjectType;
use nim_shared::select::Field;

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
#[command(after_help = list_help())]
pub(crate) struct List {
    /// Only objects with such labels, as kubectl has it: KEY=VALUE, KEY!=VALUE, `KEY in (A,B)`, `KEY notin (A,B)`, KEY, !KEY;
    /// several are separated by commas.
    #[arg(short = 'l', long = "label", visible_alias = "selector", value_name = "SELECTOR")]
    pub(crate) labels: Vec<String>,
    /// Only objects whose fields are so: comparisons = != < <= > >=, joined by and, or, not and parentheses.
    #[arg(long = "where", value_name = "FILTER")]
    pub(crate) fields: Option<String>,
    /// Show these fields, separated by commas.
    #[arg(long, value_name = "FIELDS")]
    pub(crate) columns: Option<String>,
    /// Sort by these fields, separated by commas; `-FIELD` from the other end. Else in the order of creation.
    #[arg(long, value_name = "FIELDS", allow_hyphen_values = true)]
    pub(crate) sort: Option<String>,
    /// At most so many.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) limit: Option<u32>,
    /// A type, such as standalone, or a class, such as machines, first; then names, in which * and ? stand for others.
    #[arg(value_name = "TYPE|NAME")]
    pub(crate) wanted: Vec<String>,
}

/// Examples, and which fields there are.
fn list_help() -> String {
    let fields: Vec<_> = Field::ALL.iter().map(Field::name).collect();
    format!(
        "Fields: {}, label.KEY. Texts are compared with = and !=, and may have * and ? in them where they are not in quotation marks; \
         levels are compared as levels: 7300-03 is all of that technology level. '' is what is not known.\n\n\
         Examples:\n  nimctl list standalone\n  nimctl list 'lpar*' -l env=prod\n  \
         nimctl list standalone --where 'oslevel<7300-03 and frame=p10-*' --columns name,frame,oslevel --sort oslevel",
        fields.join(", ")
    )
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
    /// How long workloads stood still in the updates on record, how far the estimates were off, and the longest
    Blackout {
        /// How many of the longest are named.
        #[arg(long, value_name = "NUMBER", default_value_t = 10, value_parser = clap::value_parser!(u16).range(..=1000))]
        longest: u16,
        /// LPARs. None: all.
        #[arg(value_name = "LPAR")]
        lpars: Vec<ObjectName>,
    },
}

/// Write the fleet as YAML, as apply reads it.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// Names; * and ? stand for others. None: everything.
    #[arg(value_name = "NAME")]
    pub(crate) names: Vec<String>,
}
