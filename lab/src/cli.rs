//! The command line: `nim-lab up`, `fault`, `status`, `advance`, and under other names the AIX commands.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Parser, Subcommand, ValueEnum};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use crate::Phase;
use crate::aix;
use crate::clock::Mode;
use crate::control::{Client, Reply, Request, Status};
use crate::fault::{Armed, ConsoleFault, Fault, Kind};
use crate::lpar::files::Files;
use crate::lpar::run_init;
use crate::site;
use crate::state::{State, Turn};
use crate::up::{Faketime, Settings, Site};

/// A simulated Power site behind real SSH.
#[derive(Debug, Parser)]
#[command(name = "nim-lab", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a site and run it until it is interrupted.
    Up(Up),
    /// Set a fault or a state of an LPAR, take it back, or list what there is.
    Fault(FaultArguments),
    /// Show what is set and what is under way.
    Status {
        /// The site's directory.
        #[arg(long)]
        dir: PathBuf,
    },
    /// Let the next phase begin, in a site that runs step by step.
    Advance {
        /// Of this LPAR only.
        lpar: Option<String>,
        /// Go on until the LPAR waits in this phase.
        #[arg(long)]
        to: Option<Phase>,
        /// The site's directory.
        #[arg(long)]
        dir: PathBuf,
    },
    /// Boot an LPAR again.
    Reboot {
        /// The LPAR.
        lpar: String,
        /// From this disk instead of the boot list.
        #[arg(long)]
        disk: Option<String>,
        /// The site's directory.
        #[arg(long)]
        dir: PathBuf,
    },
    /// The root process of an LPAR. Started by `up`.
    #[command(hide = true)]
    LparRoot {
        #[arg(long)]
        dir: PathBuf,
        #[arg(long)]
        lpar: String,
    },
}

#[derive(Debug, clap::Args)]
struct Up {
    /// The site file.
    #[arg(long)]
    site: PathBuf,
    /// Where state, keys and fleet.yaml are kept.
    #[arg(long)]
    dir: PathBuf,
    /// How many times faster than life the site's time runs.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    speed: u32,
    /// Step by step: time stands still until `nim-lab advance`.
    #[arg(long, conflicts_with = "speed")]
    steps: bool,
    /// Another seed than that of the site file.
    #[arg(long)]
    seed: Option<u64>,
    /// Another port than that of the site file.
    #[arg(long)]
    port: Option<u16>,
    /// The nim-agent binary. Default: beside nim-lab.
    #[arg(long)]
    agent: Option<PathBuf>,
    /// End when standard input ends, too: for a site that lives no longer than whoever holds the other end of it.
    #[arg(long)]
    until_input_ends: bool,
    /// Whether processes on LPARs run under libfaketime.
    #[arg(long, value_enum, default_value_t = FaketimeArgument::Auto)]
    faketime: FaketimeArgument,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FaketimeArgument {
    /// Where it is installed.
    Auto,
    /// Refuse to start without it.
    Require,
    /// Never.
    Off,
}

#[derive(Debug, clap::Args)]
struct FaultArguments {
    /// The LPAR, or an HMC for its faults.
    #[arg(required_unless_present = "list", value_name = "HOST")]
    host: Option<String>,
    /// The fault.
    #[arg(required_unless_present = "list")]
    fault: Option<AnyFault>,
    /// Take it back.
    #[arg(long)]
    clear: bool,
    /// Let it strike when an update enters this phase.
    #[arg(long, conflicts_with = "clear")]
    at: Option<Phase>,
    /// Say what each fault does.
    #[arg(long)]
    list: bool,
    /// The site's directory.
    #[arg(long, required_unless_present = "list")]
    dir: Option<PathBuf>,
}

/// A fault of an LPAR, an HMC or a VIO server, or a state of an LPAR: their names differ.
#[derive(Clone, Copy, Debug)]
enum AnyFault {
    Lpar(Fault),
    State(State),
    Console(ConsoleFault),
}

impl FromStr for AnyFault {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let state = |_: String| text.parse().map(Self::State);
        let fault = |_: String| text.parse().map(Self::Lpar);
        text.parse().map(Self::Console).or_else(state).or_else(fault)
    }
}

