//! Every rollout in `examples/` is read and planned.

use nim_rollout::file::read;
use nim_rollout::plan::{Input, make};
use nim_rollout::testing::{Fleet, Processors, fleet};
use nim_shared::api::File;

#[test]
fn the_examples_are_read_and_planned() {
    for name in EXAMPLES {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        let file = read(&File { name: name.to_owned(), text }).unwrap_or_else(|faults| {
            panic!("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
        });
        let of = Fleet {
            frames: 4,
            lpars: (3, 3),
            frames_per_hmc: 2,
            processors: Processors::FollowMemory,
        };
        let mut snapshot = fleet(of, 1);
        for (number, lpar) in (1..).zip(&mut snapshot.lpars) {
            lpar.name = format!("lpar{number:02}").parse().unwrap();
            lpar.level = "7300-02-01-2346".parse().ok();
            lpar.estimate.blackout = Some(nim_shared::unit::Seconds(30));
            lpar.groups.insert("sap_group".parse().unwrap());
            lpar.labels.insert("env".to_owned(), "prod".to_owned());
            lpar.labels.insert("service".to_owned(), format!("service{}", number % 4));
        }
        snapshot.frames[0].name = "p10-a1".parse().unwrap();
        snapshot.lpars[..3].iter_mut().for_each(|one| one.frame = "p10-a1".parse().ok());
        let begin = "2026-12-01T00:00:00Z".parse().unwrap();
        let plan = make(&Input { file: &file, snapshot: &snapshot, history: &[], begin });
        assert_eq!(plan.targets.len(), 12, "{name}: {:?}", plan.excluded);
    }
}

/// All of them: a contract test looks that none is left out.
const EXAMPLES: [&str; 4] = [
    "examples/rollout-canary.yaml",
    "examples/rollout-lab.yaml",
    "examples/rollout-services.yaml",
    "examples/rollout-small.yaml",
];
