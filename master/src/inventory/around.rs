//! What is around an LPAR on its frame, as an HMC shows it: whether it runs, and whether its VIOSes do.

use nim_shared::api::PartitionView;
use nim_shared::id::{LparId, ObjectName};

/// The state of a partition that runs, as HMCs spell it. Source: the HMC reference, §2.2.
pub const RUNNING: &str = "Running";

/// What an HMC shows of RMC to a partition that it reaches. Source: the HMC reference, §2.2.
const ACTIVE: &str = "active";

/// Why no LPAR with this `partition` is updated, which these VIOSes serve: all of them have to run with RMC, and no LPAR is updated while it
/// is migrated. One line each; what is not shown says nothing. Source: the HMC reference, §4.3.
pub fn in_the_way<'a>(
    partition: &str,
    vioses: impl Iterator<Item = &'a (LparId, ObjectName)>,
    partitions: &[PartitionView],
) -> Vec<String> {
    let mut why = Vec::new();
    let own = partitions.iter().find(|one| one.name == partition);
    if let Some(own) = own.filter(|own| own.state != RUNNING) {
        why.push(format!("its partition is {}", own.state));
    }
    for (id, vios) in vioses {
        let Some(seen) = partitions.iter().find(|one| one.lpar_id == *id) else { continue };
        if seen.state != RUNNING {
            why.push(format!("its VIOS {vios} is {}", seen.state));
        } else if !seen.rmc_state.is_empty() && seen.rmc_state != ACTIVE {
            why.push(format!("RMC to its VIOS {vios} is {}", seen.rmc_state));
        }
    }
    why
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::world;

    fn partition(name: &str, id: u32, state: &str, rmc_state: &str) -> PartitionView {
        PartitionView { rmc_state: rmc_state.to_owned(), ..world::partition(name, id, state) }
    }

    #[test]
    fn an_lpar_and_its_vioses_run_and_it_is_not_migrated() {
        let run = |name, id| partition(name, id, "Running", "active");
        let (own, one, two) = (run("aix1", 7), run("vios1", 1), run("vios2", 2));
        let vioses: Vec<(LparId, ObjectName)> = [(1, "viosa"), (2, "viosb")]
            .map(|(id, name): (u32, &str)| (id.to_string().parse().unwrap(), name.parse().unwrap()))
            .to_vec();
        for (partitions, why) in [
            (vec![], vec![]),
            (vec![own.clone(), one.clone(), two.clone()], vec![]),
            // RMC to the LPAR itself is a matter of its preflight, and lags.
            (vec![partition("aix1", 7, "Running", "inactive")], vec![]),
            (
                vec![partition("aix1", 7, "Migrating - Running", "active")],
                vec!["its partition is Migrating - Running"],
            ),
            (
                vec![own.clone(), partition("vios1", 1, "Shutting Down", "inactive"), two],
                vec!["its VIOS viosa is Shutting Down"],
            ),
            (
                vec![own.clone(), one, partition("vios2", 2, "Running", "inactive")],
                vec!["RMC to its VIOS viosb is inactive"],
            ),
            // Not shown is not known.
            (vec![own, partition("vios2", 2, "Running", "")], vec![]),
        ] {
            assert_eq!(in_the_way("aix1", vioses.iter(), &partitions), why, "{partitions:?}");
        }
    }
}
