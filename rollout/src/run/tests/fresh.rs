//! What others have taken of frames meanwhile.

use nim_shared::unit::{Megabytes, ProcessorUnits};

use super::*;
use crate::facts::{CpuReduction, Free};
use crate::file::Rollout;
use crate::plan::Plan;
use crate::testing::{Fleet, Processors, fleet};

/// A rollout on one frame, of which it is known how much is free.
struct Frame {
    snapshot: Snapshot,
    file: Rollout,
    plan: Plan,
    orders: Orders,
}

/// What there is of a frame: memory, processors, of a pool, places for partitions, an id.
type There = [Option<u64>; 5];

impl Frame {
    /// Of three LPARs, as far as `change` leaves them so.
    fn new(change: impl Fn(&mut Snapshot)) -> Self {
        let of = Fleet {
            frames: 1,
            lpars: (3, 3),
            frames_per_hmc: 1,
            processors: Processors::FollowMemory,
        };
        let mut snapshot = fleet(of, 1);
        snapshot.frames[0].free.as_mut().unwrap().partitions = Some(7);
        change(&mut snapshot);
        let file = rollout("limits: {per_frame: 3, stagger_hmc: 0s, stagger_vios: 0s}\n");
        let begin: Timestamp = "2026-01-12T00:00:00Z".parse().unwrap();
        let input = Input { file: &file, snapshot: &snapshot, history: &[], begin };
        let plan = make(&input);
        let orders = Orders::new(&input, &plan, REQUESTER);
        assert_eq!(orders.targets.len(), 3, "{plan:#?}");
        Self { snapshot, file, plan, orders }
    }

    fn free(&mut self) -> &mut Free {
        self.snapshot.frames[0].free.as_mut().unwrap()
    }

    const fn place(what: What) -> Option<usize> {
        match what {
            What::Memory(_) => Some(0),
            What::Processors(_) => Some(1),
            What::Pool(_) => Some(2),
            What::Partitions(_) => Some(3),
            What::PartitionId(_) => Some(4),
            _ => None,
        }
    }

    /// What the plan was made with.
    fn planned(&self) -> There {
        let mut planned = There::default();
        for resource in &self.orders.site.resources {
            if let Some(at) = Self::place(resource.what) {
                planned[at] = Some(resource.capacity);
            }
        }
        planned
    }

    /// What a target takes.
    fn need(&self, target: usize) -> [u64; 5] {
        let mut needs = [0; 5];
        for one in &self.orders.targets[target].job.uses {
            if let Some(at) = Self::place(self.orders.site.resources[one.resource as usize].what) {
                needs[at] = one.amount;
            }
        }
        needs
    }

    /// What the decision is told while capacity is promised to `own`.
    fn fresh(&self, own: &[u32]) -> There {
        let events =
            super::super::fresh_capacity(&self.orders, &self.plan, &self.file, &self.snapshot, own);
        let mut told = There::default();
        for event in events {
            let Event::Capacity { resource, capacity } = event else { panic!("{event:?}") };
            let what = self.orders.site.resources[resource as usize].what;
            told[Self::place(what).unwrap()] = Some(capacity);
        }
        told
    }
}

#[test]
fn what_others_took_meanwhile_is_not_counted_with() {
    let mut frame = Frame::new(|_| ());
    let planned = frame.planned();
    assert!([0, 1, 3].iter().all(|at| planned[*at].is_some()), "{planned:?}");
    assert_eq!(frame.fresh(&[]), planned);
    // One of its own has begun: what it takes is gone at the HMC, and is still the rollout's.
    let [memory, units, _, places, _] = frame.need(0);
    let free = frame.free();
    free.memory.0 -= memory;
    free.processors.hundredths -= units;
    free.partitions = Some(7 - u32::try_from(places).unwrap());
    assert_eq!(frame.fresh(&[0]), planned);
    let others = [
        planned[0].map(|all| all - memory),
        planned[1].map(|all| all - units),
        None,
        planned[3].map(|all| all - places),
        None,
    ];
    assert_eq!(frame.fresh(&[]), others, "others have it");
    // Nothing is known of the frame any more: what was planned holds.
    frame.snapshot.frames[0].free = None;
    assert_eq!(frame.fresh(&[]), There::default());
}

