//! `name[1:5]`: several names that differ by a number, as deployed tools write targets. Source: the NIM reference, §9.1.

use crate::id::printable;

/// Most names that one range may mean.
const MOST: u64 = 10_000;

/// A range that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{}\" is no range of names: it reads name[FIRST:LAST], at most {MOST} names, the first number not after the last",
    printable(.0)
)]
pub struct BadRange(String);

/// The names that `text` means: those of a range, or itself. A first number with zeros before it gives all numbers its width.
///
/// # Errors
/// [`BadRange`] for what looks like a range and is none.
pub fn expand(text: &str) -> Result<Vec<String>, BadRange> {
    let Some((before, inside)) = text.split_once('[') else { return Ok(vec![text.to_owned()]) };
    let bad = || BadRange(text.to_owned());
    let (inside, after) = inside.split_once(']').ok_or_else(bad)?;
    let (first, last) = inside.split_once(':').ok_or_else(bad)?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits { text.parse::<u64>().map_err(|_| bad()) } else { Err(bad()) }
    };
    let (from, to) = (number(first)?, number(last)?);
    if to < from || to - from >= MOST {
        return Err(bad());
    }
    let width = if first.starts_with('0') { first.len() } else { 0 };
    Ok((from..=to).map(|number| format!("{before}{number:0width$}{after}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_all_its_names_and_a_name_is_itself() {
        assert_eq!(expand("aix[2:4]").unwrap(), ["aix2", "aix3", "aix4"]);
        assert_eq!(expand("aix[08:11]p").unwrap(), ["aix08p", "aix09p", "aix10p", "aix11p"]);
        assert_eq!(expand("aix01").unwrap(), ["aix01"]);
        assert_eq!(expand("lpar*").unwrap(), ["lpar*"]);
    }

    #[test]
    fn what_only_looks_like_one_is_refused() {
        for text in [
            "aix[",
            "aix[1]",
            "aix[4:2]",
            "aix[1:x]",
            "aix[+1:2]",
            "aix[0:99999999999999999999]",
            "aix[1:20000]",
        ] {
            assert!(expand(text).is_err(), "{text} was accepted");
        }
    }
}
