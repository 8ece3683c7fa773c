//! Each file in `examples/` is used by a test.

use std::fs;
use std::path::Path;

use crate::workspace;

#[test]
fn each_example_is_used_by_a_test() {
    let mut tests = String::new();
    for part in
        ["shared", "client-agent", "master", "nimctl", "rollout", "lab", "integration-tests"]
    {
        sources(&workspace().join(part), &mut tests);
    }
    for entry in fs::read_dir(workspace().join("examples")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(tests.contains(&format!("examples/{name}")), "no test uses examples/{name}");
    }
}

/// All sources below `folder` that are tests, as one text.
fn sources(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let is_test = || {
            path.components().any(|part| part.as_os_str() == "tests") || path.ends_with("tests.rs")
        };
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|ending| ending == "rs") && is_test() {
            all.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}
