//! The whole graph of worlds, to ask what a search for bad states cannot: is there a way to an end from everywhere?

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use stateright::Model;

/// Every reachable world by number, and who leads to whom.
pub(crate) struct Graph {
    /// How each was first reached: from which, by which of the actions there. The first has none.
    parents: Vec<Option<(u32, usize)>>,
    /// From → to, by number.
    edges: Vec<(u32, u32)>,
    /// What was asked of each world.
    marks: Vec<Mark>,
}

/// What a world is to the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// Where every way should lead.
    Goal,
    /// Must have a way to a goal.
    Open,
    /// Too near to the bounds of the model to ask that of it.
    Edge,
}

impl Graph {
    /// Visits everything that `model` can reach.
    pub(crate) fn of<M: Model>(model: &M, mark: impl Fn(&M::State) -> Mark) -> Self
    where
        M::State: std::hash::Hash,
    {
        let hasher = BuildHasherDefault::<DefaultHasher>::default();
        let mut numbers: HashMap<u64, u32> = HashMap::new();
        let mut graph = Self { parents: Vec::new(), edges: Vec::new(), marks: Vec::new() };
        let mut pending = Vec::new();
        for state in model.init_states() {
            numbers.insert(hasher.hash_one(&state), graph.add(None, mark(&state)));
            pending.push((0, state));
        }
        while let Some((from, state)) = pending.pop() {
            let mut actions = Vec::new();
            model.actions(&state, &mut actions);
            for (index, action) in actions.into_iter().enumerate() {
                let Some(next) = model.next_state(&state, action) else { continue };
                let to = match numbers.entry(hasher.hash_one(&next)) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(new) => {
                        let to = *new.insert(graph.add(Some((from, index)), mark(&next)));
                        pending.push((to, next));
                        to
                    }
                };
                graph.edges.push((from, to));
            }
        }
        graph
    }

    /// Number of worlds.
    pub(crate) fn len(&self) -> usize {
        self.marks.len()
    }

    /// How many worlds carry `mark`.
    pub(crate) fn count(&self, mark: Mark) -> usize {
        self.marks.iter().filter(|one| **one == mark).count()
    }

    /// Numbers of the open worlds from which no way leads to a goal.
    pub(crate) fn stranded(&self) -> Vec<u32> {
        let mut into: Vec<Vec<u32>> = vec![Vec::new(); self.len()];
        for (from, to) in &self.edges {
            into[*to as usize].push(*from);
        }
        let mut saved: Vec<bool> = self.marks.iter().map(|mark| *mark == Mark::Goal).collect();
        let mut pending: Vec<u32> = numbers(&saved, true);
        while let Some(world) = pending.pop() {
            for &from in &into[world as usize] {
                if !std::mem::replace(&mut saved[from as usize], true) {
                    pending.push(from);
                }
            }
        }
        let lost = numbers(&saved, false);
        lost.into_iter().filter(|at| self.marks[*at as usize] == Mark::Open).collect()
    }

    /// The actions that lead to a world.
    pub(crate) fn path<M: Model>(&self, model: &M, world: u32) -> Vec<M::Action>
    where
        M::Action: Clone,
    {
        let mut steps = Vec::new();
        let mut at = world;
        while let Some((from, index)) = self.parents[at as usize] {
            steps.push(index);
            at = from;
        }
        let mut state = model.init_states().remove(0);
        let mut path = Vec::new();
        for index in steps.into_iter().rev() {
            let mut actions = Vec::new();
            model.actions(&state, &mut actions);
            let action = actions.swap_remove(index);
            state = model.next_state(&state, action.clone()).expect("it led on before");
            path.push(action);
        }
        path
    }

    fn add(&mut self, parent: Option<(u32, usize)>, mark: Mark) -> u32 {
        self.parents.push(parent);
        self.marks.push(mark);
        u32::try_from(self.marks.len() - 1).expect("the model has fewer worlds than that")
    }
}

/// Which worlds have `value`.
fn numbers(values: &[bool], value: bool) -> Vec<u32> {
    (0..).zip(values).filter(|(_, one)| **one == value).map(|(at, _)| at).collect()
}
