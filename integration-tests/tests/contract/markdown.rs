//! The README as headings, code blocks and code in sentences.

/// A fenced block of code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block {
    /// The heading that it stands under.
    pub(crate) heading: String,
    /// What stands behind the opening fence.
    pub(crate) language: String,
    /// Its lines.
    pub(crate) lines: Vec<String>,
}

/// The blocks of `text`, in order.
pub(crate) fn blocks(text: &str) -> Vec<Block> {
    let (mut heading, mut found, mut open) = (String::new(), Vec::new(), None::<Block>);
    for line in text.lines() {
        match (line.trim_start().strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(language), None) => {
                let (heading, language) = (heading.clone(), language.to_owned());
                open = Some(Block { heading, language, lines: Vec::new() });
            }
            (None, Some(block)) => block.lines.push(line.to_owned()),
            (None, None) => {
                if line.starts_with('#') {
                    line.trim_start_matches('#').trim().clone_into(&mut heading);
                }
            }
        }
    }
    assert_eq!(open, None, "a block that is never closed");
    found
}

/// Commands of a block for a shell: its lines without comments.
pub(crate) fn commands(block: &Block) -> Vec<String> {
    let plain = |line: &String| line.split(" #").next().unwrap_or_default().trim().to_owned();
    block.lines.iter().map(plain).filter(|line| !line.is_empty()).collect()
}

/// Code within sentences.
pub(crate) fn spans(text: &str) -> Vec<String> {
    let mut inside = false;
    let prose = text.lines().filter(|line| {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        !inside && !fence
    });
    let prose = prose.collect::<Vec<_>>().join("\n");
    prose.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " ")).collect()
}

#[test]
fn blocks_and_spans_are_told_apart() {
    let text = "# A\nsee `b c`\n```sh\nd  # e\n\n```\n## F\n```\n g `h`\n```\n";
    let found = blocks(text);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].heading.as_str(), found[0].language.as_str()), ("A", "sh"));
    assert_eq!(commands(&found[0]), ["d"]);
    assert_eq!((found[1].heading.as_str(), found[1].lines.len()), ("F", 1));
    assert_eq!(spans(text), ["b c"]);
}
