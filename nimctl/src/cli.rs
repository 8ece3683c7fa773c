//! The command line: types for clap, nothing else.

mod aftercare;
mod disks;
mod live_update_data;
mod object;
mod operation;
mod personality;
mod preflight;
mod rehearse;
mod rollout;
mod site;
mod why;

pub(crate) use aftercare::Aftercare;
pub(crate) use disks::{Disks, ReleaseDisks, Rollback};
pub(crate) use live_update_data::LiveUpdateData;
pub(crate) use object::{
    Apply, Change, Define, Discover, Export, History, List, Remove, Report, Show, Tree,
};
pub(crate) use operation::{
    Cancel, Cleanup, Cust, Events, Explain, Hooks, Log, Resolve, Retry, Status, Watch,
};
pub(crate) use personality::{Import, InstallLinks, Words};
pub(crate) use preflight::Preflight;
pub(crate) use rehearse::Rehearse;
pub(crate) use rollout::{
    PlanRollout, ReportRollout, RetryRollout, Rollout, StartRollout, WatchRollout,
};
pub(crate) use site::{Agent, Completions, Hostkey, Maintenance, Notify, Policy, Secret};
pub(crate) use why::Why;

use std::ffi::OsString;

use clap::{Parser, Subcommand, ValueEnum};

use crate::client::{Address, DEFAULT, VARIABLE};

/// Updates AIX LPARs without a reboot: one master, many LPARs.
#[derive(Debug, Parser)]
#[command(name = "nimctl", version = nim_shared::VERSION, max_term_width = 100, subcommand_required = true)]
#[command(
    after_help = "Exit codes: 0 done, 1 an update did not succeed, 2 wrong usage, 3 refused and nothing changed, \
    4 no answer, 5 not allowed, 6 the output could not be written, 130 interrupted (what runs goes on)."
)]
pub(crate) struct Cli {
    // Where clap itself reads the environment, it shows the option in each usage as if it had to be given.
    #[arg(long, global = true, value_name = "ADDRESS", help = format!("Socket of nimd: a path, or unix:PATH [env: {VARIABLE}] [default: {DEFAULT}]"))]
    pub(crate) server: Option<Address>,

    /// How results are written.
    #[arg(short, long, global = true, value_enum, default_value_t = Format::Table, value_name = "FORMAT")]
    pub(crate) output: Format,

    /// Whether colours are used; they only repeat what the words say. NO_COLOR in the environment means never.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For people with a wide screen: more columns and lines where a command has them.
    Wide,
    /// For programs; `watch` and `events` write one object a line.
    Json,
    /// For programs and people.
    Yaml,
}

impl Format {
    /// Whether a person reads it.
    pub(crate) const fn is_for_people(self) -> bool {
        matches!(self, Self::Table | Self::Wide)
    }

    /// The format that a command line asks for which clap does not understand as a whole.
    pub(crate) fn among(line: &[OsString]) -> Self {
        let words: Vec<_> = line.iter().filter_map(|word| word.to_str()).collect();
        let words = words.split(|word| *word == "--").next().unwrap_or_default();
        let after = |(at, word): (usize, &&str)| match *word {
            "-o" | "--output" => words.get(at + 1).copied().map(ToOwned::to_owned),
            word => ["--output=", "-o=", "-o"]
                .iter()
                .find_map(|option| word.strip_prefix(option))
                .map(ToOwned::to_owned),
        };
        let mut formats = words.iter().enumerate().skip(1).filter_map(after);
        formats.find_map(|name| Self::from_str(&name, false).ok()).unwrap_or(Self::Table)
    }
}

