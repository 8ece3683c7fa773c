use std::time::Duration;

use nim_rollout::run::{Event, Phase, Recorded, State, Step};
use nim_shared::id::RolloutId;
use nim_shared::object::ObjectType;
use nim_shared::stage::{Point, Stage};
use nim_shared::unit::{Megabytes, ProcessorUnits};
use sea_orm::sqlx::query;

use super::*;
use crate::engine::operation::{Gate, Operation, Run, State as OperationState};
use crate::store::lease::LeaseTimes;
use crate::store::object::{Change, Mode};
use crate::store::operation::Step as Move;
use crate::store::reservation::FrameReading;
use crate::store::testing;
use crate::store::testing::rollout::{begun, told};
use crate::store::testing::world::{
    SOMEBODY, accepted, claimed, master, name, no_limits, nobody, object, partition, reading,
    request, site,
};

#[tokio::test]
async fn lpars_are_read_with_groups_that_do_not_leave_them_out() {
    let store = testing::store().await;
    site(&store, 3).await;
    let group = [("member", "lpar01,lpar02"), ("excluded", "lpar02")];
    let group = object(ObjectType::MacGroup, "web", &group);
    let empty = object(ObjectType::MacGroup, "frozen", &[]);
    let both = vec![Change::Define(group), Change::Define(empty)];
    store.apply(both, Mode::Store, SOMEBODY).await.unwrap();
    assert_eq!(store.group_names().await.unwrap(), ["frozen", "web"].map(str::to_owned).into());
    let found = store.rollout_candidates().await.unwrap();
    let groups: Vec<_> = found.iter().map(|one| (one.name.as_str(), one.groups.len())).collect();
    assert_eq!(groups, [("lpar01", 1), ("lpar02", 0), ("lpar03", 0)]);
    assert_eq!(found[0].frame, Some(name("p10a")));
    assert_eq!((found[0].partition.as_str(), found[0].level), ("lpar01", None));
    assert_eq!(found[0].labels["env"], "test");
}

#[tokio::test]
async fn where_partitions_stand_is_what_was_read_of_their_frame() {
    let store = testing::store().await;
    site(&store, 2).await;
    let (one, two) = (name("lpar01"), name("lpar02"));
    let states = || async { store.partition_states(&[&one, &two]).await.unwrap() };
    assert_eq!(states().await, BTreeMap::new(), "nobody has looked");
    for state in ["Running", "Not Activated"] {
        let read_at = store.now().await.unwrap();
        let partitions =
            vec![partition("lpar01", 11, state), partition("lpar01_lku0", 12, "Open Firmware")];
        let read = FrameReading { partitions, ..reading(read_at, 1) };
        store.record_reading(&name("p10a"), &read).await.unwrap();
        assert_eq!(states().await, BTreeMap::from([(one.clone(), state.to_owned())]));
    }
}

#[tokio::test]
async fn what_partitions_have_is_kept_with_the_reading_of_their_frame() {
    let store = testing::store().await;
    site(&store, 1).await;
    let frame = name("p10a");
    let shape = Shape {
        memory: Megabytes(8192),
        min_memory: Megabytes(2048),
        max_memory: Megabytes(16_384),
        hpt_ratio: Some(128),
        processors: ProcessorUnits { hundredths: 150 },
        min_processors: Some(ProcessorUnits { hundredths: 20 }),
        pool: Some(3),
    };
    let read_at = store.now().await.unwrap();
    let pools = BTreeMap::from([(3, ProcessorUnits { hundredths: 250 })]);
    let read = |read_at, shapes: &[(&str, Shape)]| FrameReading {
        pools: if shapes.is_empty() { BTreeMap::new() } else { pools.clone() },
        shapes: shapes.iter().map(|(name, shape)| ((*name).to_owned(), *shape)).collect(),
        ..reading(read_at, 1)
    };
    store.record_reading(&frame, &read(read_at, &[("lpar01", shape)])).await.unwrap();
    assert_eq!(store.frame_shapes(&[&frame]).await.unwrap()[&frame]["lpar01"], shape);
    assert_eq!(store.frame_pools(&[&frame]).await.unwrap()[&frame], pools);
    assert_eq!(store.ledger(&frame, nobody(), 4).await.unwrap().0.pools, pools);
    let later = read_at.plus(Duration::from_secs(1));
    store.record_reading(&frame, &read(later, &[])).await.unwrap();
    assert!(store.frame_shapes(&[&frame]).await.unwrap()[&frame].is_empty());
    assert!(store.frame_pools(&[&frame]).await.unwrap().is_empty());
    assert!(store.promises(&[&frame]).await.unwrap().is_empty());
}

