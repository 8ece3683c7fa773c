//! Which operation somebody means.

use std::collections::{BTreeSet, HashMap};

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
    if typed.is_empty() || !begins_an_id(typed) {
        return Err(none());
    }
    let target = all.with("id", typed.to_lowercase()).with("limit", CANDIDATES);
    let Page { mut items, .. } = client.get::<Page<OperationView>>(target).await?;
    let candidates = || items.iter().map(|one| format!("{} ({})", one.id, one.lpar)).collect();
    match items.len() {
        0 => Err(none()),
        1 if typed.len() < SHORTEST => {
            Err(Error::TooShort { typed: typed.to_owned(), candidates: candidates() })
        }
        1 => Ok(items.remove(0)),
        _ => Err(Error::Ambiguous { typed: typed.to_owned(), candidates: candidates() }),
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

/// Their ids, each cut to where it can be told from those of all operations, so that it is taken where an id is asked for. `complete`
/// says that `shown` are all that there are from the oldest of them on.
pub(crate) async fn shortened(
    shown: &[OperationView],
    complete: bool,
    client: &Client,
) -> Result<Vec<String>, Error> {
    let ids: Vec<_> = shown.iter().map(|view| view.id.to_string()).collect();
    let mut moments: BTreeSet<&str> = ids.iter().map(|id| &id[..MOMENT]).collect();
    if complete {
        // Of those that came with the oldest one some may be missing.
        moments = moments.into_iter().take(1).collect();
    }
    if moments.len() > MOST_MOMENTS {
        return Ok(ids);
    }
    let mut others = Vec::new();
    for moment in moments {
        let target = Target::new(&["operations"]).with("id", moment);
        let there: Vec<OperationView> = client.pages(target, None).await?;
        others.extend(there.iter().map(|view| view.id.to_string()));
    }
    Ok(told_apart(ids, others))
}

/// An id begins with the millisecond in which it was made: so many characters of it are shown at least.
const MOMENT: usize = 13;

/// For how many milliseconds `nimd` is asked what else there is; with more of them ids are shown whole.
const MOST_MOMENTS: usize = 100;

/// `ids`, each cut to where it can be told from the rest of them and from `others`.
fn told_apart(ids: Vec<String>, others: Vec<String>) -> Vec<String> {
    let all: BTreeSet<String> = ids.iter().cloned().chain(others).collect();
    let shared = |a: &str, b: &str| a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let cut = |id: String| {
        // In their order the nearest are beside it.
        let before = all.range(..id.clone()).next_back();
        let after = all.range(id.clone()..).nth(1);
        let near = before.into_iter().chain(after).map(|other| shared(&id, other) + 1).max();
        let length = near.unwrap_or(0).max(MOMENT);
        id.chars().take(length).collect()
    };
    ids.into_iter().map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_as_short_as_they_can_be_told_apart_from_all() {
        let ids = |texts: &[&str]| -> Vec<String> { texts.iter().map(|&id| id.into()).collect() };
        let (one, two) =
            ("0193a2b4-5c6d-7abc-8def-0123456789ab", "0193a2b4-5c6d-7abc-8def-0124456789ab");
        let later = "0193a2b4-5c7d-7abc-8def-0123456789ab";
        assert_eq!(told_apart(ids(&[one]), ids(&[one])), ["0193a2b4-5c6d"]);
        assert_eq!(told_apart(ids(&[later, one]), Vec::new()), ["0193a2b4-5c7d", "0193a2b4-5c6d"]);
        // One that is not shown counts as well.
        let apart = ["0193a2b4-5c7d", "0193a2b4-5c6d-7abc-8def-0123"];
        assert_eq!(told_apart(ids(&[later, one]), ids(&[one, two])), apart);
        assert!(told_apart(Vec::new(), Vec::new()).is_empty());
    }
}
