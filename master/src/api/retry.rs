//! Doing again what failed, where that makes sense: the knowledge base and what is on disk decide, and say why not.

use axum::Json;
use axum::extract::State;
use nim_shared::api::{Accepted, Cust, Retry as Body};
use nim_shared::code::{Knowledge, Retry as Sense};
use nim_shared::id::OperationId;
use nim_shared::operation::{Outcome, Report, Software, StateName};
use nim_shared::request::{Install, Kind};

use super::Api;
use super::cust;
use super::error::{Answer, Refusal};
use super::extract::{Asker, Body as Given, Named};
use super::live_update_data::Sharers;
use crate::engine::operation::State as Engine;
use crate::store::Store;
use crate::store::object::NamePattern;
use crate::store::operation::{OperationFilter, Record};

/// `POST /v1/operations/{id}/retry`: the same request for this LPAR alone, as an operation of its own.
pub(super) async fn retry(
    State(api): State<Api>,
    Asker(who): Asker,
    Named(id): Named<OperationId>,
    Given(body): Given<Body>,
) -> Answer<Json<Accepted>> {
    let record = api.store.operation(id).await?;
    refuse_kind(&record)?;
    let batch = api.store.batch(record.batch).await?;
    let asked: Cust = serde_json::from_value(batch.request).map_err(|cause| {
        Refusal::internal(
            "NLU-0199",
            format!("the request of operation {id} cannot be read"),
            &cause,
        )
    })?;
    let again = again(asked, &record, &body);
    // The same request again, because its answer was lost: by now the newest operation of the LPAR is its own.
    if let Some(before) = cust::before(&api, &again).await? {
        return Ok(Json(before));
    }
    refuse(&record, &body, &*api.knowledge().await)?;
    refuse_past(&api.store, &record).await?;
    Ok(Json(cust::start(&api, who, again, Some(id), Sharers::Now).await?))
}

/// What is decided by what an LPAR shows at the moment is asked for anew.
fn refuse_kind(record: &Record) -> Answer<()> {
    let lpar = &record.lpar;
    match record.kind {
        Kind::ReleaseDisks => {
            Err(no_sense(format!("what can be released on {lpar} is seen anew each time"))
                .hint(format!("nimctl release-disks {lpar}")))
        }
        Kind::Rollback => {
            Err(no_sense(format!("what {lpar} can go back to is seen anew each time"))
                .hint(format!("nimctl rollback {lpar}")))
        }
        Kind::CleanUp | Kind::Snap => {
            let hint = match record.kind {
                Kind::CleanUp => format!(
                    "nimctl cleanup {lpar}; what was cleaned up after is done again by nimctl retry ID, and nimctl status --all has the ID"
                ),
                _ => format!("nimctl log {lpar} --file snap"),
            };
            Err(no_sense("that is asked for anew, by what is found then".to_owned()).hint(hint))
        }
        Kind::Preview
        | Kind::Update
        | Kind::InstallPreview
        | Kind::Install
        | Kind::MaintPreview
        | Kind::Maint
        | Kind::AltDisk => Ok(()),
    }
}

/// The request for what is done again.
fn again(asked: Cust, record: &Record, body: &Body) -> Cust {
    let again = Cust {
        token: body.token,
        targets: vec![record.lpar.to_string()],
        concurrent: None,
        time_limit: None,
        ..asked
    };
    if !body.move_only {
        return again;
    }
    // What is installed stays as it is: the kernel is moved to it.
    Cust {
        kind: Kind::Update,
        lpp_source: None,
        install: Install::Nothing,
        bundles: Vec::new(),
        fixes: Vec::new(),
        fix_bundles: Vec::new(),
        accept_licenses: false,
        installp_flags: None,
        strategy: None,
        alt_disk: None,
        ..again
    }
}

