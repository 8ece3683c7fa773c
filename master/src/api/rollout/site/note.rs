//! What somebody should know of what a plan rests on.

use std::collections::BTreeSet;

use nim_rollout::facts::Snapshot;
use nim_rollout::file::Rollout;
use nim_rollout::plan::Plan;
use nim_rollout::reach::idle;
use nim_shared::api::Basis;
use nim_shared::id::ObjectName;

use super::Site;

impl Site {
    /// What somebody should know of what the plan rests on.
    pub(in crate::api::rollout) fn notes(&self, file: &Rollout, plan: &Plan) -> Vec<String> {
        let mut notes = Vec::new();
        let targets = || plan.targets.iter().map(|one| &one.lpar);
        let unseen: Vec<_> = targets().filter(|name| !self.looked_at.contains(*name)).collect();
        if !unseen.is_empty() {
            let who = some(&unseen);
            notes.push(format!("no preflight of {who} is on record: nimctl preflight"));
        }
        let lonely: Vec<_> = targets().filter(|name| self.lonely.contains(*name)).collect();
        if lonely.len() > 1 {
            let who = some(&lonely);
            notes.push(format!(
                "{who} are PowerHA nodes and run one after the other: apart.labels or apart.lists of the file can say who is whose partner"
            ));
        }
        let assumed: Vec<_> = plan
            .targets
            .iter()
            .filter(|one| one.basis == Basis::Assumed)
            .map(|one| &one.lpar)
            .collect();
        if !assumed.is_empty() {
            let who = some(&assumed);
            notes.push(format!(
                "how long {who} may take is assumed: a preview estimates it, nimctl cust --preview"
            ));
        }
        let unread: Vec<_> =
            self.frames.iter().filter(|one| one.read_at.is_none()).map(|one| &one.name).collect();
        if !unread.is_empty() {
            let who = some(&unread);
            notes.push(format!(
                "what is free on {who} was never read: there only the number of updates counts"
            ));
        }
        let placeless: Vec<_> =
            plan.targets.iter().filter(|one| one.frame.is_none()).map(|one| &one.lpar).collect();
        if !placeless.is_empty() {
            let who = some(&placeless);
            notes.push(format!("the frame of {who} is not known: nimctl discover"));
        }
        let unserved = unserved(plan, &self.snapshot);
        if !unserved.is_empty() {
            let who = some(&unserved);
            notes.push(format!(
                "which VIOSes serve {who} is not known, so that no limit, no distance and no maintenance of a VIOS counts there: nimctl tree has what was read of the VIOSes, nimctl discover defines them"
            ));
        }
        notes.extend(idle(file, &self.snapshot));
        notes
    }
}

/// The LPARs of which nothing says which VIOSes serve them, although their frame is known: none is on record there, or none that was read
/// serves them.
fn unserved<'p>(plan: &'p Plan, snapshot: &Snapshot) -> Vec<&'p ObjectName> {
    let silent = snapshot.lpars.iter().filter(|one| one.frame.is_some() && one.vioses.is_empty());
    let silent: BTreeSet<&ObjectName> = silent.map(|one| &one.name).collect();
    let planned = plan.targets.iter().map(|one| &one.lpar);
    planned
        .chain(plan.held.iter().map(|one| &one.lpar))
        .filter(|one| silent.contains(one))
        .collect()
}

/// Some names, and how many more there are.
fn some(names: &[&ObjectName]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<&str> = names.iter().take(SHOWN).map(|name| name.as_str()).collect();
    match names.len() {
        0..=SHOWN => shown.join(", "),
        many => format!("{} and {} more", shown.join(", "), many - SHOWN),
    }
}

#[cfg(test)]
mod tests {
    use nim_rollout::plan::{Input, make};
    use nim_rollout::testing::{one_each, rollout};

    use super::*;

    #[test]
    fn lpars_whose_vioses_are_not_known_are_named_also_when_they_are_held_back() {
        let mut snapshot = one_each(4);
        snapshot.lpars[0].vioses.insert("vios1".parse().unwrap());
        snapshot.lpars[1].held.push("its partition is Open Firmware".to_owned());
        // What is to be done about that is another matter.
        snapshot.lpars[2].frame = None;
        let file = rollout("");
        let input = Input { file: &file, snapshot: &snapshot, history: &[], begin: snapshot.at };
        let plan = make(&input);
        let mut found: Vec<&str> =
            unserved(&plan, &snapshot).into_iter().map(ObjectName::as_str).collect();
        found.sort_unstable();
        assert_eq!(found, ["lpar1", "lpar3"]);
    }

    #[test]
    fn of_many_names_some_are_shown() {
        let names: Vec<ObjectName> = (1..6).map(|at| format!("a{at}").parse().unwrap()).collect();
        let names: Vec<&ObjectName> = names.iter().collect();
        assert_eq!(some(&names[..3]), "a1, a2, a3");
        assert_eq!(some(&names), "a1, a2, a3 and 2 more");
    }
}