/// Runs what the program's name or its arguments say.
pub fn main() -> ExitCode {
    let mut words = env::args();
    let called = words.next().unwrap_or_default();
    let name = Path::new(&called).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let done = match aix::command(&name) {
        Some(run) => aix::main(run, &name, &words.collect::<Vec<_>>()),
        None => lab(Cli::parse().command).map(|()| 0),
    };
    match done {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            // Where standard error is closed nobody can be told.
            writeln!(io::stderr(), "{name}: {error:#}").ok();
            ExitCode::FAILURE
        }
    }
}

fn lab(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Up(up) => run_site(&up),
        Command::Fault(arguments) => fault(arguments),
        Command::Status { dir } => match Client::connect(&dir)?.ask(&Request::Status)? {
            Reply::Status(status) => show(&status),
            other => bail!("the lab answered {other:?}"),
        },
        Command::Advance { lpar, to, dir } => advance(&dir, lpar, to),
        Command::Reboot { lpar, disk, dir } => {
            Client::connect(&dir)?.done(&Request::Reboot { lpar, disk })?;
            Ok(())
        }
        Command::LparRoot { dir, lpar } => {
            run_init(&Files::of(&dir, &lpar).socket()).context("the root process of an LPAR failed")
        }
    }
}

fn run_site(up: &Up) -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(io::stderr)
        .init();
    let name = up.site.display().to_string();
    let text = fs::read_to_string(&up.site).with_context(|| format!("cannot read {name}"))?;
    let mut file = site::parse(&name, &text)?;
    file.seed = up.seed.unwrap_or(file.seed);
    file.port = up.port.unwrap_or(file.port);
    let lab = env::current_exe().context("cannot find out where nim-lab is")?;
    let agent = up.agent.clone().unwrap_or_else(|| lab.with_file_name("nim-agent"));
    if !agent.exists() {
        bail!("there is no agent at {}; say --agent PATH", agent.display());
    }
    let settings = Settings {
        site: file,
        directory: up.dir.clone(),
        clock: if up.steps { Mode::Explicit } else { Mode::Auto { speed: up.speed } },
        agent: fs::canonicalize(agent).context("cannot find the agent")?,
        lab,
        faketime: match up.faketime {
            FaketimeArgument::Auto => Faketime::Auto,
            FaketimeArgument::Require => Faketime::Require,
            FaketimeArgument::Off => Faketime::Off,
        },
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        // Listened for before anything is started, so that no signal is missed.
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let input = input_ended(up.until_input_ends);
        let lab = tokio::select! {
            started = Site::start(settings) => started?,
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
            () = input.notified() => return Ok(()),
        };
        let status = lab.status()?;
        writeln!(
            io::stdout(),
            "ready: {} LPARs; fleet: {}",
            status.lpars.len(),
            lab.directory().join("fleet.yaml").display()
        )?;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = input.notified() => {}
        }
        lab.stop().await;
        Ok(())
    })
}

/// Told once when standard input has ended; never, where that ends nothing.
fn input_ended(counts: bool) -> Arc<Notify> {
    let ended = Arc::new(Notify::new());
    let told = Arc::clone(&ended);
    if counts {
        // A thread that nobody waits for: when the site ends it may still read.
        std::thread::spawn(move || {
            // That it cannot be read ends it as well.
            drop(io::copy(&mut io::stdin().lock(), &mut io::sink()));
            told.notify_one();
        });
    }
    ended
}