/// Whether colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal.
    Auto,
    /// Also in a file.
    Always,
    /// Nowhere.
    Never,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Define an object
    Define(Define),
    /// Change attributes of an object
    Change(Change),
    /// Remove objects
    Remove(Remove),
    /// List objects
    List(List),
    /// Show objects with all attributes
    Show(Show),
    /// Create or change a whole fleet from YAML files
    Apply(Apply),
    /// Ask the HMCs what there is, and bring the inventory up to it
    Discover(Discover),
    /// Show frames with their VIOSes and LPARs, and what is free
    Tree(Tree),
    /// Who changed what of an object, and when
    History(History),
    /// Counts over the fleet
    #[command(subcommand)]
    Report(Report),
    /// Write the fleet as YAML
    Export(Export),
    /// Host keys: what nimd knows of the hosts that it connects to
    #[command(subcommand)]
    Hostkey(Hostkey),
    /// Secrets, such as the password that a console asks for
    #[command(subcommand)]
    Secret(Secret),
    /// The site's policy: what is changed before an update and put back after it
    #[command(subcommand)]
    Policy(Policy),
    /// Send a test message to receivers of the policy
    Notify(Notify),
    /// The agent on the LPARs
    #[command(subcommand)]
    Agent(Agent),
    /// Look at LPARs for what would stop a Live Update
    Preflight(Preflight),
    /// lvupdate.data: what would be written for LPARs, and why
    #[command(subcommand)]
    LiveUpdateData(LiveUpdateData),
    /// Show what updates have left to do on LPARs, looked at live
    Aftercare(Aftercare),
    /// Show what operations left on the disks of an LPAR, and what needs them
    Disks(Disks),
    /// Free disks that operations used and nothing needs
    ReleaseDisks(ReleaseDisks),
    /// Boot an LPAR from the copy of rootvg that holds the level before its update
    Rollback(Rollback),
    /// Update LPARs, by Live Update or without it, or preview that
    Cust(Cust),
    /// Update many LPARs, planned against what their frames have
    #[command(subcommand)]
    Rollout(Rollout),
    /// Run a rollout many times before it runs once: when it ends, what would stop it
    Rehearse(Rehearse),
    /// Maintenance of frames, VIOSes and HMCs: nothing new is started there
    #[command(subcommand)]
    Maintenance(Maintenance),
    /// Say what a rollout or an LPAR waits for, and who decides
    Why(Why),
    /// Show operations: all that are open, or one with its details
    Status(Status),
    /// Follow operations until they end
    Watch(Watch),
    /// Print what geninstall and other programs wrote during an operation
    Log(Log),
    /// Show what happened in an operation, in order
    Events(Events),
    /// Show the hooks that nimd runs itself for an operation, and what they printed
    Hooks(Hooks),
    /// Cancel an operation, as long as that is possible
    Cancel(Cancel),
    /// Do again what failed, where that makes sense
    Retry(Retry),
    /// Clean up after a Live Update that could not do so itself, by clvupdate
    Cleanup(Cleanup),
    /// End a stuck operation, on your word
    Resolve(Resolve),
    /// Explain a code, a log or transcript, or what went wrong in an operation
    Explain(Explain),
    /// Show the version, the masters and the public key of nimd
    Server,
    /// NIM's nim: objects, updates and questions to machines, in NIM's words
    Nim(Words),
    /// NIM's lsnim: list objects as NIM does
    Lsnim(Words),
    /// NIM's nimclient, of which -l is known: list objects
    Nimclient(Words),
    /// NIM's nimquery: the frames of an HMC, the partitions of a frame
    Nimquery(Words),
    /// dpasswd: store the password that goes with a passwd_file
    Dpasswd(Words),
    /// NIM's c_rsh: ask an LPAR what deployed tools ask, such as oslevel -s
    #[command(name = "c_rsh")]
    CRsh(Words),
    /// dkeyexch: have an HMC let the master in with its key
    Dkeyexch(Words),
    /// Take over what another master has
    #[command(subcommand)]
    Import(Import),
    /// Make links, so that nim and lsnim are this program
    InstallLinks(InstallLinks),
    /// Write a completion script for a shell
    Completions(Completions),
}
