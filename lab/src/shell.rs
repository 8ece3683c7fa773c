//! As much of a shell as the restricted ones of HMC and VIO server need here: words, quotes, `;`, `&&` and `|`.
//!
//! Loops are not there: the product asks with `-F` and `--filter` and reads the answer itself. What comes through a pipe is read by
//! few commands: those that do say so.

/// A command line in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Simple {
    /// Words of one command, assignments in front of it left out.
    pub(crate) words: Vec<String>,
    /// How it goes on from the one before.
    pub(crate) after: After,
}

/// How a command goes on from the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// It runs in any case: after `;`.
    Any,
    /// It runs only when the one before succeeded: after `&&`.
    Success,
    /// It reads what the one before prints: after `|`.
    Output,
}

/// Splits a command line. `Err` says what is not understood.
pub(crate) fn split(line: &str) -> Result<Vec<Simple>, String> {
    let mut all = Vec::new();
    let mut current = Simple { words: Vec::new(), after: After::Any };
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
            ';' | '\n' => all.push(next(&mut current, &mut word, After::Any)),
            '&' if rest.next_if_eq(&'&').is_some() => {
                all.push(next(&mut current, &mut word, After::Success));
            }
            '|' if rest.peek() != Some(&'|') => {
                all.push(next(&mut current, &mut word, After::Output));
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

/// Ends the command `current`; what follows begins, and goes on from it as `after` says.
fn next(current: &mut Simple, word: &mut Option<String>, after: After) -> Simple {
    current.words.extend(word.take());
    std::mem::replace(current, Simple { words: Vec::new(), after })
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
    fn a_pipe_says_where_the_input_comes_from() {
        let piped = split("echo 'a | b' | oem_setup_env; c").unwrap();
        let after: Vec<_> = piped.iter().map(|simple| simple.after).collect();
        assert_eq!(after, [After::Any, After::Output, After::Any]);
        assert_eq!(piped[0].words, ["echo", "a | b"]);
    }

    #[test]
    fn what_it_has_not_is_refused() {
        assert!(split("lssyscfg > x").is_err() && split("a || b").is_err());
        assert!(split("echo 'x").is_err());
    }
}
