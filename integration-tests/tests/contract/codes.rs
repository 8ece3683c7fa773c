//! Each code that an error can have is explained, and none is explained that no error has.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use nim_shared::code;

use crate::workspace;

/// Where codes are written as bare numbers, which are put into their form elsewhere.
const NUMBERS: [&str; 2] = ["nimctl/src/error.rs", "master/src/transport/error.rs"];

#[test]
fn each_code_of_ours_is_explained_and_belongs_to_one_part() {
    let mut used: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for part in ["nimctl/src", "master/src", "client-agent/src"] {
        for path in sources(&workspace().join(part)) {
            let file = path.strip_prefix(workspace()).unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).unwrap();
            let product = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
            let mut codes = written(product);
            if NUMBERS.contains(&&*file) {
                codes.extend(numbers(product));
            }
            for code in codes {
                let part = part.split('/').next().unwrap().to_owned();
                used.entry(code).or_default().insert(part);
            }
        }
    }
    assert!(used.len() > 100, "only {} codes were found", used.len());
    let unknown: Vec<_> = used.keys().filter(|code| code::find(code).is_none()).collect();
    assert!(unknown.is_empty(), "no entry in shared/src/code/own: {unknown:?}");
    for (code, parts) in &used {
        // 05xx is what nimctl says itself; it may also know what nimd says.
        let of_nimctl = code.starts_with("NLU-05");
        assert_eq!(
            parts.contains("nimctl") && !parts.contains("master"),
            of_nimctl,
            "{code} is said by {parts:?}"
        );
    }
    let own = code::all().map(|entry| entry.code).filter(|code| code.starts_with("NLU-"));
    let unused: Vec<_> = own.filter(|code| !used.contains_key(*code)).collect();
    assert!(unused.is_empty(), "explained, and no error has it: {unused:?}");
}

/// Codes as they are shown, in string literals.
fn written(text: &str) -> Vec<String> {
    let code = |at: usize| text[at + 1..].split('"').next().unwrap_or_default().to_owned();
    let found = text.match_indices("\"NLU-").map(|(at, _)| code(at));
    found.filter(|code| code.len() == 8 && code[4..].bytes().all(|b| b.is_ascii_digit())).collect()
}

/// Codes behind the arrow of a `match`: `=> 201,`.
fn numbers(text: &str) -> Vec<String> {
    let number = |rest: &str| rest.split(',').next()?.trim().parse::<u16>().ok();
    let found = text.split("=> ").skip(1).filter_map(number);
    found.filter(|number| *number > 0).map(|number| format!("NLU-{number:04}")).collect()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        // Tests invent codes of their own.
        if path.is_dir() && !path.ends_with("tests") {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs")
            && !path.ends_with("tests.rs")
        {
            found.push(path);
        }
    }
    found
}
