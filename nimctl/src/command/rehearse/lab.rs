//! `rehearse --in-lab`: the site is copied into a lab, and the rollout is run there once, by the real programs.
//!
//! What was drawn some hundred times says how it comes out; the lab says whether the programs do what that takes for granted. It has a nimd of
//! its own: that of the site is asked, and neither changed nor told anything.

mod fault;
mod fleet;
mod folder;
mod play;
mod program;
mod site;
mod view;

use std::path::Path;

use nim_shared::api::{CopyForLab, LabCopy, RolloutRehearsed};
use nim_shared::unit::Seconds;
use nim_shared::yaml;
use serde::Serialize;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{Rehearsal, body, rehearse};
use crate::cli::Rehearse;
use crate::client::{Address, Client, Target};
use crate::command::Context;
use crate::command::rollout::LIMIT;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::text::count;
use fault::{Asked, Known, Set};
use folder::Folder;
use play::{Play, Played};
use program::{Program, Programs};
use view::{InLab, LabRun};

/// How many times faster than life where nobody says.
const SPEED: u32 = 100;

/// Files of the folder.
const SITE: &str = "site.yaml";
const FLEET: &str = "fleet.yaml";
const ROLLOUT: &str = "rollout.yaml";
const DIFFERS: &str = "differences.txt";

pub(super) async fn run(args: &Rehearse, folder: &Path, context: &Context) -> Result<Exit, Error> {
    let mut stop = Stop::listen()?;
    // What is wrong with the words is said before anything takes long.
    let programs = Programs::find()?;
    let folder = Folder::take(folder)?;
    folder.fits(&programs.nimd).await?;
    let prepared = prepare(args, &programs, context);
    let Some(prepared) = stop.before(prepared).await else { return Ok(Exit::Interrupted) };
    let prepared = prepared?;
    if prepared.rehearsed.targets == 0 {
        context.printer.show(&Rehearsal(prepared.rehearsed))?;
        return Ok(Exit::DidNotSucceed);
    }
    let ready = write(prepared, &folder)?;
    say(&ready, &folder, context);
    let mut running = Running::default();
    let done = stop.before(running.play(&ready, &programs, &folder, context)).await;
    running.end(context).await;
    let Some(played) = done else {
        context
            .printer
            .note(&format!("interrupted; what there is lies in {}", folder.path().display()));
        return Ok(Exit::Interrupted);
    };
    finish(played?, ready, &folder, context)
}

/// All that is known before the lab is there.
struct Prepared {
    rehearsed: RolloutRehearsed,
    copy: LabCopy,
    asked: Asked,
    known: Vec<Known>,
    speed: u32,
}

async fn prepare(
    args: &Rehearse,
    programs: &Programs,
    context: &Context,
) -> Result<Prepared, Error> {
    let known = fault::known(&program::ask(&programs.lab, &["fault", "--list"]).await?);
    let asked = fault::asked(&args.faults, &known)?;
    let mut body = body(args)?;
    body.faults.clone_from(&asked.rehearsed);
    let file = body.file.clone();
    let rehearsed = rehearse(&body, context).await?;
    let speed = args.speed.unwrap_or(SPEED);
    let client = context.client.with_limit(LIMIT);
    let target = Target::new(&["rollout", "lab"]);
    let copy: LabCopy = client.post(target, &CopyForLab { file, speed }).await?;
    Ok(Prepared { rehearsed, copy, asked, known, speed })
}

/// All that is known once the folder is written.
struct Ready {
    rehearsed: RolloutRehearsed,
    copy: LabCopy,
    faults: Vec<Set>,
    speed: u32,
    differs: Vec<String>,
}

/// Makes the folder, with the files that the programs read.
fn write(prepared: Prepared, folder: &Folder) -> Result<Ready, Error> {
    let Prepared { rehearsed, copy, asked, known, speed } = prepared;
    if copy.targets.is_empty() {
        let lines = view::said(&copy.left_out, &[]);
        return Err(Error::NoLab {
            what: format!("the lab would have none of those who are updated: {}", lines.join("; ")),
            hint: "nimctl discover reads what HMCs show; nimctl tree shows what is known"
                .to_owned(),
        });
    }
    let (faults, notes) = asked.set(&rehearsed.first_run, &known, &copy)?;
    let (site, more) = site::site(&copy);
    let differs: Vec<String> = copy.differs.iter().cloned().chain(more).chain(notes).collect();
    folder.make(&copy)?;
    let limits = Settings { limits: copy.limits };
    folder.write("nimd/nimd.yaml", &text(&limits)?)?;
    folder.write(SITE, &text(&site)?)?;
    folder.write(ROLLOUT, &copy.rollout)?;
    folder.write(DIFFERS, &(view::said(&copy.left_out, &differs).join("\n") + "\n"))?;
    folder.write_json("rehearsal.json", &rehearsed)?;
    Ok(Ready { rehearsed, copy, faults, speed, differs })
}

