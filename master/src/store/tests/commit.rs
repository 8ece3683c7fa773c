//! The connection is cut at the COMMIT of every function that writes: before the server heard of it, and before its answer
//! came back. The function must not say "stored" when it is not, nor "not stored" when it is; and done again after a cut, it
//! ends like an undisturbed run.

use std::time::Duration;

use nim_shared::api::KeySource;
use nim_shared::frame::SecretText;
use nim_shared::id::{MasterId, OperationId};
use nim_shared::operation::{Outcome, Software, StuckReason};
use nim_shared::stage::{Point, Stage};
use sea_orm::sqlx::query_scalar;
use uuid::Uuid;

use crate::engine::capacity::{Decision, Reading};
use crate::engine::operation::{Action, Gate, Operation, Run, State};
use crate::store::hostkey::{KeyHolder, NewHostKey, Replace};
use crate::store::lease::LeaseTimes;
use crate::store::notice::Delivery;
use crate::store::object::{ObjectFilter, Sighting};
use crate::store::operation::{Adopted, NextTry, Record, Starting, Step, Verdict};
use crate::store::reservation::{FrameReading, Proceeding, Wish};
use crate::store::rollout::{Closed, Turn as RolloutTurn};
use crate::store::secret::{KeyFile, Login, LoginOutcome, Turn};
use crate::store::testing::rollout::{begun, told};
use crate::store::testing::world::{
    SOMEBODY, accepted, adopted, batched, claimed, event, master, name, no_limits, notice, object,
    request, site,
};
use crate::store::testing::{Cut, Cutter, TestDatabase};
use crate::store::{ConnectOptions, Error, NewBatch, NewOperation, Store, Writing};

#[tokio::test]
async fn a_lost_answer_to_commit_is_found_out_for_every_function_that_writes() {
    for writing in Writing::ALL {
        let world = World::new(*writing).await;
        let before = world.look().await;
        world.cutter.cut_next(Cut::After);
        world
            .act()
            .await
            .unwrap_or_else(|error| panic!("{writing:?} was stored, and said {error:?}"));
        assert!(world.cutter.was_cut(), "{writing:?} commits nothing");
        assert_ne!(world.look().await, before, "{writing:?} said that it stored, and did not");
    }
}

#[tokio::test]
async fn a_commit_that_never_arrived_stores_nothing_and_may_be_done_again() {
    for writing in Writing::ALL {
        let world = World::new(*writing).await;
        let before = world.look().await;
        world.cutter.cut_next(Cut::Before);
        match world.act().await {
            Err(error @ Error::Lost { .. }) => assert_eq!(error.code(), "NLU-0302"),
            result => panic!("{writing:?}: {result:?}"),
        }
        assert!(world.cutter.was_cut(), "{writing:?} commits nothing");
        assert_eq!(world.look().await, before, "{writing:?} stored something all the same");
        world.act().await.unwrap_or_else(|error| panic!("{writing:?} again: {error:?}"));
        assert_ne!(world.look().await, before, "{writing:?}");
    }
}

#[tokio::test]
async fn while_the_database_is_away_nothing_is_claimed_to_be_known() {
    let world = World::new(Writing::Apply).await;
    let options = ConnectOptions {
        decide: Duration::from_millis(50),
        // Long enough for a first connection on a loaded machine; what is refused later ends by `decide`.
        acquire: Duration::from_secs(5),
        connections: 1,
        ..ConnectOptions::new(world.cutter.url.clone())
    };
    let store = Store::open(&options).await.unwrap();
    world.cutter.cut_next(Cut::After);
    world.cutter.refuse_after_cut();
    let lpp = object(nim_shared::object::ObjectType::LppSource, "lpp", &[("location", "/a")]);
    match store.define(&lpp, SOMEBODY).await {
        Err(error @ Error::Undecided { .. }) => assert!(error.hint().is_some()),
        result => panic!("{result:?}"),
    }
}

/// A database in which one function can be called, through a connection that can be cut.
struct World {
    writing: Writing,
    cutter: Cutter,
    /// Past the cutter.
    direct: Store,
    /// Through it.
    store: Store,
    given: Given,
    _folder: tempfile::TempDir,
}

/// What the functions are called with; made before anything is cut.
struct Given {
    keys: KeyFile,
    record: Record,
    owner: MasterId,
    other: MasterId,
    request: (nim_shared::id::ClientToken, NewBatch, Vec<NewOperation>),
    action: i64,
    ended: OperationId,
    adopted: Adopted,
}

