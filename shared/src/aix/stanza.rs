//! Stanza files: a name with a colon at the beginning of a line, below it `key = value`, comments after `*` or `#`.

/// The value of `key` in `stanza`; `None` where there is none. Source: LU §1.1.
#[must_use]
pub fn stanza_value<'a>(text: &'a str, stanza: &str, key: &str) -> Option<&'a str> {
    let mut inside = false;
    for line in lines(text) {
        if let Some(name) = line.strip_suffix(':') {
            inside = name == stanza;
        } else if let Some((name, value)) = line.split_once('=')
            && inside
            && name.trim() == key
        {
            return Some(value.trim());
        }
    }
    None
}

/// `text` with another value for `key` in `stanza`, everything else as it is; `None` where the key is not there.
#[must_use]
pub fn with_stanza_value(text: &str, stanza: &str, key: &str, value: &str) -> Option<String> {
    let mut inside = false;
    let mut found = false;
    let mut changed = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let bare = line.trim();
        if let Some(name) = bare.strip_suffix(':').filter(|_| !is_comment(bare)) {
            inside = name == stanza;
        }
        match bare.split_once('=') {
            Some((name, _)) if inside && !found && !is_comment(bare) && name.trim() == key => {
                let (begin, rest) = line.split_once('=').unwrap_or((line, ""));
                let blank: String = rest.chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
                let end = if line.ends_with('\n') { "\n" } else { "" };
                changed.push_str(&format!("{begin}={blank}{value}{end}"));
                found = true;
            }
            _ => changed.push_str(line),
        }
    }
    found.then_some(changed)
}

/// The names of the stanzas, in order.
pub fn stanzas(text: &str) -> impl Iterator<Item = &str> {
    lines(text).filter_map(|line| line.strip_suffix(':')).filter(|name| !name.contains('='))
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !is_comment(line))
}

fn is_comment(line: &str) -> bool {
    line.starts_with(['*', '#'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "* ours\nstart:\n\tbinmode = on\n\tstreammode = on\n\nbin:\n\ttrail = /audit/trail\n\tstreammode = on\n";

    #[test]
    fn a_value_is_that_of_its_stanza() {
        assert_eq!(stanza_value(CONFIG, "start", "streammode"), Some("on"));
        assert_eq!(stanza_value(CONFIG, "bin", "binmode"), None);
        assert_eq!(stanza_value("a:\n* b = 1\n", "a", "b"), None);
        assert_eq!(stanzas(CONFIG).collect::<Vec<_>>(), ["start", "bin"]);
    }

    #[test]
    fn one_value_is_changed_and_nothing_else() {
        let changed = with_stanza_value(CONFIG, "start", "streammode", "off").unwrap();
        assert_eq!(changed, CONFIG.replacen("streammode = on", "streammode = off", 1));
        assert_eq!(
            with_stanza_value(&changed, "start", "streammode", "on").as_deref(),
            Some(CONFIG)
        );
        assert_eq!(with_stanza_value(CONFIG, "bin", "binmode", "off"), None);
    }
}