#[test]
fn a_pool_is_looked_at_where_it_is_known() {
    let mut frame = Frame::new(|snapshot| {
        snapshot.frames[0].pools.insert(5, ProcessorUnits { hundredths: 20_000 });
        let shape = snapshot.lpars[0].shape.as_mut().unwrap();
        shape.pool = Some(5);
    });
    assert_eq!(frame.fresh(&[])[2], Some(20_000));
    frame.snapshot.frames[0].pools.insert(5, ProcessorUnits { hundredths: 40 });
    assert_eq!(frame.fresh(&[])[2], Some(40));
    let own = (0..3).find(|at| frame.need(*at)[2] > 0).unwrap();
    let need = frame.need(own)[2];
    assert_eq!(frame.fresh(&[u32::try_from(own).unwrap()])[2], Some(40 + need));
    frame.snapshot.frames[0].pools.clear();
    assert_eq!(frame.fresh(&[])[2], None);
}

#[test]
fn an_id_that_somebody_else_has_by_now_is_not_asked_for() {
    let mut frame = Frame::new(|snapshot| {
        snapshot.lpars.iter_mut().take(2).for_each(|lpar| lpar.wanted_id = Some(98));
    });
    let resources = &frame.orders.site.resources;
    let at = resources.iter().position(|one| matches!(one.what, What::PartitionId(_))).unwrap();
    assert_eq!(resources[at].capacity, 1);
    let asks = |one: &super::super::Target| one.wanted_id == Some(98);
    let own = frame.orders.targets.iter().position(asks).unwrap();
    let own = u32::try_from(own).unwrap();
    assert_eq!(frame.fresh(&[])[4], Some(1));
    frame.snapshot.frames[0].ids.insert(98);
    assert_eq!(frame.fresh(&[])[4], Some(0));
    assert_eq!(frame.fresh(&[own])[4], Some(1), "its own second partition has it");
    // Who asks for none goes by itself.
    let other = frame.orders.targets.iter().position(|one| one.wanted_id.is_none()).unwrap();
    assert_eq!(frame.need(other)[4], 0);
}

#[test]
fn who_may_give_up_processors_does_not_wait_for_those_that_there_were() {
    let mut frame = Frame::new(|snapshot| {
        let shape = snapshot.lpars[0].shape.as_mut().unwrap();
        shape.cpu_reduction = CpuReduction::Yes;
    });
    frame.free().processors = ProcessorUnits { hundredths: 1 };
    frame.free().memory = Megabytes(0);
    let told = frame.fresh(&[]);
    assert_eq!((told[0], told[1]), (Some(0), None));
    // What is read later does not know what its lvupdate.data says; that it was planned with less tells.
    let mut frame = Frame::new(|snapshot| {
        let shape = snapshot.lpars[0].shape.as_mut().unwrap();
        shape.cpu_reduction = CpuReduction::Yes;
        shape.processors = ProcessorUnits { hundredths: 12_000 };
    });
    let shape = frame.snapshot.lpars[0].shape.as_mut().unwrap();
    shape.cpu_reduction = CpuReduction::No;
    frame.free().processors = ProcessorUnits { hundredths: 1 };
    assert_eq!(frame.fresh(&[])[1], None);
}

#[test]
fn an_lpar_whose_processors_are_taken_waits_and_its_neighbours_go_on() {
    let frame = Frame::new(|_| ());
    let (orders, need) = (&frame.orders, |at: usize| frame.need(at)[1]);
    let least = (0..3).min_by_key(|at| need(*at)).unwrap();
    assert!((0..3).any(|at| need(at) > need(least)), "they differ");
    let resources = &orders.site.resources;
    let at = resources.iter().position(|one| matches!(one.what, What::Processors(_))).unwrap();
    let told = Event::Capacity { resource: u32::try_from(at).unwrap(), capacity: need(least) };
    let start = Event::Start { by: REQUESTER, fingerprint: orders.fingerprint };
    let (state, starts) = State::planned(orders).after_all(orders, vec![told, start], 0);
    let least = u32::try_from(least).unwrap();
    assert_eq!(starts, [Action::Start { target: least, attempt: 1 }]);
    let other = (0..3).find(|at| *at != least).unwrap();
    let waits = state.waits(orders, other, 0);
    let is_processors = |wait: &Wait| matches!(wait, Wait::Room { what: What::Processors(_), .. });
    assert!(waits.iter().any(is_processors), "{waits:?}");
}
