//! `chsec -f FILE -s STANZA -a ATTRIBUTE=VALUE` (LU S10), and the stanza files that it changes.

use std::fs;
use std::io::Write;

use super::{Context, Options};

pub(super) fn chsec(
    context: &Context,
    arguments: &[String],
    _: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "fsa");
    let (file, stanza) = (options.value('f').unwrap_or_default(), options.value('s'));
    let change = options.value('a').and_then(|pair| pair.split_once('='));
    let (Some(stanza), Some((key, value))) = (stanza, change) else {
        writeln!(std::io::stderr(), "Usage: chsec [-f file] [-s stanza] [-a attr=value ...]")?;
        return Ok(22);
    };
    let path = context.path(file);
    let text = fs::read_to_string(&path).unwrap_or_default();
    fs::write(path, changed(&text, stanza, key, value))?;
    Ok(0)
}

/// The value of a key.
pub(crate) fn value(text: &str, stanza: &str, key: &str) -> Option<String> {
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_suffix(':') {
            inside = name == stanza;
        } else if inside
            && let Some((name, value)) = line.split_once('=')
            && name.trim() == key
        {
            return Some(value.trim().to_owned());
        }
    }
    None
}

/// The text with another value; the stanza is made where there is none.
fn changed(text: &str, stanza: &str, key: &str, new: &str) -> String {
    let line = format!("\t{key} = {new}\n");
    if value(text, stanza, key).is_none() {
        let heading = format!("{stanza}:\n");
        return match text.contains(&heading) {
            true => text.replacen(&heading, &format!("{heading}{line}"), 1),
            false => format!("{text}{heading}{line}"),
        };
    }
    let mut inside = false;
    text.split_inclusive('\n')
        .map(|row| {
            let bare = row.trim();
            if let Some(name) = bare.strip_suffix(':') {
                inside = name == stanza;
            }
            let is_it = bare.split_once('=').is_some_and(|(name, _)| name.trim() == key);
            if inside && is_it { line.clone() } else { row.to_owned() }
        })
        .collect()
}
