//! The commands: each asks `nimd`, and shows what it answers.

mod adapter;
mod aftercare;
mod agent;
pub(crate) mod apply;
mod ask;
mod cleanup;
pub(crate) mod cust;
mod define;
mod difference;
mod discover;
mod disks;
mod explain;
mod export;
mod hidden;
mod history;
mod hooks;
mod hostkey;
mod list;
mod live_update_data;
pub(crate) mod log;
mod maintenance;
mod notify;
mod policy;
mod preflight;
mod rehearse;
mod remove;
mod report;
mod resolve;
mod retry;
mod rollback;
mod rollout;
pub(crate) mod secret;
mod server;
mod show;
mod status;
mod timeline;
mod tree;
mod watch;
mod why;

use clap::CommandFactory;

use crate::cli::{Cli, Command, Completions};
use crate::client::Client;
use crate::error::Error;
use crate::exit::Exit;
use crate::nim::{self, Personality};
use crate::output::Printer;

/// What every command needs.
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) printer: Printer,
}

/// Does what the command line says.
pub(crate) async fn run(command: &Command, context: &Context) -> Result<Exit, Error> {
    match command {
        Command::Define(args) => define::define(args, context).await,
        Command::Change(args) => define::change(args, context).await,
        Command::Remove(args) => remove::run(args, context).await,
        Command::List(args) => list::run(args, context).await,
        Command::Show(args) => show::run(args, context).await,
        Command::Apply(args) => apply::run(args, context).await,
        Command::Discover(args) => discover::run(args, context).await,
        Command::History(args) => history::run(args, context).await,
        Command::Report(args) => report::run(args, context).await,
        Command::Tree(args) => tree::run(args, context).await,
        Command::Export(args) => export::run(args, context).await,
        Command::Hostkey(args) => hostkey::run(args, context).await,
        Command::Secret(args) => secret::run(args, context).await,
        Command::Policy(args) => policy::run(args, context).await,
        Command::Notify(args) => notify::run(args, context).await,
        Command::Agent(args) => agent::run(args, context).await,
        Command::Preflight(args) => preflight::run(args, context).await,
        Command::LiveUpdateData(args) => live_update_data::run(args, context).await,
        Command::Aftercare(args) => aftercare::run(args, context).await,
        Command::Disks(args) => disks::list(args, context).await,
        Command::Rollback(args) => rollback::run(args, context).await,
        Command::ReleaseDisks(args) => disks::release(args, context).await,
        Command::Cust(args) => cust::run(args, context).await,
        Command::Rollout(args) => rollout::run(args, context).await,
        Command::Rehearse(args) => rehearse::run(args, context).await,
        Command::Maintenance(args) => maintenance::run(args, context).await,
        Command::Why(args) => why::run(args, context).await,
        Command::Status(args) => status::run(args, context).await,
        Command::Watch(args) => watch::run(args, context).await,
        Command::Log(args) => log::run(args, context).await,
        Command::Events(args) => timeline::run(args, context).await,
        Command::Hooks(args) => hooks::run(args, context).await,
        Command::Cancel(args) => resolve::cancel(args, context).await,
        Command::Retry(args) => retry::run(args, context).await,
        Command::Cleanup(args) => cleanup::run(args, context).await,
        Command::Resolve(args) => resolve::resolve(args, context).await,
        Command::Explain(args) => explain::run(args, context).await,
        Command::Server => server::run(context).await,
        Command::Nim(words) => Ok(nim::run(Personality::Nim, words, context).await),
        Command::Lsnim(words) => Ok(nim::run(Personality::Lsnim, words, context).await),
        Command::Nimclient(words) => Ok(nim::run(Personality::Nimclient, words, context).await),
        Command::Nimquery(words) => Ok(nim::run(Personality::Nimquery, words, context).await),
        Command::Dkeyexch(words) => Ok(nim::run(Personality::Dkeyexch, words, context).await),
        Command::Dpasswd(words) => Ok(nim::run(Personality::Dpasswd, words, context).await),
        Command::CRsh(words) => Ok(nim::run(Personality::CRsh, words, context).await),
        Command::Import(args) => nim::import(args, context).await,
        Command::InstallLinks(args) => nim::install_links(args, context),
        Command::Completions(args) => completions(args, context),
    }
}

fn completions(args: &Completions, context: &Context) -> Result<Exit, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "nimctl", &mut script);
    context.printer.raw(&script)?;
    Ok(Exit::Done)
}

/// Does `act` for each of `items`; a failure is reported and does not keep the others from being done. The worst exit counts.
async fn each<T>(
    items: &[T],
    context: &Context,
    mut act: impl AsyncFnMut(&T) -> Result<(), Error>,
) -> Result<Exit, Error> {
    let mut worst = Exit::Done;
    for item in items {
        match act(item).await {
            Ok(()) => {}
            // What the others would say nobody would hear.
            Err(error @ (Error::PipeClosed | Error::NoServer { .. })) => return Err(error),
            Err(error) => {
                context.printer.failure(&error.failure());
                worst = worst.max(error.exit());
            }
        }
    }
    Ok(worst)
}