impl World {
    async fn new(writing: Writing) -> Self {
        let database = TestDatabase::migrated().await;
        let direct = database.store().await;
        let folder = tempfile::tempdir().unwrap();
        let keys = KeyFile::open_or_create(&folder.path().join("secret.key")).unwrap();
        let given = given(&direct, keys, writing).await;
        let cutter = Cutter::before(&database.url);
        let options = ConnectOptions { connections: 4, ..ConnectOptions::new(cutter.url.clone()) };
        let store = Store::open(&options).await.unwrap();
        Self { writing, cutter, direct, store, given, _folder: folder }
    }

    /// Calls the function. Every function by name: a new one does not compile until somebody has decided about it.
    async fn act(&self) -> Result<(), Error> {
        let Self { store, given, .. } = self;
        let Given { keys, record, owner, other, request, action, ended, adopted } = given;
        let (id, fence) = (record.id, record.fence);
        match self.writing {
            Writing::Apply => {
                let lpp =
                    object(nim_shared::object::ObjectType::LppSource, "lpp", &[("location", "/a")]);
                store.define(&lpp, SOMEBODY).await
            }
            Writing::Checked => {
                let seen = store.object(&name("lpar01")).await?;
                assert!(store.checked(&seen, None).await?);
                Ok(())
            }
            Writing::LppIndex => {
                let content = Ok(nim_shared::lpp::Content::default());
                assert!(store.lpp_index_put(&name("lpp"), 1, &content).await?);
                Ok(())
            }
            Writing::Accept => store.accept(request.0, &request.1, &request.2).await.map(drop),
            Writing::Adopt => {
                assert!(store.adopt(adopted, SOMEBODY).await?);
                Ok(())
            }
            Writing::Claim => {
                let claimed = store.claim(*owner, &no_limits(), 10).await?;
                assert_eq!(claimed.len(), 1);
                Ok(())
            }
            Writing::TakeOver => {
                let taken = store.take_over(*other, 10).await?;
                assert_eq!(taken.len(), 1);
                Ok(())
            }
            Writing::Append => {
                let part = batched(record, vec![event(id, 1, 1)]);
                store.append(vec![part]).await?.remove(0)
            }
            Writing::CommitStarts => {
                let deadline = Duration::from_secs(60);
                let starting = [Starting { operation: id, fence, deadline }];
                store.commit_starts(&starting).await?.remove(0).map(drop)
            }
            Writing::Transition => store.transition(id, fence, &Step::new(stuck(), vec![])).await,
            Writing::AskCancel => store.ask_cancel(id, SOMEBODY).await.map(drop),
            Writing::Resolve => {
                let verdict = Verdict {
                    who: SOMEBODY,
                    reason: "seen".to_owned(),
                    outcome: Outcome::Cancelled,
                    seen: None,
                };
                store.resolve(id, verdict).await.map(drop)
            }
            Writing::ClaimActions => {
                let actions = store.claim_actions(*owner, 10).await?;
                assert_eq!(actions.len(), 1);
                Ok(())
            }
            Writing::ActionDone => store.actions_done(*owner, &[(*action, NextTry::None)]).await,
            Writing::Register => {
                store.register(MasterId(Uuid::nil()), "new", LeaseTimes::default()).await
            }
            Writing::Heartbeat => store.heartbeat(*owner, LeaseTimes::default()).await.map(drop),
            Writing::Resign => store.resign(*owner).await,
            Writing::ReserveAndProceed => {
                let answer = store
                    .reserve_and_proceed(id, fence, &wish(), |_, _| Decision::Granted(None))
                    .await?;
                assert!(matches!(answer, Proceeding::Granted(_)));
                Ok(())
            }
            Writing::Release => store.release(id, "a test").await,
            Writing::RecordReading => {
                store.record_reading(&name("p10a"), &reading(record)).await.map(drop)
            }
            Writing::ViosReading => store.vios_failed(&name("vios1"), "a test").await,
            Writing::Preflights => {
                let report = nim_shared::api::PreflightReport {
                    lpar: name("lpar01"),
                    at: "2026-01-01T00:00:00Z".parse().unwrap(),
                    level: None,
                    score: 0,
                    passed: 0,
                    findings: Vec::new(),
                    failure: None,
                    workloads: Vec::new(),
                    interim_fixes: None,
                    kernel_extensions: None,
                    before: None,
                };
                store.record_preflights(&[report]).await
            }
            Writing::PolicySet => store.policy_set("a", SOMEBODY).await.map(drop),
            Writing::Disks => {
                let at = "2026-01-01T00:00:00Z".parse().unwrap();
                store.record_disks(&[(name("lpar01"), at, Vec::new())]).await
            }
            Writing::OpenItems => {
                let item = nim_shared::aftercare::OpenItem::ManagementLink;
                store.add_open_items(*ended, &[item]).await.map(drop)
            }
            Writing::HmcState => {
                let (hmc, mtms) = (&name("hmc01"), "9105-42A*78ABCDE".to_owned());
                store.hmc_states(&[Sighting { hmc, mtms, state: "Operating" }]).await
            }
            Writing::SecretSet => {
                let text = SecretText::new("x".to_owned());
                store.secret_set(keys, &name("new"), &text, SOMEBODY).await.map(drop)
            }
            Writing::SecretRotate => store.secret_rotate(keys).await.map(drop),
            Writing::SecretRemove => store.secret_remove(&name("pw"), Vec::new()).await,
            Writing::LoginBegin => {
                let login = Login { operation: id, hmc: &name("hmc02"), secret: &name("pw") };
                let turn = store.login_begin(login, Duration::from_secs(60)).await?;
                assert_eq!(turn, Turn::Yours);
                Ok(())
            }
            Writing::LoginEnd => {
                let login = Login { operation: *ended, hmc: &name("hmc01"), secret: &name("pw") };
                store.login_end(login, LoginOutcome::Refused).await
            }
            Writing::HostKeysAdd => {
                store.host_keys_add(&[key("hmc02")], Replace::No, SOMEBODY).await.map(drop)
            }
            Writing::HostKeysRemove => {
                store.host_keys_remove(&KeyHolder::Object(name("hmc01"))).await.map(drop)
            }
            Writing::Partitions => {
                store.make_partitions("2040-01-01T00:00:00Z".parse().unwrap()).await
            }
            Writing::FreezeList => {
                let sort = "-name".parse().unwrap();
                let filter = ObjectFilter { sort, ..ObjectFilter::default() };
                assert!(store.objects(&filter, None, 2).await?.next.is_some());
                Ok(())
            }
            Writing::Sweep => store.sweep().await,
            Writing::RolloutStart => {
                let id = begun(store, "other", adopted.id.0).await?;
                assert!(id.is_some());
                Ok(())
            }
            Writing::RolloutDrive => {
                assert_eq!(store.rollouts_to_drive(*owner).await?.len(), 1);
                Ok(())
            }
            Writing::RolloutTurn => {
                let kept = self.direct.rollout("test").await?;
                let turn = RolloutTurn {
                    state: &kept.state,
                    recorded: &told(&kept.state),
                    cancels: true,
                    ticket: None,
                    happened: Vec::new(),
                    notices: vec![notice("oncall", "x")],
                };
                assert!(store.rollout_turn(kept.id, kept.version, &turn).await?);
                Ok(())
            }
            Writing::ClaimNotices => {
                assert_eq!(store.claim_notices(*owner, 5).await?.len(), 1);
                Ok(())
            }
            Writing::NoticesDone => store.notices_done(*owner, &[(*action, Delivery::Sent)]).await,
            Writing::Maintenance => store.maintenance_on(&name("p10a"), "a test", SOMEBODY).await,
            Writing::RolloutClose => {
                let token = nim_shared::id::ClientToken(adopted.id.0);
                store.close_token(token, &Closed::Withdrawn, SOMEBODY).await.map(drop)
            }
            Writing::RolloutWithdraw => {
                let open = store.open_operations(&[&name("lpar03")]).await?;
                store.withdraw(&[open[&name("lpar03")].0]).await
            }
        }
    }