#[tokio::test]
async fn estimates_and_earlier_updates_are_the_newest() {
    let store = testing::store().await;
    site(&store, 2).await;
    let (one, two) = (name("lpar01"), name("lpar02"));
    for (total, blackout, took) in [(600, 77, 700), (900, 60, 1000)] {
        let id = accepted(&store, &["lpar01"]).await[0];
        let open = store.open_operations(&[&one, &two]).await.unwrap();
        assert_eq!(open[&one], (id, StateName::Queued));
        assert_eq!(store.open_changes().await.unwrap(), open);
        query(
            "UPDATE operation SET state = 'succeeded', estimated_total_seconds = $2, estimated_blackout_seconds = $3,
                started_at = now() - $4 * interval '1 second', ended_at = now(),
                report = jsonb_build_object('blackout', jsonb_build_object('estimated', $3, 'measured', 20500),
                                            'estimated_total', $2)
             WHERE id = $1",
        )
        .bind(id.0)
        .bind(total)
        .bind(blackout)
        .bind(took)
        .execute(&store.pool)
        .await
        .unwrap();
    }
    let estimates = store.estimates(&[&one, &two]).await.unwrap();
    assert_eq!(estimates.len(), 1);
    assert_eq!(estimates[&one], (Some(Seconds(900)), Some(Seconds(60))));
    let past = store.past_updates(10).await.unwrap();
    let figures: Vec<_> = past.iter().map(|one| (one.took.0, one.estimated)).collect();
    assert_eq!(figures, [(1000, Some(Seconds(900))), (700, Some(Seconds(600)))]);
    assert_eq!(past[0].blackout.measured.map(|time| time.0), Some(20_500));
    assert_eq!(store.past_updates(1).await.unwrap().len(), 1);
    assert!(store.open_operations(&[&one]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_closed_token_accepts_nothing_and_a_used_one_is_not_closed() {
    let store = testing::store().await;
    site(&store, 2).await;
    let (token, batch, operations) = request(&["lpar01"]);
    let given_up = Closed::For("given up".to_owned());
    let (other, late, more) = request(&["lpar02"]);
    store.accept(token, &batch, &operations).await.unwrap();
    assert!(!store.close_token(token, &Closed::Withdrawn, SOMEBODY).await.unwrap());
    assert!(store.close_token(other, &given_up, SOMEBODY).await.unwrap());
    assert!(store.accept(other, &late, &more).await.is_err());
    let unused = nim_shared::id::ClientToken(Uuid::now_v7());
    let found = store.started(&[token, other, unused]).await.unwrap();
    let [Some(Ok(one)), Some(Err(why)), None] = &found[..] else { panic!("{found:?}") };
    assert_eq!(
        (one.id, one.state, one.taken, why),
        (operations[0].id, StateName::Queued, false, &given_up)
    );
}

#[tokio::test]
async fn an_operation_waits_for_capacity_from_ready_until_it_may_proceed() {
    let store = testing::store().await;
    site(&store, 1).await;
    let (token, batch, operations) = request(&["lpar01"]);
    store.accept(token, &batch, &operations).await.unwrap();
    let owner = master(&store).await;
    let one = store.claim(owner, &no_limits(), 1).await.unwrap().remove(0);
    let mut entered = Vec::new();
    let at = |point, gate| Run { stage: Stage::Backup, phase: None, point, gate };
    for (run, waits) in [
        (at(None, Gate::Closed), false),
        (at(Some(Point::Ready), Gate::Closed), true),
        (at(Some(Point::Ready), Gate::Closed), true),
        (at(Some(Point::Ready), Gate::Open), false),
    ] {
        let operation = Operation { state: OperationState::Running(run), cancel_asked: false };
        store.transition(one.id, one.fence, &Move::new(operation, vec![])).await.unwrap();
        let since = store.operation(one.id).await.unwrap().entered_at;
        let found = store.started(&[token]).await.unwrap();
        let [Some(Ok(found))] = &found[..] else { panic!("{found:?}") };
        assert_eq!(found.waits_since, waits.then_some(since), "{run:?}");
        entered.push(since);
    }
    assert!(entered[0] < entered[1], "since it is ready, not since its stage was entered");
    assert_eq!(entered[1..], [entered[1]; 3]);
}

#[tokio::test]
async fn what_is_withdrawn_from_the_queue_is_taken_by_nobody_and_what_was_taken_goes_on() {
    let store = testing::store().await;
    site(&store, 3).await;
    let (running, owner) = claimed(&store, "lpar01").await;
    let queued = accepted(&store, &["lpar02"]).await[0];
    let other = accepted(&store, &["lpar03"]).await[0];
    store.withdraw(&[running.id, queued]).await.unwrap();
    let taken = store.claim(owner, &no_limits(), 10).await.unwrap();
    assert_eq!(taken.iter().map(|one| one.id).collect::<Vec<_>>(), [other]);
    let overdue = store.overdue(owner, 10).await.unwrap();
    assert_eq!(overdue.iter().map(|one| one.id).collect::<Vec<_>>(), [queued]);
}

#[tokio::test]
async fn a_rollout_begins_once_for_its_token_and_one_of_a_name_is_open() {
    let store = testing::store().await;
    let (first, second) = (Uuid::now_v7(), Uuid::now_v7());
    let id = Some(RolloutId(first));
    assert_eq!(begun(&store, "spring", first).await.unwrap(), id);
    assert_eq!(begun(&store, "spring", first).await.unwrap(), id, "the same request again");
    assert_eq!(begun(&store, "spring", second).await.unwrap(), None);
    let kept = store.rollout("spring").await.unwrap();
    assert_eq!((kept.version, kept.requested_by, kept.ended_at), (1, SOMEBODY, None));
    assert_eq!(kept.state, State::planned(&kept.orders));
    let missing = store.rollout("autumn").await.unwrap_err();
    assert!(matches!(missing, Error::NoSuchRollout { .. }), "{missing}");
    // Its name is free when it has ended, and the name means the newest.
    let mut ended = kept.state.clone();
    ended.phase = Phase::Ended;
    let turn = Turn {
        state: &ended,
        recorded: &told(&ended),
        cancels: false,
        ticket: None,
        happened: Vec::new(),
        notices: Vec::new(),
    };
    assert!(store.rollout_turn(kept.id, kept.version, &turn).await.unwrap());
    assert_eq!(begun(&store, "spring", second).await.unwrap(), Some(RolloutId(second)));
    assert_eq!(store.rollout("spring").await.unwrap().id, RolloutId(second));
    let by_id = store.rollout(&first.to_string()).await.unwrap();
    assert!(by_id.ended_at.is_some(), "{by_id:?}");
    assert_eq!(store.rollouts(1).await.unwrap().len(), 1);
    // It goes on when no other of its name does, and then the name means it.
    let goes_on = Turn {
        state: &kept.state,
        recorded: &told(&kept.state),
        cancels: false,
        ticket: None,
        happened: Vec::new(),
        notices: Vec::new(),
    };
    assert_eq!(store.rollout_open(&by_id.name).await.unwrap(), Some(RolloutId(second)));
    assert!(!store.rollout_turn(by_id.id, by_id.version, &goes_on).await.unwrap());
    assert!(store.rollout_turn(RolloutId(second), 1, &turn).await.unwrap());
    assert!(store.rollout_turn(by_id.id, by_id.version, &goes_on).await.unwrap());
    let again = store.rollout("spring").await.unwrap();
    assert_eq!((again.id, again.ended_at), (RolloutId(first), None));
}

#[tokio::test]
async fn what_does_not_change_of_rollouts_that_are_asked_for_is_read_once() {
    let store = testing::store().await;
    let first = begun(&store, "first", Uuid::now_v7()).await.unwrap().unwrap();
    let read = store.rollout("first").await.unwrap();
    // Whoever read it now would fail.
    let sql = "UPDATE rollout SET plan = '0', orders = '{}', version = 7 WHERE id = $1";
    query(sql).bind(first.0).execute(&store.pool).await.unwrap();
    let again = store.rollout(&first.to_string()).await.unwrap();
    assert_eq!((&again.plan, &again.orders, &again.file), (&read.plan, &read.orders, &read.file));
    assert_eq!(again.version, 7, "where it stands is read each time");
    // It is not kept for good: there are many rollouts over the years.
    for number in 0..fixed::KEPT {
        let called = format!("later{number}");
        begun(&store, &called, Uuid::now_v7()).await.unwrap();
        store.rollout(&called).await.unwrap();
    }
    assert!(store.rollout("first").await.is_err());
}

#[tokio::test]
async fn a_rollout_starts_something_only_while_it_runs() {
    let store = testing::store().await;
    let id = begun(&store, "spring", Uuid::now_v7()).await.unwrap().unwrap();
    let stopped = Phase::Stopped { why: "1 failed, and it stops at 1".to_owned() };
    for phase in [Phase::Running, Phase::Paused, stopped, Phase::Running, Phase::Aborting] {
        let (mut state, version, cancels) = store.rollout_state(id).await.unwrap();
        state.phase = phase.clone();
        let turn = Turn {
            state: &state,
            recorded: &told(&state),
            cancels,
            ticket: None,
            happened: Vec::new(),
            notices: Vec::new(),
        };
        assert!(store.rollout_turn(id, version, &turn).await.unwrap());
        let starts = store.rollout_starts(id).await.unwrap();
        assert_eq!(starts, phase == Phase::Running, "{phase:?}");
    }
}

#[tokio::test]
async fn a_change_names_the_version_that_it_has_seen() {
    let store = testing::store().await;
    let id = begun(&store, "spring", Uuid::now_v7()).await.unwrap().unwrap();
    let (mut paused, version, cancels) = store.rollout_state(id).await.unwrap();
    assert!(!cancels);
    paused.phase = Phase::Paused;
    let turn = |what: &str| vec![(Some(SOMEBODY), what.to_owned())];
    let first = Turn {
        state: &paused,
        recorded: &told(&paused),
        cancels: true,
        ticket: None,
        happened: turn("paused"),
        notices: Vec::new(),
    };
    assert!(store.rollout_turn(id, version, &first).await.unwrap());
    let late = Turn {
        state: &paused,
        recorded: &told(&paused),
        cancels: false,
        ticket: None,
        happened: turn("too late"),
        notices: Vec::new(),
    };
    assert!(!store.rollout_turn(id, version, &late).await.unwrap());
    assert_eq!(store.rollout_state(id).await.unwrap(), (paused.clone(), version + 1, true));
    // It stands so since that change; what changes otherwise leaves it.
    let began = store.rollout("spring").await.unwrap();
    assert!(began.since > began.created_at, "{began:?}");
    let again = Turn {
        state: &paused,
        recorded: &told(&paused),
        cancels: true,
        ticket: None,
        happened: Vec::new(),
        notices: Vec::new(),
    };
    assert!(store.rollout_turn(id, version + 1, &again).await.unwrap());
    assert_eq!(store.rollout("spring").await.unwrap().since, began.since);
    let lpar = &began.orders.targets[0].lpar;
    assert_eq!(store.rollout_of(lpar).await.unwrap().map(|one| one.id), Some(id));
    assert!(store.rollout_of(&name("nobody")).await.unwrap().is_none());
    let said = store.rollout_events(id, 10).await.unwrap().into_iter();
    let said: Vec<_> = said.map(|one| (one.by, one.what)).collect();
    let planned = (Some(SOMEBODY), "planned and started".to_owned());
    assert_eq!(said, [(Some(SOMEBODY), "paused".to_owned()), planned]);
}

#[tokio::test]
async fn one_master_drives_a_rollout_until_its_lease_lapses() {
    let store = testing::store().await;
    let id = begun(&store, "spring", Uuid::now_v7()).await.unwrap().unwrap();
    let (one, two) = (master(&store).await, master(&store).await);
    assert_eq!(store.rollouts_to_drive(one).await.unwrap(), [id]);
    assert_eq!(store.rollouts_to_drive(two).await.unwrap(), []);
    store.resign(one).await.unwrap();
    assert_eq!(store.rollouts_to_drive(two).await.unwrap(), [id]);
    store.register(one, "again", LeaseTimes::default()).await.unwrap();
    assert_eq!(store.rollouts_to_drive(one).await.unwrap(), [], "it is another's now");
}

#[tokio::test]
async fn what_a_rollout_was_told_is_kept_with_each_change_and_leads_to_the_same_again() {
    let store = testing::store().await;
    let id = begun(&store, "spring", Uuid::now_v7()).await.unwrap().unwrap();
    let kept = store.rollout("spring").await.unwrap();
    let start = Event::Start { by: SOMEBODY.uid, fingerprint: kept.orders.fingerprint };
    let mut state = kept.state;
    let mut version = kept.version;
    let mut turn = async |step: Step, stale: bool| {
        let (next, actions, step) = state.clone().stepped(&kept.orders, step);
        let recorded = Recorded::new(step, actions, &next);
        let change = Turn {
            state: &next,
            recorded: &recorded,
            cancels: false,
            ticket: None,
            happened: vec![],
            notices: vec![],
        };
        let seen = if stale { version - 1 } else { version };
        if store.rollout_turn(id, seen, &change).await.unwrap() {
            (state, version) = (next, version + 1);
        }
    };
    turn(Step::noted(start, 0), false).await;
    turn(Step::looked(vec![Event::Tick], 1), false).await;
    turn(Step::looked(vec![Event::Pause], 2), true).await;
    let taken = Event::Taken { target: 0, attempt: 1 };
    turn(Step::looked(vec![taken.clone(), taken.clone()], 3), false).await;
    let steps = store.rollout_steps(id).await.unwrap();
    assert_eq!(steps.len(), 4, "what somebody else was first with is no change: {steps:?}");
    // What was told twice changed nothing the second time.
    assert_eq!(steps[3].step.events, [taken]);
    let (ended, differs) = nim_rollout::rehearse::replay(&kept.orders, &steps);
    assert_eq!((ended.state, differs), (store.rollout("spring").await.unwrap().state, None));
    // What is missing ends it: nothing after it could come to the same.
    query("DELETE FROM rollout_step WHERE version = 3").execute(&store.pool).await.unwrap();
    assert_eq!(store.rollout_steps(id).await.unwrap().len(), 2);
}

#[tokio::test]
async fn how_earlier_updates_ended_is_read_with_what_went_wrong() {
    let store = testing::store().await;
    site(&store, 2).await;
    let ends = [
        ("succeeded", true, "{\"outcome\": \"succeeded\", \"summary\": \"\", \"before\": 7}"),
        (
            "failed",
            true,
            "{\"outcome\": \"failed\", \"software\": \"unchanged\", \"summary\": \"\", \"codes\": [\"1020-311\"]}",
        ),
        ("failed", false, "null"),
        ("cancelled", true, "null"),
    ];
    for (state, taken, report) in ends {
        let id = accepted(&store, &["lpar01"]).await[0];
        query(
            "UPDATE operation SET state = $2, created_at = now() - interval '90 seconds', ended_at = now(),
                started_at = CASE WHEN $3 THEN now() - interval '60 seconds' END, report = nullif($4::jsonb, 'null')
             WHERE id = $1",
        )
        .bind(id.0)
        .bind(state)
        .bind(taken)
        .bind(report)
        .execute(&store.pool)
        .await
        .unwrap();
    }
    let found = store.past_ends(10).await.unwrap();
    let ends: Vec<_> = found.iter().map(|one| (one.state, one.taken, one.took.0)).collect();
    let expected = [
        (StateName::Failed, false, 90),
        (StateName::Failed, true, 60),
        (StateName::Succeeded, true, 60),
    ];
    assert_eq!(ends, expected);
    assert_eq!(found[1].report.as_ref().unwrap().codes, ["1020-311"]);
    assert_eq!(store.past_ends(1).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_done_again_is_found_from_the_start_that_it_goes_back_to() {
    let store = testing::store().await;
    site(&store, 2).await;
    let ask = async |lpar: &str, again_of: Option<OperationId>| {
        let (token, batch, operations) = request(&[lpar]);
        let batch = crate::store::NewBatch { again_of, ..batch };
        let accepted = store.accept(token, &batch, &operations).await.unwrap();
        let id = accepted.operations[0].0;
        query("UPDATE operation SET state = 'failed', ended_at = now() WHERE id = $1")
            .bind(id.0)
            .execute(&store.pool)
            .await
            .unwrap();
        (token, id)
    };
    let (one, first) = ask("lpar01", None).await;
    let (two, alone) = ask("lpar02", None).await;
    let (_, second) = ask("lpar01", Some(first)).await;
    let (_, third) = ask("lpar01", Some(second)).await;
    // What somebody asked for by itself does nothing again.
    ask("lpar01", None).await;
    let nobody = nim_shared::id::ClientToken(Uuid::now_v7());
    let found = store.last_of_starts(&[one, two, nobody], Reports::With).await.unwrap();
    let of = |token| found.get(&token).map(|last| (last.of.id, last.is_again));
    assert_eq!((of(one), of(two)), (Some((third, true)), Some((alone, false))));
    assert_eq!(of(nobody), None);
}
