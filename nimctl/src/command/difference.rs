//! What changes in the inventory, object by object: shown before it is done, and asked about.

use nim_shared::api::{Action, Applied, AttributeChange};
use serde::Serialize;

use crate::command::{Context, ask};
use crate::error::Error;
use crate::output::text::{Paint, clean, count};
use crate::output::{Style, View};

/// Whether a person sees the differences before they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consent {
    /// `--dry-run`: they are shown, and that is all.
    ShowOnly,
    /// `--yes`: they are made.
    Given,
    /// They are shown and asked about.
    Asked,
}

impl Consent {
    /// From the two options.
    pub(super) const fn of(dry_run: bool, yes: bool) -> Self {
        match (dry_run, yes) {
            (true, _) => Self::ShowOnly,
            (false, true) => Self::Given,
            (false, false) => Self::Asked,
        }
    }
}

/// Shows `planned`, makes the changes by `act` when there are any and somebody wants them, and says what was done. What was answered
/// last.
pub(super) async fn settle<T: View + Differences>(
    planned: T,
    consent: Consent,
    context: &Context,
    act: impl AsyncFnOnce() -> Result<T, Error>,
) -> Result<T, Error> {
    if consent == Consent::ShowOnly || planned.applied().changes.is_empty() {
        context.printer.show(&planned)?;
        return Ok(planned);
    }
    let people = context.printer.format().is_for_people();
    if consent == Consent::Asked {
        if people {
            context.printer.show(&planned)?;
        } else {
            context.printer.on_stderr(&planned.table(context.printer.style_of_stderr()));
        }
        let objects = count(planned.applied().changes.len(), "object");
        let question = format!("Apply this to {objects}?");
        ask::confirm(
            &question,
            &format!("{objects} would change"),
            "`--yes` applies without a question, `--dry-run` only shows",
            context,
        )?;
    }
    let done = act().await?;
    if people && consent == Consent::Asked {
        context.printer.done(&sentence(done.applied()))?;
    } else {
        context.printer.show(&done)?;
    }
    Ok(done)
}

/// What has differences in it.
pub(super) trait Differences {
    /// The differences.
    fn applied(&self) -> &Applied;
}

/// What changes, object by object.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Difference(pub(super) Applied);

impl Differences for Difference {
    fn applied(&self) -> &Applied {
        &self.0
    }
}

impl View for Difference {
    fn table(&self, style: Style) -> String {
        format!("{}{}\n", list(&self.0, style), sentence(&self.0))
    }
}

/// The differences.
pub(super) fn list(applied: &Applied, style: Style) -> String {
    let mut text = String::new();
    for change in &applied.changes {
        let (sign, paint) = match change.action {
            Action::Create => ("+", Paint::Good),
            Action::Change => ("~", Paint::Care),
        };
        let head = format!("{sign} {} {}", change.object_type, change.name);
        text += &format!("{}\n", paint.paint(&head, style));
        for attribute in &change.attributes {
            text += &row(attribute);
        }
    }
    text
}

/// One attribute before and after. What has several lines is told by their number: `--output yaml` has all of it.
pub(super) fn row(change: &AttributeChange) -> String {
    let shown = |value: &str| match value.lines().count() {
        0 | 1 => clean(value.trim_end()),
        lines => format!("({lines} lines)"),
    };
    let value = match (&change.before, &change.after) {
        (None, Some(after)) => shown(after),
        (Some(before), Some(after)) => format!("{} -> {}", shown(before), shown(after)),
        (Some(before), None) => format!("{} -> (not set)", shown(before)),
        (None, None) => "(not set)".to_owned(),
    };
    format!("    {}: {value}\n", clean(&change.attribute))
}

/// How many objects are or would be created and changed.
pub(super) fn counts(applied: &Applied) -> String {
    let of = |action| applied.changes.iter().filter(|change| change.action == action).count();
    let verb = if applied.applied { "" } else { "would be " };
    format!("{verb}created: {}, {verb}changed: {}", of(Action::Create), of(Action::Change))
}

fn sentence(applied: &Applied) -> String {
    if applied.changes.is_empty() {
        return format!("nothing to change: {} as the files say", are(applied.unchanged));
    }
    format!("{}, as they were: {}", counts(applied), applied.unchanged)
}

fn are(unchanged: u64) -> String {
    if unchanged == 1 { "1 object is".to_owned() } else { format!("{unchanged} objects are") }
}
