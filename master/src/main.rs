//! `nimd`: the master of the Live Update orchestrator. See `nimd --help`.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use nim_master::run::{self, Until};
use nim_master::settings::{self, Configuration};
use nim_master::store::cluster::{self, ClusterError, FolderLock};
use nim_master::telemetry;

/// The master of the Live Update orchestrator: inventory, sessions with LPARs and HMCs, and the API that nimctl speaks.
#[derive(Debug, Parser)]
#[command(name = "nimd", version, after_help = AFTER_HELP)]
struct Arguments {
    /// Folder for everything that nimd keeps: socket, keys, database. Made where it is not there
    #[arg(long, global = true, value_name = "DIR", default_value = "/var/lib/nimd")]
    data_dir: PathBuf,
    /// Settings file; DIR/nimd.yaml where it is not given and there
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// End when standard input ends, too: for a nimd that lives no longer than whoever holds the other end of it
    #[arg(long)]
    until_input_ends: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER_HELP: &str = "Without a command nimd runs until it is told to end (SIGTERM, SIGINT).\n\
    Logging: NIMD_LOG=info,nim_master=debug";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run (the default)
    Run,
    /// Look whether the settings are right and a private database can be had, and say what is not so
    CheckConfig,
    /// Show the settings as they are meant
    Config {
        /// Every key with its documentation and its default, as a file to begin with
        #[arg(long)]
        defaults: bool,
    },
    /// Write everything in the private database to FILE. nimd may run meanwhile. Keys are not in it
    Backup {
        /// The file
        file: PathBuf,
    },
    /// Make the private database from FILE. nimd must not run, and there must be no database yet
    Restore {
        /// A file that `nimd backup` wrote
        file: PathBuf,
    },
}

pub(crate) fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match act(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where standard error is gone nobody is there to read it.
            drop(report(&error));
            ExitCode::from(exit_code(&error))
        }
    }
}

fn act(arguments: Arguments) -> anyhow::Result<()> {
    if matches!(arguments.command, Some(Command::Config { defaults: true })) {
        return print(&settings::documentation());
    }
    let configuration = Configuration::load(&arguments.data_dir, arguments.config.as_deref())?;
    match arguments.command.unwrap_or(Command::Run) {
        Command::Run => {
            telemetry::start(configuration.settings.log.format)?;
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()
                .context("cannot start the threads of nimd")?;
            let until = if arguments.until_input_ends { Until::InputEnds } else { Until::ASignal };
            Ok(runtime.block_on(run::run(configuration, until, say_ready))?)
        }
        Command::CheckConfig => {
            if configuration.settings.database.url.is_none() {
                cluster::check(&configuration.data_dir)?;
            }
            print("the settings are right\n")
        }
        Command::Config { .. } => print(&configuration.settings.shown()),
        Command::Backup { file } => {
            private(&configuration)?;
            cluster::backup(&configuration.data_dir, &file)?;
            print(&format!(
                "the database is in {}; keep a copy of {} too, without which no secret opens\n",
                file.display(),
                configuration.secret_key().display()
            ))
        }
        Command::Restore { file } => {
            private(&configuration)?;
            let lock = FolderLock::take(&configuration.data_dir)?;
            cluster::restore(&lock, &file)?;
            print("the database is restored\n")
        }
    }
}

/// Backups of a database elsewhere are made there.
fn private(configuration: &Configuration) -> anyhow::Result<()> {
    match configuration.settings.database.url {
        None => Ok(()),
        Some(_) => Err(NotPrivate.into()),
    }
}

/// There is no private database.
#[derive(Debug, thiserror::Error)]
#[error("the settings name a database of your own (database.url): back it up with pg_dump")]
struct NotPrivate;

/// One line for whoever started nimd and waits for it.
fn say_ready(configuration: &Configuration) {
    // Whoever started nimd may have closed its end; readiness is in the log too.
    drop(print(&format!("nimd is ready on {}\n", configuration.socket().display())));
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .context("cannot write to standard output")
}

/// The error as nimctl shows errors: what, why, what to type now.
fn report(error: &anyhow::Error) -> io::Result<()> {
    let mut out = io::stderr().lock();
    let code = code(error).map(|code| format!("  [{code}]")).unwrap_or_default();
    writeln!(out, "error: {error}{code}")?;
    match error.downcast_ref() {
        Some(settings::Error::Faults { faults, .. }) => {
            for fault in &faults.0 {
                writeln!(out, "  {fault}")?;
            }
        }
        Some(_) | None => {
            for cause in telemetry::causes(error.source()) {
                writeln!(out, "  cause: {cause}")?;
            }
        }
    }
    if let Some(hint) = hint(error) {
        writeln!(out, "  hint: {hint}")?;
    }
    Ok(())
}

fn code(error: &anyhow::Error) -> Option<&'static str> {
    if let Some(error) = error.downcast_ref::<run::Error>() {
        return Some(error.code());
    }
    if let Some(error) = error.downcast_ref::<ClusterError>() {
        return Some(error.code());
    }
    error.downcast_ref::<settings::Error>().map(settings::Error::code)
}

fn hint(error: &anyhow::Error) -> Option<String> {
    if let Some(error) = error.downcast_ref::<run::Error>() {
        return error.hint();
    }
    if let Some(error) = error.downcast_ref::<ClusterError>() {
        return error.hint();
    }
    error.downcast_ref::<settings::Error>().map(settings::Error::hint)
}

/// 2: the command line or the settings are wrong; 3: refused; 4: no answer.
fn exit_code(error: &anyhow::Error) -> u8 {
    if let Some(error) = error.downcast_ref::<run::Error>() {
        return error.exit_code();
    }
    if error.is::<settings::Error>() || error.is::<telemetry::Error>() {
        return 2;
    }
    3
}
