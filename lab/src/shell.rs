//! As much of a shell as the restricted ones of HMC and VIO server need here: words, quotes, `;` and `&&`.
//!
//! Pipes and loops are not there: the product asks with `-F` and `--filter` and reads the answer itself.

/// A command line in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Simple {
    /// Words of one command, assignments in front of it left out.
    pub(crate) words: Vec<String>,
    /// Whether it runs only when the one before succeeded.
    pub(crate) only_after_success: bool,
}

/// Splits a command line. `Err` says what is not understood.
pub(crate) fn split(line: &str) -> Result<Vec<Simple>, String> {
    let mut all = Vec::new();
    let mut current = Simple { words: Vec::new(), only_after_success: false };
    let mut word: Option<String> = None;
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '\'' => {
                let text = word.get_or_insert_default();
                loop {
                    match rest.next() {
                        Some('\'') => break,
                        Some(other) => text.push(other),
                        None => {
                            return Err("unexpected EOF while looking for matching `''".to_owned());
                        }
                    }
                }
            }
            '"' => {
                let text = word.get_or_insert_default();
                loop {
                    match rest.next() {
                        Some('"') => break,
                        Some('\\') => match rest.next() {
                            Some(escaped @ ('"' | '\\' | '$' | '`')) => text.push(escaped),
                            Some(other) => text.extend(['\\', other]),
                            None => return Err("unexpected EOF".to_owned()),
                        },
                        Some(other) => text.push(other),
                        None => {
                            return Err("unexpected EOF while looking for matching `\"'".to_owned());
                        }
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(rest.next()),
            ' ' | '\t' => current.words.extend(word.take()),
            ';' | '\n' => {
                current.words.extend(word.take());
                all.push(std::mem::replace(
                    &mut current,
                    Simple { words: Vec::new(), only_after_success: false },
                ));
            }
            '&' if rest.next_if_eq(&'&').is_some() => {
                current.words.extend(word.take());
                all.push(std::mem::replace(
                    &mut current,
                    Simple { words: Vec::new(), only_after_success: true },
                ));
            }
            '|' | '>' | '<' | '&' | '`' | '$' => {
                return Err(format!("the lab's shell has no `{c}'"));
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    current.words.extend(word.take());
    all.push(current);
    for simple in &mut all {
        let is_assignment = |word: &String| {
            word.split_once('=').is_some_and(|(name, _)| {
                !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            })
        };
        let from =
            simple.words.iter().position(|word| !is_assignment(word)).unwrap_or(simple.words.len());
        simple.words.drain(..from);
    }
    all.retain(|simple| !simple.words.is_empty() && simple.words[0] != "export");
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<Vec<String>> {
        split(line).unwrap().into_iter().map(|simple| simple.words).collect()
    }

    #[test]
    fn quotes_hold_words_together_and_assignments_are_dropped() {
        assert_eq!(
            words("export LANG=en_US; LC_ALL=C lssyscfg -m '8286-42A*1' --filter \"a=b c\""),
            [["lssyscfg", "-m", "8286-42A*1", "--filter", "a=b c"]]
        );
        assert_eq!(words("a \"\" b&&c"), [vec!["a", "", "b"], vec!["c"]]);
    }

    #[test]
    fn what_it_has_not_is_refused() {
        assert!(split("lssyscfg | grep x").is_err());
        assert!(split("echo 'x").is_err());
    }
}
