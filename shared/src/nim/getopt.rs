//! Options as AIX commands take them: bundled (`-Fo reset`), values attached or apart (`-tstandalone`), `--` ends them.
//!
//! More is accepted than NIM does: options after the names, and blanks around an option. The latter is what a shell makes of a
//! backslash in the middle of a line, `-a server=master \ -a location=/x`, which published command lines have.

/// A piece of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// An option without a value.
    Flag(char),
    /// An option with its value.
    Value(char, String),
    /// A word of this program's own that begins with two dashes, such as `--strict`.
    Long(String),
    /// Anything else: a name.
    Operand(String),
}

/// What is wrong with a command line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadOption {
    /// There is no such option.
    #[error("there is no option {0}")]
    Unknown(String),
    /// An option lacks its value.
    #[error("option -{0} takes a value")]
    NoValue(char),
}

/// Splits `arguments`. `flags` are the options without a value, `values` those with one, `long` the words after two dashes.
///
/// # Errors
/// [`BadOption`] for the first option that is none or lacks its value.
pub fn split(
    arguments: &[String],
    flags: &str,
    values: &str,
    long: &[&str],
) -> Result<Vec<Piece>, BadOption> {
    let mut pieces = Vec::new();
    let mut rest = arguments.iter();
    let mut ended = false;
    while let Some(argument) = rest.next() {
        let word = argument.trim();
        if word.is_empty() {
            continue;
        }
        if ended || word == "-" || !word.starts_with('-') {
            pieces.push(Piece::Operand(word.to_owned()));
            continue;
        }
        if let Some(word) = word.strip_prefix("--") {
            match word {
                "" => ended = true,
                word if long.contains(&word) => pieces.push(Piece::Long(word.to_owned())),
                word => {
                    return Err(BadOption::Unknown(format!("--{}", crate::id::printable(word))));
                }
            }
            continue;
        }
        // A value that is attached keeps its blanks: only those before the option are none of its.
        let bundle = argument.trim_start().trim_start_matches('-');
        for (at, letter) in bundle.char_indices() {
            if flags.contains(letter) {
                pieces.push(Piece::Flag(letter));
            } else if values.contains(letter) {
                let attached = &bundle[at + letter.len_utf8()..];
                let value = match attached {
                    "" => rest.next().cloned().ok_or(BadOption::NoValue(letter))?,
                    attached => attached.to_owned(),
                };
                pieces.push(Piece::Value(letter, continued(&value)));
                break;
            } else if letter.is_whitespace() {
                break;
            } else {
                let letter = crate::id::printable(&letter.to_string());
                return Err(BadOption::Unknown(format!("-{letter}")));
            }
        }
    }
    Ok(pieces)
}

/// `text` with each backslash at the end of a line, and the blanks that begin the next one, as one blank: in single quotes the
/// shell leaves them.
fn continued(text: &str) -> String {
    if !text.contains("\\\n") {
        return text.to_owned();
    }
    let mut lines = text.split("\\\n");
    let mut whole = lines.next().unwrap_or_default().trim_end_matches([' ', '\t']).to_owned();
    for line in lines {
        whole.push(' ');
        whole.push_str(line.trim_matches([' ', '\t']));
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> Result<Vec<Piece>, BadOption> {
        let arguments: Vec<_> = arguments.iter().map(|one| (*one).to_owned()).collect();
        split(&arguments, "Fl", "oat", &["strict"])
    }

    fn value(letter: char, text: &str) -> Piece {
        Piece::Value(letter, text.to_owned())
    }

    fn operand(text: &str) -> Piece {
        Piece::Operand(text.to_owned())
    }

    #[test]
    fn options_bundle_and_values_are_attached_or_apart() {
        assert_eq!(
            read(&["-Fo", "reset", "aix01"]).unwrap(),
            [Piece::Flag('F'), value('o', "reset"), operand("aix01")]
        );
        assert_eq!(read(&["-Foreset"]).unwrap(), [Piece::Flag('F'), value('o', "reset")]);
        assert_eq!(
            read(&["-a", "installp_flags=-p", "-a", "if1=find_net hmc01 0", "x", "-l"]).unwrap(),
            [
                value('a', "installp_flags=-p"),
                value('a', "if1=find_net hmc01 0"),
                operand("x"),
                Piece::Flag('l')
            ]
        );
        assert_eq!(
            read(&["-l", "--strict", "--", "-x"]).unwrap(),
            [Piece::Flag('l'), Piece::Long("strict".to_owned()), operand("-x")]
        );
    }

    #[test]
    fn a_backslash_in_the_middle_of_a_line_does_no_harm() {
        // As ksh splits: -a server=master \ -a location="/x y" \ name
        assert_eq!(
            read(&["-a", "server=master", " -a", "location=/x y", " ", " name"]).unwrap(),
            [value('a', "server=master"), value('a', "location=/x y"), operand("name")]
        );
        assert_eq!(
            read(&["-a", "filesets=bos.a \\\n      bos.b"]).unwrap(),
            [value('a', "filesets=bos.a bos.b")]
        );
    }

    #[test]
    fn what_is_no_option_is_said() {
        assert_eq!(read(&["-x"]).unwrap_err().to_string(), "there is no option -x");
        assert_eq!(read(&["--all"]).unwrap_err().to_string(), "there is no option --all");
        assert_eq!(read(&["-Fo"]).unwrap_err(), BadOption::NoValue('o'));
    }
}