/// Why it is not done again.
fn refuse(record: &Record, body: &Body) -> Answer<()> {
    let (lpar, id) = (&record.lpar, record.id);
    let report = record.report.as_ref();
    let outcome = match &record.operation.state {
        Engine::Ended { outcome } => outcome,
        Engine::Stuck { .. } => {
            return Err(no_sense(format!(
                "the operation on {lpar} is stuck: a person is needed first"
            ))
            .hint(format!("nimctl status {id} says what to look at; then nimctl resolve")));
        }
        Engine::Queued | Engine::Dispatching { .. } | Engine::Running(_) => {
            return Err(no_sense(format!("the operation on {lpar} is not over"))
                .hint(format!("nimctl watch {id}")));
        }
    };
    let software = match outcome {
        Outcome::Failed { software } => *software,
        Outcome::Cancelled => Software::Unchanged,
        Outcome::Succeeded { follow_up } if follow_up.is_empty() => {
            return Err(no_sense(format!("the operation on {lpar} has succeeded")));
        }
        Outcome::Succeeded { follow_up } => {
            let open: Vec<_> = follow_up.iter().map(ToString::to_string).collect();
            let text = "it is in effect, and running it again repairs nothing";
            return Err(no_sense(format!("the operation on {lpar} has succeeded: {text}"))
                .hint(format!("what is open: {}; nimctl status {id}", open.join(", "))));
        }
        Outcome::Unchanged | Outcome::Stuck { .. } => {
            let state = StateName::Unchanged;
            return Err(no_sense(format!(
                "the operation on {lpar} is {state}: there is nothing to do"
            )));
        }
    };
    let known = report.map(|report| knowledge.of_codes(&report.codes, &report.messages));
    let known = known.unwrap_or_default();
    if let Some(never) = known.iter().find(|entry| entry.retry == Sense::Never) {
        return Err(no_sense(format!("{}: {}: {}", never.code, never.title, never.cause))
            .hint(never.remedy.clone()));
    }
    refuse_by_software(record, software, body.move_only)?;
    let open: Vec<_> = known.iter().filter(|entry| entry.retry == Sense::AfterRemedy).collect();
    if open.is_empty() || body.remedied {
        return Ok(());
    }
    let what: Vec<_> = open.iter().map(|one| format!("{}: {}", one.code, one.title)).collect();
    let options = if body.move_only { "--move-only --remedied" } else { "--remedied" };
    let remedies: Vec<&str> = open.iter().map(|one| &*one.remedy).collect();
    let message =
        format!("the {} of {lpar} would fail again: {}", record.kind.words(), what.join("; "));
    // What a remedy calls the summary.
    let summary = report.map(|report| format!("its summary: {}", report.summary));
    Err(Refusal::refused("NLU-0156", message)
        .caused_by(summary)
        .hint(format!("{} When that is done: nimctl retry {options} {id}", remedies.join(" "))))
}

/// What is on disk decides what can be done again.
fn refuse_by_software(record: &Record, software: Software, move_only: bool) -> Answer<()> {
    let (lpar, id) = (&record.lpar, record.id);
    let moves = record.kind.moves();
    match software {
        Software::AppliedNotLive if moves && !move_only => Err(no_sense(format!(
            "the software is installed on {lpar}, and only the kernel is not moved"
        ))
        .hint(format!("nimctl retry --move-only {id}"))),
        Software::Applied => {
            Err(no_sense(format!("everything is installed on {lpar}: what failed came after it"))
                .hint("ask for what is missing alone, such as the script, with nimctl cust"))
        }
        Software::Unchanged | Software::PartlyApplied if move_only => Err(no_sense(format!(
            "the software is not installed on {lpar}: there is no new kernel to move to"
        ))
        .hint(format!("nimctl retry {id}"))),
        Software::AppliedNotLive if !moves && move_only => {
            Err(no_sense(format!("the operation on {lpar} was no Live Update")))
        }
        Software::Unchanged | Software::PartlyApplied | Software::AppliedNotLive => Ok(()),
    }
}

/// What has been done to the LPAR since makes the old request one of the past. Previews do not, nor does what it may have asked for before
/// it is done again: a clean-up, disks that were freed, logs that were collected.
async fn refuse_past(store: &Store, record: &Record) -> Answer<()> {
    let lpar = NamePattern::from(&record.lpar);
    let filter = OperationFilter { lpars: vec![lpar], ..OperationFilter::default() };
    let newest = store.operations(&filter, None, LATER).await?.items;
    let later = newest.iter().take_while(|one| one.id != record.id);
    match later.into_iter().find(|one| makes_past(one.kind)) {
        Some(later) => Err(no_sense(format!(
            "another operation on {} came after it: {}",
            record.lpar, later.id
        ))
        .hint(format!("nimctl status {}", later.id))),
        None => Ok(()),
    }
}

/// Whether what was asked for before an operation of this kind is one of the past by it.
const fn makes_past(kind: Kind) -> bool {
    match kind {
        Kind::Preview
        | Kind::InstallPreview
        | Kind::MaintPreview
        | Kind::CleanUp
        | Kind::ReleaseDisks
        | Kind::Snap => false,
        Kind::Update | Kind::Install | Kind::Maint | Kind::AltDisk | Kind::Rollback => true,
    }
}

fn no_sense(message: String) -> Refusal {
    Refusal::refused("NLU-0155", message)
}

/// How many of the newest operations are looked through.
const LATER: u32 = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_failure_asks_for_does_not_make_it_one_of_the_past() {
        let past = |kinds: &[Kind]| kinds.iter().filter(|kind| makes_past(**kind)).count();
        assert_eq!(past(&[Kind::CleanUp, Kind::ReleaseDisks, Kind::Snap, Kind::Preview]), 0);
        assert_eq!(past(&[Kind::Update, Kind::Install, Kind::Maint, Kind::Rollback]), 4);
    }
}
