//! "Did you mean …": the known name that somebody most probably wanted to type.

/// The one of `known` that is closest to `typed`, where one is close enough to be a slip of the fingers: at most one edit
/// for each three characters. Of two that are as close the first is taken.
#[must_use]
pub fn closest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed: Vec<char> = typed.chars().take(LONGEST).collect();
    let most = typed.len().div_ceil(3);
    let mut best: Option<(usize, &str)> = None;
    for name in known {
        let edits = edits(&typed, &name.chars().take(LONGEST).collect::<Vec<_>>());
        if edits > 0 && edits <= most && best.is_none_or(|(fewest, _)| edits < fewest) {
            best = Some((edits, name));
        }
    }
    best.map(|(_, name)| name)
}

/// Names are short; what is longer than this is compared by its beginning, so that no input makes the comparison slow.
const LONGEST: usize = 64;

/// How many insertions, deletions, exchanges and swaps of neighbours lead from one to the other.
fn edits(from: &[char], to: &[char]) -> usize {
    let mut rows = vec![vec![0; to.len() + 1]; from.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    rows[0] = (0..=to.len()).collect();
    for i in 1..=from.len() {
        for j in 1..=to.len() {
            let exchange = rows[i - 1][j - 1] + usize::from(from[i - 1] != to[j - 1]);
            let mut fewest = exchange.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1] {
                fewest = fewest.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = fewest;
        }
    }
    rows[from.len()][to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_fingers_is_recognised_and_another_word_is_not() {
        let known = ["hmc01", "hmc02", "mgmt_source", "identity"];
        for (typed, meant) in [
            ("hcm01", Some("hmc01")),
            ("hmc9", Some("hmc01")),
            ("mgmt_sorce", Some("mgmt_source")),
            ("idenity", Some("identity")),
            ("hmc02", Some("hmc01")),
            ("colour", None),
            ("", None),
        ] {
            assert_eq!(closest(typed, known), meant, "{typed:?}");
        }
    }

    #[test]
    fn a_long_text_costs_no_more_than_a_short_one() {
        let long = "x".repeat(1 << 20);
        assert_eq!(closest(&long, ["hmc01"]), None);
    }
}
