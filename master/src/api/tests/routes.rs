//! What is promised in `schemas/openapi.json` is what is there.

use std::collections::BTreeSet;

use serde_json::Value;

use super::client::Fixture;
use crate::api::{LONG, SHORT};

fn promised() -> Value {
    serde_json::from_str(include_str!("../../../../schemas/openapi.json")).unwrap()
}

#[test]
fn every_route_is_described_and_nothing_else_is() {
    let served: BTreeSet<(String, String)> = SHORT
        .iter()
        .chain(LONG)
        .map(|(method, path)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    let mut described = BTreeSet::new();
    for (path, methods) in promised()["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            described.insert((method.clone(), path.clone()));
        }
    }
    assert_eq!(served, described);
}

#[tokio::test]
async fn every_parameter_that_is_described_is_taken_and_others_are_refused() {
    let nimd = Fixture::start().await;
    let promised = promised();
    for (path, methods) in promised["paths"].as_object().unwrap() {
        let parameters = methods["get"]["parameters"].as_array().into_iter().flatten();
        let of_query = parameters.filter(|parameter| parameter["in"] == "query");
        let names: Vec<&str> =
            of_query.map(|parameter| parameter["name"].as_str().unwrap()).collect();
        if names.is_empty() {
            continue;
        }
        let path = path
            .replace("{id}", "0199a2b4-5c6d-7001-8def-0123456789ab")
            .replace("{name}", "lpar01");
        for name in names {
            // Whatever is said of the value, it is not that there is no such parameter.
            let (_, failure) = nimd.get(&format!("{path}?{name}=%00")).await;
            let text = failure.to_string();
            assert!(!text.contains("there is no parameter"), "{path} {name}: {text}");
        }
        let (status, failure) = nimd.get(&format!("{path}?colour=red")).await;
        assert_eq!(
            (status, failure["code"].as_str()),
            (400, Some("NLU-0107")),
            "{path}: {failure}"
        );
    }
}
