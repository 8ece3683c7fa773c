//! What is known of the operations that are followed. Pure: messages come in, things to say come out.

use std::collections::HashMap;

use nim_shared::api::{EventView, OperationView, Watched};
use nim_shared::frame::{Body, Known};
use nim_shared::id::OperationId;
use nim_shared::operation::StateName;
use nim_shared::stamp::Timestamp;

use super::summary::outcome;
use super::{is_over, place, sentence};
use crate::exit::Exit;
use crate::output::text::Paint;

/// The operations that are followed, in the order in which they were asked for.
pub(super) struct Board {
    rows: Vec<Row>,
    index: HashMap<OperationId, usize>,
    /// `nimd` said that there is nothing more to come.
    ended: bool,
}

/// One operation.
pub(super) struct Row {
    pub(super) view: OperationView,
    /// What was said last of where it stands, so that it is said once.
    said: String,
    /// What it was last said to wait for, without figures that change.
    waits: Option<String>,
}

/// Something to say about an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// When it happened, by the master's clock.
    pub(super) at: Timestamp,
    pub(super) lpar: String,
    pub(super) text: String,
    pub(super) weight: Weight,
}

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// A stage or phase was entered: a line of its own only where there is no live display.
    Progress,
    /// Worth a line everywhere.
    Matters(Paint),
}

impl Board {
    pub(super) fn new(operations: Vec<OperationView>) -> Self {
        let index = operations.iter().enumerate().map(|(index, view)| (view.id, index)).collect();
        let rows = operations.into_iter().map(Row::new).collect();
        Self { rows, index, ended: false }
    }

    pub(super) fn rows(&self) -> &[Row] {
        &self.rows
    }

    pub(super) fn into_views(self) -> Vec<OperationView> {
        self.rows.into_iter().map(|row| row.view).collect()
    }

    /// Whether there is nothing left to follow.
    pub(super) fn is_over(&self) -> bool {
        self.ended || self.rows.iter().all(|row| is_over(row.view.state))
    }

    /// What the shell is told once it is over.
    pub(super) fn exit(&self) -> Exit {
        let good = |state| matches!(state, StateName::Succeeded | StateName::Unchanged);
        if self.rows.iter().all(|row| good(row.view.state)) {
            Exit::Done
        } else {
            Exit::DidNotSucceed
        }
    }

    /// Takes a message in; gives what is to be said about it.
    pub(super) fn take(&mut self, watched: &Watched) -> Vec<Said> {
        match watched {
            Watched::Operation(view) => self.operation(view),
            Watched::Event(event) => self.event(event),
            Watched::End => {
                self.ended = true;
                Vec::new()
            }
        }
    }

    fn operation(&mut self, view: &OperationView) -> Vec<Said> {
        // An operation that joined the request later gets a row too.
        let at = *self.index.entry(view.id).or_insert_with(|| {
            self.rows.push(Row::new(view.clone()));
            self.rows.len() - 1
        });
        let row = &mut self.rows[at];
        let before = std::mem::replace(&mut row.view, view.clone());
        // An estimate that came as an event may not be in the operation yet.
        let row_view = &mut row.view;
        row_view.estimated_blackout = view.estimated_blackout.or(before.estimated_blackout);
        row_view.estimated_total = view.estimated_total.or(before.estimated_total);
        let mut said = Vec::new();
        let since = view.ended_at.or(view.entered_at).unwrap_or(view.created_at);
        if is_over(view.state) {
            let (text, paint) = outcome(view);
            said.extend(row.say(since, text, Weight::Matters(paint)));
            return said;
        }
        let standing = match view.state {
            StateName::Running => place(view),
            state => state.to_string(),
        };
        // The events that led there follow at once, and say so in their order.
        let is_told = view.state == StateName::Running && row.said.is_empty();
        if !standing.is_empty() && !is_told {
            said.extend(row.say(since, standing, Weight::Progress));
        }
        said.extend(row.wait(since));
        let silent = view
            .phase
            .as_ref()
            .and_then(|phase| phase.known())
            .is_some_and(|phase| phase.is_silent());
        if let (None, Some(lost)) = (before.lost_contact_since, view.lost_contact_since) {
            let (text, weight) = if silent {
                ("silent, as expected", Weight::Progress)
            } else {
                ("no contact; what runs on the LPAR goes on", Weight::Matters(Paint::Care))
            };
            said.push(Said {
                at: lost,
                lpar: view.lpar.to_string(),
                text: text.to_owned(),
                weight,
            });
        }
        if let (Some(_), None) = (before.lost_contact_since, view.lost_contact_since) {
            let text = "in contact again".to_owned();
            said.push(Said {
                at: since,
                lpar: view.lpar.to_string(),
                text,
                weight: Weight::Progress,
            });
        }
        if !before.cancel_asked && view.cancel_asked {
            let text = "cancel asked for".to_owned();
            let weight = Weight::Matters(Paint::Care);
            said.push(Said { at: since, lpar: view.lpar.to_string(), text, weight });
        }
        said
    }

    fn event(&mut self, view: &EventView) -> Vec<Said> {
        let Some(row) = self.index.get(&view.event.operation).map(|at| &mut self.rows[*at]) else {
            return Vec::new();
        };
        let Body::Known(known) = &view.event.body else {
            return Vec::new();
        };
        match &**known {
            Known::Stage { stage } => {
                row.view.stage = Some(stage.clone());
                row.view.phase = None;
                row.view.entered_at = Some(view.stored_at);
                row.say(view.stored_at, place(&row.view), Weight::Progress).into_iter().collect()
            }
            Known::Phase { phase, .. } => {
                row.view.phase = Some(phase.clone());
                row.view.entered_at = Some(view.stored_at);
                row.say(view.stored_at, place(&row.view), Weight::Progress).into_iter().collect()
            }
            known => {
                if let Known::Estimate { blackout, total } = known {
                    row.view.estimated_blackout = blackout.or(row.view.estimated_blackout);
                    row.view.estimated_total = total.or(row.view.estimated_total);
                    if total.is_none() {
                        // geninstall prints the two one after the other; both are said together.
                        return Vec::new();
                    }
                }
                let weight = match sentence::paint(known) {
                    Some(paint) => Weight::Matters(paint),
                    None => return Vec::new(),
                };
                let text = sentence::of(&view.event.body, row.view.kind);
                vec![Said { at: view.stored_at, lpar: row.view.lpar.to_string(), text, weight }]
            }
        }
    }
}

impl Row {
    fn new(view: OperationView) -> Self {
        Self { view, said: String::new(), waits: None }
    }

    /// What it waits for, unless that was said already. Lost contact has a line of its own.
    fn wait(&mut self, at: Timestamp) -> Option<Said> {
        let what = self.view.waits_for.as_ref().filter(|_| self.view.lost_contact_since.is_none());
        // Others take what was free for a moment: while it is about the same, it is said once.
        let about = what?.split(':').next();
        if self.waits.as_deref() == about {
            return None;
        }
        self.waits = about.map(str::to_owned);
        let text = format!("waits ({})", what?);
        Some(Said { at, lpar: self.view.lpar.to_string(), text, weight: Weight::Progress })
    }

    /// Something about where it stands, unless that was said already.
    fn say(&mut self, at: Timestamp, text: String, weight: Weight) -> Option<Said> {
        if self.said == text {
            return None;
        }
        self.said.clone_from(&text);
        Some(Said { at, lpar: self.view.lpar.to_string(), text, weight })
    }
}