    /// Everything that is stored, but for what every transaction leaves.
    async fn look(&self) -> String {
        let tables: Vec<String> = query_scalar(
            "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace
               AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1",
        )
        .fetch_all(&self.direct.pool)
        .await
        .unwrap();
        let mut seen = String::new();
        for table in tables {
            // Marks come with every transaction; the one that a sweep is to remove is old.
            let only = if table == "commit_mark" {
                "WHERE made_at < now() - interval '1 day'"
            } else {
                ""
            };
            let sql = format!(
                "SELECT coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '') FROM {table} t {only}"
            );
            let rows: String = query_scalar(sea_orm::sqlx::AssertSqlSafe(sql))
                .fetch_one(&self.direct.pool)
                .await
                .unwrap();
            seen.push_str(&format!("== {table}\n{rows}\n"));
        }
        let partitions: i64 = query_scalar("SELECT count(*) FROM pg_inherits")
            .fetch_one(&self.direct.pool)
            .await
            .unwrap();
        format!("{seen}{partitions}")
    }
}

/// A site in which the function has something to do.
async fn given(store: &Store, keys: KeyFile, writing: Writing) -> Given {
    site(store, 3).await;
    let (record, owner) = claimed(store, "lpar01").await;
    let ready =
        Run { stage: Stage::Backup, phase: None, point: Some(Point::Ready), gate: Gate::Closed };
    let running = Operation { state: State::Running(ready), cancel_asked: false };
    let (ended, by) = claimed(store, "lpar02").await;
    let outcome = Outcome::Failed { software: Software::Unchanged };
    let end = Operation { state: State::Ended { outcome }, cancel_asked: false };
    store.transition(ended.id, ended.fence, &Step::new(end, vec![Action::Notify])).await.unwrap();
    let mut action = store.open_actions(ended.id).await.unwrap()[0].id;
    let text = SecretText::new("x".to_owned());
    store.secret_set(&keys, &name("pw"), &text, SOMEBODY).await.unwrap();
    let login = Login { operation: ended.id, hmc: &name("hmc01"), secret: &name("pw") };
    let turn = store.login_begin(login, Duration::from_secs(60)).await.unwrap();
    assert_eq!(turn, Turn::Yours);
    store.host_keys_add(&[key("hmc01")], Replace::No, SOMEBODY).await.unwrap();
    let old =
        "INSERT INTO commit_mark VALUES (gen_random_uuid(), false, now() - interval '2 days')";
    sea_orm::sqlx::query(old).execute(&store.pool).await.unwrap();
    match writing {
        Writing::ViosReading => {
            let attributes =
                [("if1", "find_net vios1 0"), ("mgmt_source", "p10a"), ("identity", "1")];
            let vios = object(nim_shared::object::ObjectType::Vios, "vios1", &attributes);
            store.define(&vios, SOMEBODY).await.unwrap();
        }
        Writing::LppIndex => {
            let lpp =
                object(nim_shared::object::ObjectType::LppSource, "lpp", &[("location", "/a")]);
            store.define(&lpp, SOMEBODY).await.unwrap();
        }
        Writing::RolloutDrive | Writing::RolloutTurn => {
            assert!(begun(store, "test", Uuid::now_v7()).await.unwrap().is_some());
        }
        Writing::ClaimNotices | Writing::NoticesDone => {
            begun(store, "test", Uuid::now_v7()).await.unwrap();
            let kept = store.rollout("test").await.unwrap();
            let turn = RolloutTurn {
                state: &kept.state,
                recorded: &told(&kept.state),
                cancels: false,
                ticket: None,
                happened: Vec::new(),
                notices: vec![notice("oncall", "x")],
            };
            assert!(store.rollout_turn(kept.id, kept.version, &turn).await.unwrap());
            if writing == Writing::NoticesDone {
                action = store.claim_notices(owner, 5).await.unwrap()[0].number;
            }
        }
        Writing::Claim | Writing::RolloutWithdraw => drop(accepted(store, &["lpar03"]).await),
        Writing::TakeOver => store.resign(owner).await.unwrap(),
        Writing::Resolve => {
            store.transition(record.id, record.fence, &Step::new(stuck(), vec![])).await.unwrap();
        }
        Writing::ActionDone => action = store.claim_actions(owner, 1).await.unwrap()[0].id,
        Writing::ReserveAndProceed | Writing::Release => {
            store.transition(record.id, record.fence, &Step::new(running, vec![])).await.unwrap();
        }
        _ => (),
    }
    if writing == Writing::Release {
        let granted = |_: &_, _| Decision::Granted(None);
        store.reserve_and_proceed(record.id, record.fence, &wish(), granted).await.unwrap();
    }
    assert_ne!(by, owner);
    let other = master(store).await;
    let (request, adopted) = (request(&["lpar03"]), adopted("lpar03"));
    Given { keys, record, owner, other, request, action, ended: ended.id, adopted }
}

