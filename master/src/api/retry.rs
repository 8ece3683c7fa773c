//! Doing again what failed, where that makes sense: the knowledge base and what is on disk decide, and say why not.

use axum::Json;
use axum::extract::State;
use nim_shared::api::{Accepted, Cust, Retry as Body};
use nim_shared::code::{Knowledge, Retry as Sense};
use nim_shared::id::OperationId;
use nim_shared::lpp::{base, is_interim_fix, label_of};
use nim_shared::operation::{Outcome, Snapshot, Software, StateName};
use nim_shared::request::{Install, Kind};

use super::Api;
use super::cust;
use super::error::{Answer, Refusal};
use super::extract::{Asker, Body as Given, Named};
use super::live_update_data::Sharers;
use crate::engine::operation::State as Engine;
use crate::store::Store;
use crate::store::lpp::LppIndex;
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
    let fixes = if body.move_only { fixes(&api, &asked, &record).await? } else { Vec::new() };
    let again = again(asked, &record, &body, fixes);
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

/// The interim fixes that go with a move: those of the order that are not installed yet. Source: LU §4.5, "split": they go with
/// `geninstall -k`, so where the move failed they are missing.
async fn fixes(api: &Api, asked: &Cust, record: &Record) -> Answer<Vec<String>> {
    #[derive(serde::Deserialize)]
    struct Ordered {
        install: Install,
    }
    // As it was sent to this LPAR: packages of bundles are in it by name.
    let Ordered { install } = serde_json::from_str(&record.request).map_err(|cause| {
        Refusal::internal(
            "NLU-0199",
            format!("the order of operation {} cannot be read", record.id),
            &cause,
        )
    })?;
    let all = match (install, &asked.lpp_source) {
        (Install::List(names), _) => names,
        (Install::All, Some(source)) => match api.store.lpp_index(source).await? {
            Some(LppIndex { found: Ok(content), .. }) => {
                content.ifixes.iter().map(|ifix| base(&ifix.file).to_owned()).collect()
            }
            Some(_) | None => {
                let text = format!(
                    "what is in {source}, whose interim fixes go with the move, is not known"
                );
                return Err(Refusal::refused("NLU-0254", text).hint(format!(
                    "nim -o check {source}; then nimctl retry --move-only {}",
                    record.id
                )));
            }
        },
        (Install::All | Install::Nothing | Install::UpdateAll, _) => Vec::new(),
    };
    let after = record.report.as_ref().and_then(|report| report.after.as_ref());
    Ok(missing(all, after))
}

/// Those of `names` that are interim fixes and not installed `after` the operation; all where that is not known.
fn missing(names: Vec<String>, after: Option<&Snapshot>) -> Vec<String> {
    let is_there = |name: &str| after.is_some_and(|after| after.has_fix(label_of(name)));
    names.into_iter().filter(|name| is_interim_fix(name) && !is_there(name)).collect()
}

/// The request for what is done again; of a move alone with these interim fixes.
fn again(asked: Cust, record: &Record, body: &Body, fixes: Vec<String>) -> Cust {
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
    moved(again, fixes)
}

/// What is installed stays as it is: the kernel is moved to it, with the interim fixes that are missing.
fn moved(asked: Cust, fixes: Vec<String>) -> Cust {
    let (lpp_source, install, accept_licenses) = if fixes.is_empty() {
        (None, Install::Nothing, false)
    } else {
        (asked.lpp_source.clone(), Install::List(fixes), asked.accept_licenses)
    };
    Cust {
        kind: Kind::Update,
        lpp_source,
        install,
        bundles: Vec::new(),
        fixes: Vec::new(),
        fix_bundles: Vec::new(),
        accept_licenses,
        installp_flags: None,
        strategy: None,
        alt_disk: None,
        ..asked
    }
}

/// Why it is not done again.
fn refuse(record: &Record, body: &Body, knowledge: &Knowledge) -> Answer<()> {
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
    fn a_move_alone_takes_the_interim_fixes_along_that_are_missing() {
        let names =
            || ["bos.rte.libc", "IJ1.241031.epkg.Z", "E:IJ2s1a.250101.epkg.Z"].map(str::to_owned);
        let after = |labels: &[&str]| Snapshot {
            interim_fixes: Some(labels.iter().map(|label| (*label).to_owned()).collect()),
            ..Snapshot::default()
        };
        let of = |after: Option<&Snapshot>| missing(names().into(), after).join(" ");
        assert_eq!(of(None), "IJ1.241031.epkg.Z E:IJ2s1a.250101.epkg.Z");
        assert_eq!(of(Some(&after(&["IJ2s1a"]))), "IJ1.241031.epkg.Z");
        assert_eq!(of(Some(&after(&["IJ1", "IJ2s1a"]))), "");

        let asked: Cust = serde_json::from_value(serde_json::json!({
            "token": uuid::Uuid::nil(), "targets": ["lpar01"], "kind": "update", "lpp_source": "tl5",
            "install": {"list": names()}, "strategy": "split", "accept_licenses": true,
            "live_update_data": "lu01", "concurrent": null, "time_limit": null,
        }))
        .unwrap();
        let with = moved(asked.clone(), vec!["IJ1.241031.epkg.Z".to_owned()]);
        assert_eq!(with.install, Install::List(vec!["IJ1.241031.epkg.Z".to_owned()]));
        assert_eq!(
            (with.lpp_source.as_ref().unwrap().as_str(), with.accept_licenses),
            ("tl5", true)
        );
        assert_eq!((with.strategy, with.live_update_data.as_deref()), (None, Some("lu01")));
        let without = moved(asked, Vec::new());
        assert_eq!((without.install, without.lpp_source), (Install::Nothing, None));
    }

    #[test]
    fn what_a_failure_asks_for_does_not_make_it_one_of_the_past() {
        let past = |kinds: &[Kind]| kinds.iter().filter(|kind| makes_past(**kind)).count();
        assert_eq!(past(&[Kind::CleanUp, Kind::ReleaseDisks, Kind::Snap, Kind::Preview]), 0);
        assert_eq!(past(&[Kind::Update, Kind::Install, Kind::Maint, Kind::Rollback]), 4);
    }
}
