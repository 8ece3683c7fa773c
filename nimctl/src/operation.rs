//! Which operation somebody means.

use std::collections::HashMap;

use nim_shared::api::{OperationView, Page};
use nim_shared::id::{ObjectName, OperationId};

use crate::client::{Client, Target};
use crate::error::Error;

/// The operation that `typed` means: an id, an LPAR, whose newest operation is meant, or the beginning of an id.
pub(crate) async fn find(typed: &str, client: &Client) -> Result<OperationView, Error> {
    if let Ok(id) = typed.parse::<OperationId>() {
        return client.get(Target::new(&["operations", &id.to_string()])).await;
    }
    let all = Target::new(&["operations"]);
    if typed.parse::<ObjectName>().is_ok() {
        let target = all.clone().with("lpar", typed).with("limit", "1");
        let mut newest: Page<OperationView> = client.get(target).await?;
        if !newest.items.is_empty() {
            return Ok(newest.items.remove(0));
        }
    }
    let none = || Error::NoOperation { typed: typed.to_owned() };
    let begins_an_id = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    if typed.len() < SHORTEST || !begins_an_id(typed) {
        return Err(none());
    }
    let target = all.with("id", typed.to_lowercase()).with("limit", CANDIDATES);
    let Page { mut items, .. } = client.get::<Page<OperationView>>(target).await?;
    match items.len() {
        0 => Err(none()),
        1 => Ok(items.remove(0)),
        _ => Err(Error::Ambiguous {
            typed: typed.to_owned(),
            candidates: items.iter().map(|one| format!("{} ({})", one.id, one.lpar)).collect(),
        }),
    }
}

/// The operations that each of `typed` means, in their order. LPARs are asked for together.
pub(crate) async fn find_all(
    typed: &[String],
    client: &Client,
) -> Result<Vec<OperationView>, Error> {
    let names = || typed.iter().filter_map(|typed| typed.parse::<ObjectName>().ok());
    let mut newest: HashMap<ObjectName, OperationView> = HashMap::new();
    if names().nth(1).is_some() {
        let target = Target::new(&["operations"]).with_each("lpar", names()).with("limit", MANY);
        let page: Page<OperationView> = client.get(target).await?;
        for view in page.items {
            // The newest comes first.
            newest.entry(view.lpar.clone()).or_insert(view);
        }
    }
    let mut found = Vec::new();
    for typed in typed {
        let known = typed.parse::<ObjectName>().ok().and_then(|name| newest.get(&name).cloned());
        found.push(match known {
            Some(view) => view,
            None => find(typed, client).await?,
        });
    }
    Ok(found)
}

/// How many operations are looked through at once for the newest ones of several LPARs.
const MANY: &str = "1000";

/// Fewer characters than this are no beginning of an id but a slip: ids begin with their time, and share it.
const SHORTEST: usize = 4;

/// How many are named when several are possible.
const CANDIDATES: &str = "5";

/// The ids, each cut to where it can be told from the others.
pub(crate) fn shortened(ids: &[OperationId]) -> Vec<String> {
    let texts: Vec<_> = ids.iter().map(ToString::to_string).collect();
    let mut sorted: Vec<&str> = texts.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    let shared = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let pairs = sorted.windows(2).map(|pair| shared(pair[0], pair[1]) + 1);
    let length = pairs.max().unwrap_or(0).max(8);
    texts.iter().map(|text| text.chars().take(length).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_as_short_as_they_can_be_told_apart() {
        let ids = |texts: &[&str]| -> Vec<OperationId> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        assert_eq!(shortened(&ids(&["0193a2b4-5c6d-7abc-8def-0123456789ab"])), ["0193a2b4"]);
        let two =
            ids(&["0193a2b4-5c6d-7abc-8def-0123456789ab", "0193a2b4-5c7d-7abc-8def-0123456789ab"]);
        assert_eq!(shortened(&two), ["0193a2b4-5c6", "0193a2b4-5c7"]);
        assert!(shortened(&[]).is_empty());
    }
}