fn stuck() -> Operation {
    let state = State::Stuck { reason: StuckReason::UndoFailed, run: None };
    Operation { state, cancel_asked: false }
}

fn key(holder: &str) -> NewHostKey {
    NewHostKey {
        holder: KeyHolder::Object(name(holder)),
        algorithm: "ssh-ed25519".to_owned(),
        key: "AAAA".to_owned(),
        source: KeySource::Imported,
    }
}

fn reading(record: &Record) -> FrameReading {
    let reading = Reading {
        read_at: record.created_at,
        free_memory: nim_shared::unit::Megabytes(1),
        free_processors: nim_shared::unit::ProcessorUnits { hundredths: 1 },
        region: nim_shared::unit::Megabytes(256),
        configurable_memory: nim_shared::unit::Megabytes(1),
        partitions: None,
        max_partitions: None,
    };
    FrameReading {
        reading,
        surrogates: vec![],
        partitions: vec![],
        shapes: std::collections::BTreeMap::new(),
        processors: std::collections::BTreeMap::new(),
        pools: std::collections::BTreeMap::new(),
    }
}

/// What the operation on lpar01 asks of its frame: nothing but its place.
fn wish() -> Wish {
    Wish { need: None, partition: "lpar01".to_owned(), limit: 1, profiles: None, deadline: None }
}
