//! Whether an LPAR of a rollout can be tried again: where it stands decides, what is on its disk, and the knowledge base.

use nim_rollout::run::Standing;
use nim_shared::api::TryAgain;
use nim_shared::code::{Knowledge, Retry as Sense};
use nim_shared::operation::{Outcome, Software};

use crate::store::rollout::Started;

/// Of a target, by its last operation.
pub(super) fn again(one: &Standing, found: Option<&Started>, knowledge: &Knowledge) -> TryAgain {
    if let Some(why) = one.no_retry() {
        return TryAgain::Not { why: why.to_owned() };
    }
    if let Some(Started { id, state, .. }) = found.filter(|found| !found.state.is_terminal()) {
        return TryAgain::Not { why: format!("operation {id} is {state} on it") };
    }
    let Some((id, report)) = found.and_then(|found| Some((found.id, found.report.as_ref()?)))
    else {
        return TryAgain::Now;
    };
    if let Outcome::Failed { software: Software::AppliedNotLive } = report.outcome {
        // The same request again would find nothing to install.
        let why = "the software is installed, and only the kernel is not moved";
        return TryAgain::Not { why: format!("{why}: nimctl retry --move-only {id}") };
    }
    let known = knowledge.of_codes(&report.codes, &report.messages);
    let open = known.iter().filter(|entry| entry.retry == Sense::AfterRemedy);
    let open: Vec<String> =
        open.map(|one| format!("{}: {}: {}", one.code, one.title, one.remedy)).collect();
    if open.is_empty() { TryAgain::Now } else { TryAgain::AfterRemedy { remedy: open.join(" ") } }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use nim_rollout::run::{End, Is};
    use nim_shared::code;
    use nim_shared::id::OperationId;
    use nim_shared::operation::{Report, StateName};
    use uuid::Uuid;

    use super::*;

    fn standing(end: End) -> Standing {
        let is = Is::Ended { end, keeps_capacity: false };
        Standing {
            is,
            attempt: 1,
            withdrawn: 0,
            held: None,
            asks: None,
            drifted: None,
            since: None,
            doubts: BTreeSet::new(),
            trusted: BTreeSet::new(),
        }
    }

    fn failed(software: Software, codes: &[&str]) -> Started {
        let report = Report {
            codes: codes.iter().map(|code| (*code).to_owned()).collect(),
            ..Report::of(Outcome::Failed { software }, "it failed")
        };
        Started {
            id: OperationId(Uuid::nil()),
            state: StateName::Failed,
            taken: true,
            cancel_asked: false,
            waits_since: None,
            report: Some(report),
            released: true,
        }
    }

    #[test]
    fn what_is_on_disk_and_what_is_known_decide_whether_it_is_tried_again() {
        let knowledge = Knowledge::default();
        let of = |end, found: Option<&Started>| again(&standing(end), found, &knowledge);
        let sick = || End::Failed { sense: Sense::SeeOthers };
        assert_eq!(of(End::Unreachable, None), TryAgain::Now);
        assert_eq!(of(End::Skipped { why: "it moved".to_owned() }, None), TryAgain::Now);
        assert_eq!(of(End::Updated, None), TryAgain::Not { why: "it is done".to_owned() });
        let not = of(sick(), Some(&failed(Software::AppliedNotLive, &[])));
        assert!(
            matches!(&not, TryAgain::Not { why } if why.contains("retry --move-only")),
            "{not:?}"
        );
        assert_eq!(of(sick(), Some(&failed(Software::Unchanged, &["0000-000"]))), TryAgain::Now);
        let open = Started { state: StateName::Running, ..failed(Software::Unchanged, &[]) };
        assert!(
            matches!(of(sick(), Some(&open)), TryAgain::Not { why } if why.contains("running"))
        );
        let entry = code::find("1430-030").unwrap();
        assert_eq!(entry.retry, Sense::AfterRemedy);
        let first = of(sick(), Some(&failed(Software::Unchanged, &["1430-030"])));
        let TryAgain::AfterRemedy { remedy } = &first else { panic!("{first:?}") };
        assert!(remedy.contains(entry.remedy), "{remedy}");
        // What the site says may pass by itself needs nothing to be done first.
        let later = "codes: [{code: 1430-030, title: t, cause: c, remedy: r, retry: later}]";
        let file = nim_shared::api::File { name: "codes.yaml".to_owned(), text: later.to_owned() };
        let codes: code::SiteCodes = nim_shared::yaml::read_settings(&file).unwrap();
        let site = Knowledge::with(codes.checked().unwrap());
        let found = failed(Software::Unchanged, &["1430-030"]);
        assert_eq!(again(&standing(sick()), Some(&found), &site), TryAgain::Now);
    }
}