fn fault(arguments: FaultArguments) -> anyhow::Result<()> {
    let mut out = io::stdout();
    if arguments.list {
        for fault in Fault::ALL {
            let kind = match fault.kind() {
                Kind::Condition => "until cleared",
                Kind::Event => "once",
            };
            writeln!(
                out,
                "{:<22} {:<10} {kind:<14} {} {}",
                fault.name(),
                fault.phase().name(),
                fault.explain(),
                fault.codes()
            )?;
        }
        for state in State::ALL {
            writeln!(
                out,
                "{:<22} {:<10} until mended   {}",
                state.name(),
                "an LPAR",
                state.explain()
            )?;
        }
        for fault in ConsoleFault::ALL {
            writeln!(
                out,
                "{:<22} {:<10} until cleared  {}",
                fault.name(),
                fault.host().to_string(),
                fault.explain()
            )?;
        }
        return Ok(());
    }
    let (Some(host), Some(fault), Some(dir)) = (arguments.host, arguments.fault, arguments.dir)
    else {
        bail!("an LPAR, an HMC or a VIOS, a fault and --dir are needed");
    };
    let said = told(&host, fault, arguments.clear, arguments.at);
    let request = match (fault, arguments.at) {
        (AnyFault::Console(fault), None) => {
            Request::ConsoleFault { host, fault, set: !arguments.clear }
        }
        (AnyFault::Console(fault), Some(_)) => {
            bail!("{fault} is a fault of {}, which is in no phase: leave --at out", fault.host())
        }
        (AnyFault::State(state), None) => {
            let turn = if arguments.clear { Turn::Off } else { Turn::On };
            Request::State { lpar: host, state, turn }
        }
        (AnyFault::State(state), Some(_)) => {
            bail!("{state} is how an LPAR is, in whatever phase: leave --at out")
        }
        (AnyFault::Lpar(fault), _) if arguments.clear => Request::ClearFault { lpar: host, fault },
        (AnyFault::Lpar(fault), at) => {
            Request::SetFault { lpar: host, fault, armed: at.map(Armed::At) }
        }
    };
    Client::connect(&dir)?.done(&request)?;
    writeln!(out, "{said}")?;
    Ok(())
}

/// What was done by setting a fault or taking it back: without `--at` what strikes once has struck already.
fn told(host: &str, fault: AnyFault, clear: bool, at: Option<Phase>) -> String {
    let name = match fault {
        AnyFault::Lpar(fault) => fault.name(),
        AnyFault::State(state) => state.name(),
        AnyFault::Console(fault) => fault.name(),
    };
    match (fault, at) {
        _ if clear => format!("{host}: {name} is taken back"),
        (_, Some(phase)) => format!("{host}: {name} strikes when an update enters {phase}"),
        (AnyFault::Lpar(fault), None) if fault.kind() == Kind::Event => format!(
            "{host}: {name} has struck, once, whatever runs there; with --at PHASE, such as {}, it strikes when an update enters that phase",
            fault.phase()
        ),
        (AnyFault::Lpar(_) | AnyFault::State(_) | AnyFault::Console(_), None) => {
            format!("{host}: {name} from now on, until --clear")
        }
    }
}

fn advance(dir: &Path, lpar: Option<String>, to: Option<Phase>) -> anyhow::Result<()> {
    let mut client = Client::connect(dir)?;
    let mut out = io::stdout();
    match client.ask(&Request::Advance { lpar, to })? {
        Reply::Advanced { steps } if steps.is_empty() => writeln!(out, "nothing waits")?,
        Reply::Advanced { steps } => {
            for step in steps {
                writeln!(out, "{} {}", step.lpar, step.phase)?;
            }
        }
        other => bail!("the lab answered {other:?}"),
    }
    Ok(())
}

fn show(status: &Status) -> anyhow::Result<()> {
    let mut out = io::stdout();
    writeln!(
        out,
        "{:<12} {:<22} {:<18} {:>4} {:<10} FAULTS",
        "LPAR", "ADDRESS", "LEVEL", "ID", "PHASE"
    )?;
    for lpar in &status.lpars {
        let phase = lpar.phase.map_or("-", Phase::name);
        let faults: Vec<&str> = lpar.faults.iter().map(|fault| fault.name()).collect();
        let id = lpar.partition_id;
        writeln!(
            out,
            "{:<12} {:<22} {:<18} {id:>4} {phase:<10} {}",
            lpar.name,
            lpar.address,
            lpar.level,
            faults.join(" ")
        )?;
    }
    for pending in &status.pending {
        writeln!(out, "{} waits in {}", pending.lpar, pending.phase)?;
    }
    Ok(())
}
