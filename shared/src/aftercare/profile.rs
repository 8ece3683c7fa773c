//! The profiles of an LPAR, as an HMC shows them: what its next activation would get. After an update they are as before.
//!
//! What the HMC changes by itself is no difference: the id of the partition. An attribute that only one of two listings has tells nothing
//! of the profile: HMCs of one frame may have different levels, and later ones know more. Source: HMC reference §2.2; LU §6.1.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::OpenItem;

/// One profile of an LPAR.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Its attributes as the HMC spells them, the parts of a list in one order.
    pub attributes: BTreeMap<String, String>,
}

/// What `now` does not show as `before`.
#[must_use]
pub fn differences(before: &[Profile], now: &[Profile]) -> Vec<OpenItem> {
    let mut found = Vec::new();
    for old in before {
        let item = |attribute: &str, before: &str, after: Option<&String>| OpenItem::Profile {
            profile: old.name.clone(),
            attribute: attribute.to_owned(),
            before: before.to_owned(),
            after: after.cloned(),
        };
        let Some(new) = now.iter().find(|one| one.name == old.name) else {
            found.push(item(NAME, &old.name, None));
            continue;
        };
        found.extend(old.attributes.iter().filter_map(|(attribute, value)| {
            let shown = new.attributes.get(attribute)?;
            let is_other = shown != value && !EXPECTED.contains(&attribute.as_str());
            is_other.then(|| item(attribute, value, Some(shown)))
        }));
    }
    found
}

/// Whether an attribute of a profile is not as `before`.
///
/// # Errors
/// Why that cannot be told.
pub(super) fn is_open(
    now: &[Profile],
    profile: &str,
    attribute: &str,
    before: &str,
) -> Result<bool, String> {
    match now.iter().find(|one| one.name == profile) {
        None => Ok(true),
        Some(_) if attribute == NAME => Ok(false),
        Some(found) => match found.attributes.get(attribute) {
            Some(shown) => Ok(shown != before),
            None => Err("the HMC does not show this attribute".to_owned()),
        },
    }
}

/// The attribute that stands for the whole profile.
const NAME: &str = "name";

/// What a Live Update changes: the LPAR has another id afterwards, or the same. Source: LU §6.1.
const EXPECTED: [&str; 1] = ["lpar_id"];

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(name: &str, attributes: &[(&str, &str)]) -> Profile {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Profile { name: name.to_owned(), attributes: attributes.iter().map(pair).collect() }
    }

    fn texts(before: &[Profile], now: &[Profile]) -> Vec<String> {
        differences(before, now).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_a_profile_shows_otherwise_than_before_is_named() {
        let before = [
            profile("normal", &[("desired_mem", "4096"), ("lpar_id", "7"), ("old", "1")]),
            profile("small", &[("desired_mem", "2048")]),
        ];
        let cases: &[(&[Profile], &[&str])] = &[
            (&before, &[]),
            // Another id, an attribute that only one of two levels knows, a profile that is new.
            (
                &[
                    profile("normal", &[("desired_mem", "4096"), ("lpar_id", "8"), ("new", "1")]),
                    profile("small", &[("desired_mem", "2048")]),
                    profile("third", &[]),
                ],
                &[],
            ),
            (
                &[profile("normal", &[("desired_mem", "2048")])],
                &[
                    "HMC profile normal: desired_mem was 4096 before the update and is 2048",
                    "HMC profile small: the HMC does not show it any more",
                ],
            ),
            (
                &[],
                &[
                    "HMC profile normal: the HMC does not show it any more",
                    "HMC profile small: the HMC does not show it any more",
                ],
            ),
        ];
        for (now, expected) in cases {
            assert_eq!(texts(&before, now), *expected);
            // A look at what was found says the same.
            for item in differences(&before, now) {
                let OpenItem::Profile { profile, attribute, before, .. } = &item else {
                    panic!("{item}")
                };
                assert_eq!(is_open(now, profile, attribute, before), Ok(true), "{item}");
            }
        }
    }

    #[test]
    fn a_difference_is_gone_when_the_value_before_is_back() {
        let shows = |value: &str| [profile("normal", &[("desired_mem", value)])];
        let look = |now: &[Profile]| is_open(now, "normal", "desired_mem", "4096");
        assert_eq!(look(&shows("4096")), Ok(false));
        assert_eq!(look(&shows("8192")), Ok(true), "another value is not the one before");
        assert_eq!(look(&[]), Ok(true));
        assert!(look(&[profile("normal", &[])]).is_err());
        assert_eq!(is_open(&shows("1"), "normal", NAME, "normal"), Ok(false));
    }
}
