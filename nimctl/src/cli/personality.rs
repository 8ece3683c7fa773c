//! NIM's own names, and the links that make them commands.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// What stands after one of NIM's names: read as NIM reads it, not by clap.
#[derive(Clone, Debug, Default, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Words {
    /// Options and names as NIM has them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "NIM'S OWN")]
    pub(crate) arguments: Vec<String>,
}

/// Make links, so that nim, lsnim, nimclient, nimquery, dpasswd and c_rsh are this program. What is there already and is no such link stays.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  nimctl install-links ~/bin\n  nimctl install-links --system\n  nimctl install-links --system --root /tmp/package"
)]
pub(crate) struct InstallLinks {
    /// At the paths where scripts expect them: /usr/sbin, /usr/bin for dpasswd, /usr/lpp/bos.sysmgt/nim/methods for c_rsh.
    #[arg(long, required_unless_present = "directory", conflicts_with = "directory")]
    pub(crate) system: bool,
    /// Folder that stands for / with --system, to make a package.
    #[arg(long, value_name = "FOLDER", requires = "system")]
    pub(crate) root: Option<PathBuf>,
    /// Folder for the links.
    #[arg(value_name = "FOLDER")]
    pub(crate) directory: Option<PathBuf>,
}

/// What can be taken over.
#[derive(Debug, Subcommand)]
pub(crate) enum Import {
    /// Objects of a NIM master, from listings that it wrote. Shows the differences first; what differs from what is here is a conflict
    #[command(
        after_help = "Example, on the NIM master and here:\n  lsnim -l > nim.dump\n  nimctl import nim nim.dump"
    )]
    Nim(ImportNim),
}

/// Listings of a NIM master: `lsnim -l`, or tables of `lsnim -Z`.
#[derive(Debug, Args)]
pub(crate) struct ImportNim {
    /// Show the differences, change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask.
    #[arg(short, long)]
    pub(crate) yes: bool,
    /// Leave objects with conflicts as they are here, and import the others.
    #[arg(long)]
    pub(crate) skip_conflicts: bool,
    /// The listings; - is standard input.
    #[arg(required = true, value_name = "DUMP")]
    pub(crate) files: Vec<PathBuf>,
}
