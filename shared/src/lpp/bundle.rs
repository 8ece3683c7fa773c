//! The file of an `installp_bundle`: one package a line, `I:`, `R:` or `E:` before it for what it is. Source: the NIM reference, §1.4.

use std::fmt;

/// A line that names no package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Its number, from 1.
    pub line: usize,
    /// What stands there.
    pub text: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, text } = self;
        write!(f, "line {line}: {text:?} is no fileset, interim fix or package")
    }
}

/// The packages that `text` names, in its order and each once. An `I:` is left out: it says what geninstall takes a name for anyway.
///
/// # Errors
/// Every line that is none.
pub fn bundle(text: &str) -> Result<Vec<String>, Vec<BadLine>> {
    let mut names: Vec<String> = Vec::new();
    let mut bad = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let name = line.strip_prefix("I:").unwrap_or(line).trim_start();
        if line.is_empty() || names.iter().any(|known| known == name) {
            continue;
        }
        if is_package(name) {
            names.push(name.to_owned());
        } else {
            bad.push(BadLine { line: number + 1, text: line.chars().take(SHOWN).collect() });
        }
    }
    if bad.is_empty() { Ok(names) } else { Err(bad) }
}

/// Whether `text` can name what geninstall installs: a fileset, `E:` or a file for an interim fix, `R:` for an RPM. Source: the
/// NIM reference, §3.1.
#[must_use]
pub fn is_package(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | ':');
    let bare = ["I:", "R:", "E:"].iter().find_map(|kind| text.strip_prefix(kind)).unwrap_or(text);
    (1..=255).contains(&bare.len()) && text.chars().all(allowed) && !bare.starts_with('-')
}

/// Whether `text` can name a fileset or a package of filesets.
#[must_use]
pub fn is_fileset(text: &str) -> bool {
    is_package(text) && !text.contains(':') && !is_interim_fix(text) && !text.ends_with(".rpm")
}

/// Whether `text` names the file of an interim fix, with `E:` or without.
#[must_use]
pub fn is_interim_fix(text: &str) -> bool {
    text.ends_with(".epkg.Z")
}

/// The label of an interim fix by the name of its file: what stands before its first dot.
#[must_use]
pub fn label_of(file: &str) -> &str {
    let name = file.strip_prefix("E:").unwrap_or(file);
    name.split('.').next().unwrap_or(name)
}

/// Most characters of a line that are shown.
const SHOWN: usize = 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read_whatever_stands_before_them_and_lines_that_are_none_are_told_all_at_once()
    {
        let text = "# the base\r\nI:bos.net.tcp.client\n\nbos.rte\t# twice\nbos.rte\nR:bash\n  E:IJ1.241031.epkg.Z \n";
        let names = ["bos.net.tcp.client", "bos.rte", "R:bash", "E:IJ1.241031.epkg.Z"];
        assert_eq!(bundle(text).unwrap(), names);
        assert_eq!(bundle("# nothing\n").unwrap(), [""; 0]);
        let bad = bundle("bos.rte\n-u\nbos net\nE:\nE:-x\n").unwrap_err();
        let said: Vec<_> = bad.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            ["2: \"-u\"", "3: \"bos net\"", "4: \"E:\"", "5: \"E:-x\""]
                .map(|line| format!("line {line} is no fileset, interim fix or package"))
        );
    }
}
