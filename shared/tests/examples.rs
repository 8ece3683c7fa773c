//! The fleet in `examples/` is one.

use std::collections::BTreeMap;

use nim_shared::api::File;
use nim_shared::object::{Object, ObjectType};
use nim_shared::yaml::{Fleet, render_fleet};

fn read(name: &str, text: String) -> Vec<Object> {
    let fleet = Fleet::read(&[File { name: name.to_owned(), text }]);
    let found = fleet.check(|_| None).unwrap_or_else(|faults| {
        panic!("{}", faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    });
    found.into_iter().map(|(object, _)| object).collect()
}

#[test]
fn the_example_fleet_has_every_type_and_reads_back() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/fleet.yaml");
    let objects = read("fleet.yaml", std::fs::read_to_string(path).unwrap());
    let mut types = BTreeMap::new();
    for object in &objects {
        *types.entry(object.spec.object_type()).or_insert(0) += 1;
    }
    assert_eq!(types.len(), ObjectType::ALL.len(), "{types:?}");
    let again = read("rendered", render_fleet(&objects).unwrap());
    assert_eq!(again, objects);
}
