//! `lvupdate.data` as geninstall reads it (LU §1.1): an attribute without leading white space is silently ignored.

use std::collections::BTreeMap;

/// Stanzas with their attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Data {
    values: BTreeMap<(String, String), String>,
}

impl Data {
    /// Reads the text of a file. Nothing is refused: what makes no sense is not there.
    pub(super) fn read(text: &str) -> Self {
        let mut data = Self::default();
        let mut stanza = String::new();
        for line in text.lines() {
            let content = line.trim();
            if content.is_empty() || content.starts_with(['#', '*']) {
                continue;
            }
            if line.starts_with([' ', '\t']) {
                if let Some((key, value)) = content.split_once('=') {
                    let key = (stanza.clone(), key.trim().to_owned());
                    data.values.insert(key, value.trim().to_owned());
                }
            } else if let Some(name) = content.strip_suffix(':') {
                name.trim().clone_into(&mut stanza);
            }
        }
        data
    }

    /// A value that is not blank.
    pub(super) fn value(&self, stanza: &str, key: &str) -> Option<&str> {
        let value = self.values.get(&(stanza.to_owned(), key.to_owned()))?;
        Some(value.as_str()).filter(|value| !value.is_empty())
    }

    /// A list of disks.
    pub(super) fn disks(&self, key: &str) -> Vec<String> {
        let list = self.value("disks", key).unwrap_or_default();
        list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_without_indent_are_ignored() {
        let data = Data::read(
            "general:\ncpu_reduction = yes\n\tkext_check = no\n# x\ndisks:\n nhdisk = hdisk2,hdisk3\n\tmhdisk=\n",
        );
        assert_eq!(data.value("general", "cpu_reduction"), None);
        assert_eq!(data.value("general", "kext_check"), Some("no"));
        assert_eq!(data.disks("nhdisk"), ["hdisk2", "hdisk3"]);
        assert_eq!(data.disks("mhdisk"), Vec::<String>::new());
    }
}
