//! The profiles of partitions, as an HMC lists them.
//!
//! They are asked for with all their attributes, by the id of the partition: which there are depends on the level of the HMC, and one that
//! it does not know would make it refuse the whole command. One listing, however many partitions. Source: HMC reference §2.1, §2.2.

use std::collections::BTreeMap;

use nim_shared::aftercare::Profile;
use nim_shared::id::LparId;

use super::csv::{self, BadTable};

/// The question for the profiles of the partitions with these ids, on the frame that machine type, model and serial number name.
#[must_use]
pub(super) fn question(mtms: &str, ids: &[LparId]) -> Vec<String> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let list = format!("lpar_ids={}", ids.join(","));
    // A pair whose value is a list stands in quotes of its own.
    let filter = if ids.len() > 1 { format!("\"{list}\"") } else { list };
    ["lssyscfg", "-r", "prof", "-m", mtms, "--filter", &filter].map(ToOwned::to_owned).to_vec()
}

/// The profiles that an answer shows, by the name of their partition.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(answer: &str) -> Result<BTreeMap<String, Vec<Profile>>, BadAnswer> {
    let mut found: BTreeMap<String, Vec<Profile>> = BTreeMap::new();
    for (row, pairs) in csv::records(answer)?.into_iter().enumerate() {
        let mut attributes = BTreeMap::new();
        for pair in &pairs {
            let (name, value) = pair.split_once('=').ok_or(BadAnswer::NoPair { row: row + 1 })?;
            attributes.insert(name.to_owned(), in_order(value));
        }
        let mut take = |name: &'static str| {
            attributes.remove(name).ok_or(BadAnswer::Missing { row: row + 1, name })
        };
        let (name, partition) = (take("name")?, take("lpar_name")?);
        found.entry(partition).or_default().push(Profile { name, attributes });
    }
    Ok(found)
}

/// Why an answer is no list of profiles.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadAnswer {
    /// It is no table.
    #[error(transparent)]
    Table(#[from] BadTable),
    /// A value has no name.
    #[error("row {row} has a value without a name")]
    NoPair {
        /// Number of the row, from 1.
        row: usize,
    },
    /// An attribute that each profile has is not there.
    #[error("row {row} has no {name}")]
    Missing {
        /// Number of the row, from 1.
        row: usize,
        /// The attribute.
        name: &'static str,
    },
}

/// A value, the parts of a list in one order: that in which an HMC shows adapters means nothing.
fn in_order(value: &str) -> String {
    let parts = csv::records(value).unwrap_or_default();
    let [parts] = parts.as_slice() else { return value.to_owned() };
    if parts.len() < 2 {
        return value.to_owned();
    }
    let quoted = |part: &String| match part.contains([',', '"']) {
        true => format!("\"{}\"", part.replace('"', "\"\"")),
        false => part.clone(),
    };
    let mut parts: Vec<String> = parts.iter().map(quoted).collect();
    parts.sort();
    parts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_asked_for_by_their_ids() {
        let filter = |ids: &[u32]| {
            let ids: Vec<LparId> = ids.iter().map(|id| id.to_string().parse().unwrap()).collect();
            question("9009-42A*7812345", &ids).pop().unwrap()
        };
        assert_eq!(filter(&[7]), "lpar_ids=7");
        assert_eq!(filter(&[7, 12]), "\"lpar_ids=7,12\"");
    }

    /// As the reference shows them, shortened.
    #[test]
    fn profiles_are_read_with_all_their_attributes() {
        let answer = concat!(
            "name=default_profile,lpar_name=lp3,lpar_id=1,min_mem=1536,affinity_group_id=none,",
            "\"virtual_serial_adapters=1/server/1/any//any/1,0/server/1/any//any/1\",",
            "\"virtual_fc_adapters=\"\"504/client/2/v1/8/c05,c06/1\"\",\"\"404/client/3/v2/5/c07,c08/1\"\"\"\n",
            "name=small,lpar_name=lp3,lpar_id=1,min_mem=1024\n",
            "name=default_profile,lpar_name=lp4,lpar_id=2,min_mem=512,description=\n",
        );
        let found = read(answer).unwrap();
        let names = |partition: &str| -> Vec<&str> {
            found[partition].iter().map(|one| one.name.as_str()).collect()
        };
        assert_eq!(
            (names("lp3"), names("lp4")),
            (vec!["default_profile", "small"], vec!["default_profile"])
        );
        let first = &found["lp3"][0].attributes;
        assert_eq!(first["min_mem"], "1536");
        assert_eq!(first["virtual_serial_adapters"], "0/server/1/any//any/1,1/server/1/any//any/1");
        assert_eq!(
            first["virtual_fc_adapters"],
            "\"404/client/3/v2/5/c07,c08/1\",\"504/client/2/v1/8/c05,c06/1\""
        );
        assert_eq!(found["lp4"][0].attributes["description"], "");
        assert_eq!(read("No results were found.\n"), Ok(BTreeMap::new()));
    }

    #[test]
    fn what_is_no_list_of_profiles_is_said_with_its_row() {
        let cases = [
            ("name=a,lpar_name=b\nname=a\n", "row 2 has no lpar_name"),
            ("default_profile\n", "row 1 has a value without a name"),
            ("\"name=a", "row 1 ends inside quotes"),
        ];
        for (answer, expected) in cases {
            assert_eq!(read(answer).unwrap_err().to_string(), expected, "{answer}");
        }
    }
}