/// The settings of the nimd of the rehearsal.
#[derive(Serialize)]
struct Settings {
    limits: nim_shared::api::LabLimits,
}

fn text(value: &impl Serialize) -> Result<String, Error> {
    yaml::to_string(value).map_err(|cause| Error::Format { format: "YAML", cause: Box::new(cause) })
}

/// Says what is played, and where.
fn say(ready: &Ready, folder: &Folder, context: &Context) {
    let copy = &ready.copy;
    context.printer.note(&format!(
        "a lab of {}, {} and {} in {}, {} times as fast as life\nhow it differs from the site: {}",
        count(copy.hmcs.len(), "HMC"),
        count(copy.frames.len(), "frame"),
        count(copy.lpars.len(), "LPAR"),
        folder.path().display(),
        ready.speed,
        folder.file(DIFFERS).display()
    ));
}

/// The programs that were started.
#[derive(Default)]
struct Running {
    lab: Option<Program>,
    nimd: Option<Program>,
}

impl Running {
    /// Starts both, and plays the rollout. What ends before it should ends the rehearsal.
    async fn play(
        &mut self,
        ready: &Ready,
        programs: &Programs,
        folder: &Folder,
        context: &Context,
    ) -> Result<Played, Error> {
        let (site, lab, data) = (folder.file(SITE), folder.lab(), folder.nimd());
        let speed = ready.speed.to_string();
        let words = ["up", "--site"].map(Path::new);
        let more = [Path::new("--dir"), &lab, Path::new("--speed"), Path::new(&speed)];
        let words = [&words[..], &[&*site], &more[..]].concat();
        let lab = Program::start(&programs.lab, &words, folder.file("lab.log"))?;
        self.lab.insert(lab).says("ready").await?;
        let words = [Path::new("--data-dir"), &data];
        let nimd = Program::start(&programs.nimd, &words, folder.file("nimd.log"))?;
        self.nimd.insert(nimd).says("nimd is ready").await?;
        context.printer.note("the lab and its nimd are ready");
        let client = Client::new(Address { socket: data.join("run").join("nimd.sock") });
        let play = Play {
            client: &client,
            folder,
            copy: &ready.copy,
            faults: &ready.faults,
            lab: &programs.lab,
            printer: context.printer,
        };
        let (Some(lab), Some(nimd)) = (&mut self.lab, &mut self.nimd) else {
            return play.run().await;
        };
        tokio::select! {
            played = play.run() => played,
            error = lab.ended() => Err(error),
            error = nimd.ended() => Err(error),
        }
    }

    /// Ends both, the one that has the other's hosts to talk to first.
    async fn end(self, context: &Context) {
        if self.lab.is_some() || self.nimd.is_some() {
            context.printer.note("ending the lab and its nimd");
        }
        for program in [self.nimd, self.lab].into_iter().flatten() {
            program.end().await;
        }
    }
}

/// Keeps the report, and shows it beside what was drawn.
fn finish(played: Played, ready: Ready, folder: &Folder, context: &Context) -> Result<Exit, Error> {
    let Played { report, stopped_by, left_out } = played;
    folder.write_json("report.json", &report)?;
    let Ready { rehearsed, copy, faults, speed, mut differs } = ready;
    differs
        .extend(left_out.into_iter().map(|one| format!("left out by the plan in the lab: {one}")));
    let (began, over) = (report.view.created_at, report.view.ended_at.unwrap_or(report.at));
    let took = u64::try_from(over.since(began).whole_seconds()).unwrap_or(0);
    let exit = if stopped_by.is_none() { Exit::Done } else { Exit::DidNotSucceed };
    let lab = LabRun {
        folder: folder.path().to_owned(),
        speed,
        began,
        over,
        took: Seconds(took),
        took_in_lab: Seconds(took.saturating_mul(speed.into())),
        stopped_by,
        counts: report.view.counts,
        failures: report.failures,
        faults,
        left_out: copy.left_out,
        differs,
    };
    context.printer.show_end(&InLab { rehearsal: rehearsed, lab }, exit)
}

/// Hears of Ctrl-C, of a terminal that is closed, and of being told to end: what was started is to end with it.
struct Stop([Signal; 3]);

impl Stop {
    fn listen() -> Result<Self, Error> {
        let listen = |kind| signal(kind).map_err(Error::Signal);
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let [a, b, c] = kinds.map(listen);
        Ok(Self([a?, b?, c?]))
    }

    /// What `work` came to; `None` when it was to end first.
    async fn before<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            biased;
            Some(()) = interrupt.recv() => None,
            Some(()) = terminate.recv() => None,
            Some(()) = hangup.recv() => None,
            done = work => Some(done),
        }
    }
}
