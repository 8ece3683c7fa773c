//! Which paths a source names: by `use`, and written out in code.

/// A path that a source names, such as `["crate", "store", "operation"]`, and the line where it starts, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    pub(crate) line: usize,
    pub(crate) segments: Vec<String>,
}

/// Every path of `source` with at least two segments, and every name that a `use` imports. Comments, texts and characters
/// are left out; the branches of `use a::{b, c::d}` count as paths of their own.
pub(crate) fn paths(source: &str) -> Vec<Path> {
    let tokens = tokens(&bare(source));
    let mut paths = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let after_path = at > 1
            && tokens[at - 1].text == "::"
            && (tokens[at - 2].is_name() || tokens[at - 2].text == ">");
        // `impl Iterator + use<'a>` imports nothing.
        let imports =
            token.text == "use" && tokens.get(at + 1).is_some_and(|next| next.text != "<");
        if imports {
            at = branch(&tokens, at + 1, &[], &mut paths);
        } else if token.is_name() && !after_path {
            let (end, path) = written(&tokens, at);
            if path.segments.len() > 1 {
                paths.push(path);
            }
            at = end;
        } else {
            at += 1;
        }
    }
    paths
}

/// The line from which on `source` is built for tests only: that of `#[cfg(test)]` before its last module.
pub(crate) fn tests_begin(source: &str) -> Option<usize> {
    let lines: Vec<&str> = source.lines().collect();
    let at = lines.iter().rposition(|line| *line == "#[cfg(test)]")?;
    lines.get(at + 1).is_some_and(|next| next.starts_with("mod ")).then_some(at + 1)
}

#[derive(Clone, Debug)]
struct Token {
    line: usize,
    text: String,
}

impl Token {
    fn is_name(&self) -> bool {
        self.text.starts_with(|c: char| c.is_alphabetic() || c == '_')
    }
}

/// One branch of a `use` from `at` on; returns where it ends.
fn branch(tokens: &[Token], mut at: usize, before: &[String], paths: &mut Vec<Path>) -> usize {
    let line = tokens.get(at).map_or(0, |token| token.line);
    let mut segments = before.to_vec();
    while let Some(token) = tokens.get(at) {
        match token.text.as_str() {
            "::" => at += 1,
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token.text != "}") {
                    at = branch(tokens, at, &segments, paths);
                    at += usize::from(tokens.get(at).is_some_and(|token| token.text == ","));
                }
                return at + 1;
            }
            "as" => at += 2,
            name if token.is_name() || name == "*" => {
                segments.push(token.text.clone());
                at += 1;
            }
            _ => break,
        }
    }
    if !segments.is_empty() {
        paths.push(Path { line, segments });
    }
    at
}

/// A path written out from `at` on; returns where it ends.
fn written(tokens: &[Token], mut at: usize) -> (usize, Path) {
    let mut path = Path { line: tokens[at].line, segments: vec![tokens[at].text.clone()] };
    at += 1;
    while tokens.get(at).is_some_and(|token| token.text == "::")
        && tokens.get(at + 1).is_some_and(Token::is_name)
    {
        path.segments.push(tokens[at + 1].text.clone());
        at += 2;
    }
    (at, path)
}

fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (number, line) in (1..).zip(source.lines()) {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let named = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let length = match first {
                _ if named > 0 => named,
                ':' if rest.starts_with("::") => 2,
                _ => first.len_utf8(),
            };
            tokens.push(Token { line: number, text: rest[..length].to_owned() });
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// The source with comments, texts and characters blanked, line by line as it was.
fn bare(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let skipped = skip(rest, out.chars().next_back());
        if skipped == 0 {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            out.extend(rest[..skipped].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[skipped..];
        }
    }
    out
}

/// How many bytes of a comment, text or character `rest` begins with; 0 for none.
fn skip(rest: &str, before: Option<char>) -> usize {
    let inside_name = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return comment(rest);
    }
    if rest.starts_with('"') {
        return text(rest);
    }
    if !inside_name && let Some(length) = raw(rest) {
        return length;
    }
    if rest.starts_with('\'') { character(rest) } else { 0 }
}

/// Block comments nest.
fn comment(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

fn text(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    rest.len()
}

fn raw(rest: &str) -> Option<usize> {
    let start = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = start.len() - start.trim_start_matches('#').len();
    let content = start[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let found = content.find(&end).map_or(content.len(), |at| at + end.len());
    Some(rest.len() - content.len() + found)
}

/// `'a'` and `'\n'`, but not the lifetime `'a`.
fn character(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            chars.next();
            rest[3..].find('\'').map_or(0, |at| at + 4)
        }
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 0,
        },
        None => 0,
    }
}
