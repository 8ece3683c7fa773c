//! A preview as an agent reports it: what a host says to the master.
//!
//! The lines are written by the protocol's own types, so they cannot drift from it; what the master chooses comes back in them by
//! placeholders.

use std::time::Duration;

use anyhow::Result;
use nim_lab::replay::{Script, Step};
use nim_shared::frame::{
    self, AgentFrame, AgentHello, Boot, ClockReading, Identity, Known, Position, Record, Recorded,
    Verdict,
};
use nim_shared::id::{Digest, Fence, InstallationId, OperationId};
use nim_shared::operation::{Blackout, Named, Outcome, Report, Snapshot};
use nim_shared::stage::{Phase, Point, Stage};
use nim_shared::stamp::Timestamp;
use nim_shared::unit::Seconds;
use uuid::Uuid;

/// Number of journalled events of a session.
pub(crate) const EVENTS: u32 = 10;

/// What an agent says, and how far its journal is. Operation and digest stand for those that the master will name.
struct Agent {
    operation: OperationId,
    digest: Digest,
    now: Timestamp,
    journal: Position,
}

/// A whole preview with its outcome.
pub(crate) fn whole() -> Result<Script> {
    let mut agent = Agent::new();
    let mut steps = agent.hello()?;
    steps.push(Step::Hear("start".to_owned()));
    steps.extend(agent.taken()?);
    steps.push(Step::Hear("proceed".to_owned()));
    let estimate = (Some(Seconds(77)), Some(Seconds(1200)));
    let after = [
        Known::Stage { stage: Named::Known(Stage::Update) },
        Known::Phase { phase: Named::Known(Phase::Preview), printed_at: None },
        Known::Estimate { blackout: estimate.0, total: estimate.1 },
        Known::Stage { stage: Named::Known(Stage::Post) },
        Known::Finished(Box::new(Report {
            outcome: Outcome::Succeeded { follow_up: Vec::new() },
            found: None,
            summary: "the preview found nothing in the way".to_owned(),
            codes: Vec::new(),
            messages: Vec::new(),
            logs: Vec::new(),
            site_backup: None,
            exposed: Vec::new(),
            disks: None,
            before: Some(snapshot()),
            after: Some(snapshot()),
            blackout: Blackout { estimated: estimate.0, reported: None, measured: None },
            estimated_total: estimate.1,
            open_items: Vec::new(),
        })),
    ];
    for body in after {
        steps.push(agent.event(body)?);
    }
    // An agent stays until the master has closed its input.
    steps.push(Step::Hear("end".to_owned()));
    Ok(Script::new(steps))
}

/// A preview that was begun and stays: an event every `pause`, `count` of them, then nothing more. To a master that comes back it
/// says nothing but that it is there.
pub(crate) fn held(pause: Duration, count: u64) -> Result<Script> {
    let mut agent = Agent::new();
    let mut steps = agent.hello()?;
    let mut first = agent.taken()?;
    let attached = AgentFrame::Attached {
        operation: agent.operation,
        digest: agent.digest,
        at: agent.journal,
        output_bytes: 0,
        proceeded: false,
        request: None,
    };
    let again = Script::new(vec![agent.say(&attached)?]);
    for _ in 0..count {
        first.push(Step::Pause(pause));
        first.push(agent.event(passed("PASSED: as expected"))?);
    }
    steps.push(Step::Choose(vec![
        ("start".to_owned(), Script::new(first)),
        ("attach".to_owned(), again),
    ]));
    steps.push(Step::Hear("end".to_owned()));
    Ok(Script::new(steps))
}

impl Agent {
    fn new() -> Self {
        Self {
            operation: OperationId(Uuid::from_u128(0xbe9c)),
            digest: Digest::of(b"the order"),
            now: Timestamp::new(time::OffsetDateTime::now_utc()),
            journal: Position::START,
        }
    }

    /// What is said first.
    fn hello(&self) -> Result<Vec<Step>> {
        let hello = AgentFrame::Hello(Box::new(AgentHello {
            protocol: frame::PROTOCOL,
            version: nim_shared::VERSION.to_owned(),
            identity: identity(),
            boot: Boot::default(),
            clock: ClockReading { now: self.now, utc_offset_minutes: 0, zone: None },
            level: Some("7300-03-01-2520".to_owned()),
            operations: Vec::new(),
            live_update_lock: None,
        }));
        Ok(vec![Step::Hear("hello".to_owned()), self.say(&hello)?])
    }

    /// The answer to `start`, and the events up to `ready`.
    fn taken(&mut self) -> Result<Vec<Step>> {
        let taken = AgentFrame::Taken {
            operation: self.operation,
            digest: self.digest,
            at: Position::START,
            proceeded: false,
        };
        let mut steps = vec![self.say(&taken)?];
        let events = [
            // A hash covers it: nothing in it may differ from one order or host to another.
            Known::Taken {
                digest: Digest::of(b"any order"),
                fence: Fence(1),
                identity: Identity { hostname: None, ..identity() },
                boot: Boot::default(),
            },
            Known::Stage { stage: Named::Known(Stage::Pre) },
            passed("PASSED: adapters are virtual"),
            Known::Stage { stage: Named::Known(Stage::Prep) },
            Known::Point { point: Named::Known(Point::Ready) },
        ];
        for body in events {
            steps.push(self.event(body)?);
        }
        Ok(steps)
    }

    fn event(&mut self, body: Known) -> Result<Step> {
        let (epoch, seq) = (self.journal.epoch, self.journal.seq.next());
        let record = Record { epoch, seq, at: self.now, rootvg: Vec::new(), body: body.into() };
        let recorded = Recorded::after(self.journal.hash, self.operation, record)?;
        self.journal = Position { epoch, seq, hash: recorded.event.hash };
        self.say(&AgentFrame::Event(Box::new(recorded)))
    }

    fn say(&self, frame: &AgentFrame) -> Result<Step> {
        let line = String::from_utf8(frame::write(frame)?)?;
        let line = line
            .trim_end()
            .replace(&self.operation.to_string(), "${operation}")
            .replace(&self.digest.to_string(), "${digest}");
        Ok(Step::Say(line))
    }
}

fn passed(text: &str) -> Known {
    Known::Check { verdict: Named::Known(Verdict::Passed), code: None, text: text.to_owned() }
}

fn identity() -> Identity {
    Identity {
        machine_serial: Some("78ABCDE".to_owned()),
        // Behind one sshd nobody says which host is meant; what is not reported is not compared.
        partition_name: None,
        lpar_id: None,
        hostname: Some("${host}".to_owned()),
        installation: InstallationId(Uuid::from_u128(1)),
    }
}

fn snapshot() -> Snapshot {
    Snapshot { level: Some("7300-03-01-2520".to_owned()), ..Snapshot::default() }
}
