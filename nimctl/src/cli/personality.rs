//! NIM's own names, and the links that make them commands.

use std::path::PathBuf;

use clap::Args;

/// What stands after one of NIM's names: read as NIM reads it, not by clap.
#[derive(Clone, Debug, Default, Args)]
#[command(disable_help_flag = true)]
pub(crate) struct Words {
    /// Options and names as NIM has them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "NIM'S OWN")]
    pub(crate) arguments: Vec<String>,
}

/// Make links, so that nim, lsnim and nimclient are this program. What is there already and is no such link stays.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  nimctl install-links ~/bin\n  nimctl install-links --system\n  nimctl install-links --system --root /tmp/package"
)]
pub(crate) struct InstallLinks {
    /// At the paths where scripts expect them: /usr/sbin.
    #[arg(long, required_unless_present = "directory", conflicts_with = "directory")]
    pub(crate) system: bool,
    /// Folder that stands for / with --system, to make a package.
    #[arg(long, value_name = "FOLDER", requires = "system")]
    pub(crate) root: Option<PathBuf>,
    /// Folder for the links.
    #[arg(value_name = "FOLDER")]
    pub(crate) directory: Option<PathBuf>,
}
