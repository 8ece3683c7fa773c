//! `preflight --explain`: a check or a workload in words.

use nim_shared::api::{Failure, FailureKind};
use nim_shared::preflight::workload::{self, Profile};
use nim_shared::preflight::{self, Explained, Ours};
use serde::Serialize;

use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::text::clean;
use crate::output::{Style, View};

#[derive(Serialize)]
#[serde(transparent)]
struct One(Explained);

impl View for One {
    fn table(&self, _: Style) -> String {
        let one = &self.0;
        let before = one.precondition.as_deref().unwrap_or("nothing");
        format!(
            "{}: {}\n  severity:      {}\n  levels:        {}\n  looks at:      {}\n  remedy:        {}\n  \
             only where:    {before}\n  danger:        {}\n  done by nimd:  {}\n  source:        {}\n",
            one.check,
            one.title,
            one.severity,
            one.levels,
            one.looks_at,
            one.remedy,
            one.danger,
            done(one),
            one.source
        )
    }
}

/// What `nimd` does of the remedy.
fn done(one: &Explained) -> String {
    let part = match one.ours {
        Ours::Nothing => return "nothing".to_owned(),
        Ours::Applies => return "it applies it; there is nothing to put back".to_owned(),
        Ours::Undoes => "it applies it and puts it back",
        Ours::ForGood => "it applies it, for good",
    };
    one.step.map_or_else(
        || part.to_owned(),
        |step| format!("{part}, where the policy of the LPAR has prep: {step}"),
    )
}

/// A workload in words.
#[derive(Serialize)]
struct OneWorkload {
    workload: &'static str,
    title: &'static str,
    recognised_by: Vec<String>,
    stance: &'static str,
    timeouts: Vec<TimeoutText>,
    hooks: &'static str,
    watch: &'static str,
    source: &'static str,
}

/// A time-out in words.
#[derive(Serialize)]
struct TimeoutText {
    name: &'static str,
    effect: &'static str,
}

impl From<&'static Profile> for OneWorkload {
    fn from(profile: &'static Profile) -> Self {
        let groups = profile.signs.iter().map(|group| {
            let signs: Vec<_> = group.iter().map(ToString::to_string).collect();
            signs.join(" and ")
        });
        let timeouts = profile.timeouts.iter();
        let timeouts = timeouts.map(|one| TimeoutText { name: one.name, effect: one.effect });
        Self {
            workload: profile.id,
            title: profile.title,
            recognised_by: groups.collect(),
            stance: profile.stance.text(),
            timeouts: timeouts.collect(),
            hooks: profile.hooks,
            watch: profile.watch,
            source: profile.source,
        }
    }
}

impl View for OneWorkload {
    fn table(&self, _: Style) -> String {
        let mut text = format!(
            "{}: {}\n  recognised by: {}\n  live update:   {}\n",
            self.workload,
            self.title,
            self.recognised_by.join("; "),
            self.stance
        );
        for one in &self.timeouts {
            text += &format!("  time-out:      {}: {}\n", one.name, one.effect);
        }
        if !self.timeouts.is_empty() {
            text += "                 their values are not known: the site names them in checks.yaml on the master\n";
        }
        text += &format!(
            "  hooks:         {}\n  watch:         {}\n  source:        {}\n",
            self.hooks, self.watch, self.source
        );
        text
    }
}

pub(super) fn run(id: &str, context: &Context) -> Result<Exit, Error> {
    if let Some(profile) = workload::profile(id) {
        context.printer.show(&OneWorkload::from(profile))?;
        return Ok(Exit::Done);
    }
    let Some(check) = preflight::check(id) else {
        context.printer.failure(&Failure {
            code: "NLU-0550".to_owned(),
            message: format!("no check and no workload is called \"{}\"", clean(id)),
            causes: Vec::new(),
            hint: Some("nimctl preflight --all shows all checks".to_owned()),
            faults: Vec::new(),
            kind: FailureKind::NotFound,
        });
        return Ok(Exit::Refused);
    };
    context.printer.show(&One(check.into()))?;
    Ok(Exit::Done)
}
