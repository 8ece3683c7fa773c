//! Commands on what `nimd` needs to get at the site.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use clap_complete::Shell;
use nim_shared::id::ObjectName;
use nim_shared::object::PasswordFile;

/// Host keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Hostkey {
    /// Ask hosts for their keys, show them, and put on record what is confirmed
    Scan {
        /// Also replace keys on record that a host no longer offers. Find out first why they changed.
        #[arg(long)]
        replace: bool,
        /// Show only.
        #[arg(long)]
        dry_run: bool,
        /// Do not ask.
        #[arg(short, long)]
        yes: bool,
        /// Objects; * and ? in names stand for others.
        #[arg(required = true, value_name = "NAME")]
        targets: Vec<String>,
    },
    /// Put keys of a known_hosts file on record, for the objects whose addresses it names
    Import {
        /// Replace keys that are on record.
        #[arg(long)]
        replace: bool,
        /// The file; - is standard input.
        file: PathBuf,
    },
    /// List the keys on record
    List {
        /// Objects; * and ? in names stand for others. None: all.
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Forget the keys of objects: nothing is sent to them until there are new ones
    Remove {
        /// Objects.
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
}

/// Secrets.
#[derive(Debug, Subcommand)]
pub(crate) enum Secret {
    /// Store a secret: asked for without echo, or the first line of standard input
    Set {
        /// Its name, or the path that passwd_file of an hmc has.
        name: PasswordFile,
    },
    /// List the names of secrets
    List,
    /// Make a new key and seal all secrets with it; their values stay
    Rotate,
    /// Remove secrets
    Remove {
        /// Their names, or the paths that hmcs have.
        #[arg(required = true, value_name = "NAME")]
        names: Vec<PasswordFile>,
    },
}

/// Maintenance of frames, VIOSes and HMCs.
#[derive(Debug, Subcommand)]
pub(crate) enum Maintenance {
    /// Start nothing new on a frame, by an HMC or behind a VIOS; what runs there goes on
    #[command(
        after_help = "Rollouts leave those LPARs for later, and operations that are asked for wait in the queue.\n\n\
        Example:\n  nimctl maintenance on vios1a --reason \"update to 4.1.1\""
    )]
    On {
        /// Its name.
        name: ObjectName,
        /// Why: it is shown to whoever waits.
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Let things start there again
    Off {
        /// Their names.
        #[arg(required = true, value_name = "NAME")]
        names: Vec<ObjectName>,
    },
    /// List where there is maintenance
    List,
}

/// The site's policy.
#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Set it from a YAML file, in place of the one before
    #[command(after_help = "Example:\n  nimctl policy set examples/policy.yaml")]
    Set {
        /// The file, as schemas/policy.schema.json describes it; - for standard input.
        file: PathBuf,
    },
    /// Show it, or what it means for LPARs
    Show {
        /// LPARs; none: the policy itself.
        #[arg(value_name = "LPAR")]
        lpars: Vec<ObjectName>,
    },
}

/// Send a test message.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  nimctl notify oncall")]
pub(crate) struct Notify {
    /// Receivers, as the policy names them.
    #[arg(required = true, value_name = "RECEIVER")]
    pub(crate) receivers: Vec<ObjectName>,
}

/// The agent.
#[derive(Debug, Subcommand)]
pub(crate) enum Agent {
    /// Write the installer of the agent: one shell script for each LPAR
    #[command(after_help = "Example:\n  nimctl agent bundle lpar01 | ssh root@lpar01 sh -s")]
    Bundle {
        /// Write LPAR.sh for each into this folder, in place of one to standard output.
        #[arg(short, long, value_name = "FOLDER")]
        directory: Option<PathBuf>,
        /// LPARs.
        #[arg(required = true, value_name = "LPAR")]
        lpars: Vec<ObjectName>,
    },
    /// Ask the agents who they are
    Status {
        /// LPARs; * and ? in names stand for others. None: all.
        #[arg(value_name = "LPAR")]
        lpars: Vec<String>,
    },
}

/// Write a completion script.
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell.
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}
