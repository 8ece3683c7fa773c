//! A preflight: the LPAR looked at by the list that is compiled in. Nothing of an operation is touched by it: no lock is taken and
//! nothing is written. It ends where an operation enters the phases in which AIX is asked nothing.

use nim_shared::aix;
use nim_shared::frame::{self, AgentFrame, Refusal};
use nim_shared::operation::Named;
use nim_shared::preflight::probe::{
    Answer, Look, MOST_BYTES, MOST_FOR_DISKS, MOST_PROCESSES, Probe, ProbeId, Probed,
};
use nim_shared::stage::Stage;

use super::answer::{Answerer, refuse_in_silence};
use super::refused::Refused;
use crate::alive;
use crate::command;
use crate::disk;
use crate::policy::Policy;
use crate::progress::Progress;
use crate::text::chain;

impl Answerer {
    /// Looks, and sends what was found of each; the answer that is left is the last frame.
    pub(super) fn preflight(&mut self, probes: &[Probe]) -> Result<Option<AgentFrame>, Refused> {
        let allowed = Policy::read(&self.root)?.admit_preflight();
        allowed.map_err(|text| Refused::new(Refusal::Policy, text))?;
        if probes.len() > MOST_PROBES {
            let text = format!("a preflight has at most {MOST_PROBES} probes");
            return Err(Refused::new(Refusal::BadRequest, text));
        }
        let for_disks =
            probes.iter().any(|probe| probe.id.known().is_some_and(ProbeId::is_for_disks));
        let most = if for_disks { MOST_FOR_DISKS } else { MOST_PROCESSES };
        for probe in probes {
            refuse_in_silence(&self.state)?;
            let answer = self.probe(probe, most)?;
            let frame =
                |answer| AgentFrame::Probed(Box::new(Probed { probe: probe.clone(), answer }));
            let mut found = frame(answer);
            // Bytes that are no UTF-8 or need an escape take more room than they had.
            if frame::write(&found).is_err() {
                found = frame(Answer::Failed { why: "what was found is too long".to_owned() });
            }
            if self.out.send(&found).is_err() {
                return Err(Refused::new(Refusal::System, "nobody listens to the answer"));
            }
        }
        Ok(Some(AgentFrame::PreflightEnded))
    }

    fn probe(&mut self, probe: &Probe, most: usize) -> Result<Answer, Refused> {
        let Some(look) = probe.look() else {
            // Another version of the list may have it.
            return Ok(failed(format!("this agent does not look at {}", probe.id)));
        };
        if probe.id.known().is_some_and(ProbeId::opens_a_device)
            && let Some(why) = self.update_under_way()?
        {
            return Ok(failed(why));
        }
        Ok(match look {
            Look::Command { program, arguments, limit } => {
                if self.processes >= most {
                    let why = format!("{most} processes were started for this look");
                    return Ok(failed(why));
                }
                self.processes += 1;
                // What cannot be looked at is not silent: the operation itself reports such a fault.
                let state = &self.state;
                let go_on = || !matches!(refuse_in_silence(state), Err(refused) if refused.why == Refusal::WrongMoment);
                match self.commands.run_apart(program, &arguments, limit.duration(), go_on) {
                    Ok(ended) if ended.stdout.len() > MOST_BYTES => {
                        failed(format!("{program} printed more than {MOST_BYTES} bytes"))
                    }
                    Ok(ended) => {
                        let stdout = String::from_utf8_lossy(&ended.stdout).into_owned();
                        let stderr = String::from_utf8_lossy(&ended.stderr);
                        let stderr = stderr.chars().take(LONGEST_ERROR).collect();
                        let missing = if probe.id == Named::Known(ProbeId::Scripts) {
                            self.missing(&stdout)
                        } else {
                            Vec::new()
                        };
                        Answer::Printed { status: ended.status, stdout, stderr, missing }
                    }
                    Err(error @ command::Error::Stopped { .. }) => {
                        let text = format!("{}: the workload is being moved", chain(&error));
                        return Err(Refused::moment(text));
                    }
                    Err(error) => failed(chain(&error)),
                }
            }
            Look::File(path) => match disk::read(&self.root.at(path), MOST_BYTES as u64) {
                Ok(Some(text)) => {
                    Answer::File { text: String::from_utf8_lossy(&text).into_owned() }
                }
                Ok(None) => Answer::NoFile,
                Err(error) => failed(chain(&error)),
            },
            Look::Presence(path) => match self.root.at(path).symlink_metadata() {
                Ok(_) => Answer::File { text: String::new() },
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Answer::NoFile,
                Err(error) => failed(format!("cannot look at {path}: {error}")),
            },
        })
    }

    /// Why no device may be opened now: an operation has begun to update, or a Live Update is there that is none of ours.
    /// Source: LU §7.3, rule 10.
    fn update_under_way(&self) -> Result<Option<String>, Refused> {
        for operation in self.state.operations()? {
            let (progress, _) = Progress::read(&operation)?;
            if progress.finished.is_none() && progress.stage >= Some(Stage::Update) {
                return Ok(Some(format!("operation {} is updating", operation.id)));
            }
        }
        let is_there = alive::live_update_lock(&self.root).is_there();
        Ok(is_there.then(|| format!("{} is there", alive::LIVE_UPDATE_LOCK)))
    }

    /// The programs of scripts that Live Update notifies and that are not there.
    fn missing(&self, listed: &str) -> Vec<String> {
        let scripts = aix::lvupdate_scripts(listed).rows;
        let programs = scripts.iter().filter_map(|one| one.command.split_whitespace().next());
        let mut gone: Vec<String> = programs
            .filter(|path| path.starts_with('/') && !path.contains(".."))
            .filter(|path| self.root.at(path).try_exists().is_ok_and(|there| !there))
            .map(str::to_owned)
            .collect();
        gone.dedup();
        gone
    }
}

fn failed(why: String) -> Answer {
    Answer::Failed { why }
}

/// Most probes in one frame: more than there are.
const MOST_PROBES: usize = 64;

/// Most characters of standard error that are sent.
const LONGEST_ERROR: usize = 2000;
