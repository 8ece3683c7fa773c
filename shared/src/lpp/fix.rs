//! Keywords of fixes, such as `IJ52421`, and the file of a `fix_bundle`: at most one a line. Source: the NIM reference, §1.4; that a title
//! may follow a keyword in its line is inferred.

/// Whether `text` can be the keyword of a fix.
#[must_use]
pub fn is_keyword(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=64).contains(&text.len()) && !text.starts_with('-') && text.chars().all(allowed)
}

/// The keywords of `text`, in its order and each once.
///
/// # Errors
/// The numbers of the lines, from 1, that begin with none.
pub fn fixes(text: &str) -> Result<Vec<String>, Vec<usize>> {
    let mut keywords: Vec<String> = Vec::new();
    let mut bad = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default();
        match line.split_whitespace().next() {
            None => {}
            Some(word) if !is_keyword(word) => bad.push(number),
            Some(word) if keywords.iter().any(|known| known == word) => {}
            Some(word) => keywords.push(word.to_owned()),
        }
    }
    if bad.is_empty() { Ok(keywords) } else { Err(bad) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_a_keyword_or_none() {
        let text =
            "# ours\nIJ52421\n\n  IJ1 system crash in a b\nIJ52421 # again\n7300-03-01-2520_SP\n";
        assert_eq!(fixes(text).unwrap(), ["IJ52421", "IJ1", "7300-03-01-2520_SP"]);
        assert_eq!(fixes("IJ1\n-d /dev/cd0\na/b\n"), Err(vec![2, 3]));
        assert_eq!(fixes("# nothing\n"), Ok(Vec::new()));
    }
}
