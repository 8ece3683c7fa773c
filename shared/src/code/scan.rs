//! Message numbers in a text, found without regular expressions: the agent does without that crate.

/// A message number in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its full form: `1430-249`, also where the text has `430-249`.
    pub code: String,
    /// Where it begins in the text, in bytes.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

/// All message numbers in `text`, in order: four digits, a dash, three digits; `HSCL` and four hexadecimal digits; `PMCSS`
/// and three letters or digits. Parts of longer words, dates and levels (`7300-03-01-2520`) are none.
///
/// One public listing shows `430-249` with the leading 1 lost, so three digits will do for that family (LU §3).
pub fn scan(text: &str) -> impl Iterator<Item = Found> + '_ {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let start = at;
            let boundary = start == 0 || !joins(bytes[start - 1]);
            match boundary.then(|| code_at(&bytes[start..])).flatten() {
                Some((length, code)) => {
                    at = start + length;
                    return Some(Found { code, start, end: at });
                }
                None => at += 1,
            }
        }
        None
    })
}

/// The number with which `text` begins, if it does.
pub fn leading(text: &str) -> Option<Found> {
    let (end, code) = code_at(text.as_bytes())?;
    Some(Found { code, start: 0, end })
}

/// The full form of one number, from whatever case or form a person typed; `None` when it has the form of none.
pub fn normal(text: &str) -> Option<String> {
    let text = text.trim().to_ascii_uppercase();
    let found = leading(&text)?;
    (found.end == text.len()).then_some(found.code)
}

/// What a number is never glued to.
const fn joins(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'_' | b'-')
        || byte >= 0x80 && !is_ellipsis_end(byte)
}

/// The last byte of `…`, which stands for glued dots in documents: a number may follow it.
const fn is_ellipsis_end(byte: u8) -> bool {
    byte == 0xa6
}

fn code_at(bytes: &[u8]) -> Option<(usize, String)> {
    let (length, code) = numeric(bytes)
        .or_else(|| lettered(bytes, b"HSCL", 4, u8::is_ascii_hexdigit))
        .or_else(|| lettered(bytes, b"PMCSS", 3, u8::is_ascii_alphanumeric))?;
    let ends = bytes.get(length).is_none_or(|next| !joins(*next) || next & 0x80 != 0);
    ends.then_some((length, code))
}

fn numeric(bytes: &[u8]) -> Option<(usize, String)> {
    let family = bytes.iter().take_while(|b| b.is_ascii_digit()).count();
    let number = bytes.get(family + 1..family + 4)?;
    if bytes[family] != b'-' || !number.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let text = String::from_utf8_lossy(&bytes[..family + 4]);
    match family {
        4 => Some((family + 4, text.into_owned())),
        3 if bytes.starts_with(b"430") => Some((family + 4, format!("1{text}"))),
        _ => None,
    }
}

fn lettered(
    bytes: &[u8],
    prefix: &[u8],
    rest: usize,
    belongs: fn(&u8) -> bool,
) -> Option<(usize, String)> {
    let length = prefix.len() + rest;
    let code = bytes.get(..length)?;
    let fits = code.starts_with(prefix) && code[prefix.len()..].iter().all(belongs);
    fits.then(|| (length, String::from_utf8_lossy(code).into_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn codes(text: &str) -> Vec<String> {
        scan(text).map(|found| found.code).collect()
    }

    #[test]
    fn numbers_are_found_wherever_they_stand() {
        let text = "ERROR mcr_fd_srm_dev - 1020-311 x [[HSCL350B The user; logon: PMCSS00G: denied ……..1430-030 An";
        assert_eq!(codes(text), ["1020-311", "HSCL350B", "PMCSS00G", "1430-030"]);
    }

    #[test]
    fn a_lost_leading_digit_is_given_back_to_its_family_only() {
        assert_eq!(codes("430-249 An error; 513-044 no"), ["1430-249"]);
    }

    #[test]
    fn levels_dates_and_parts_of_words_are_no_numbers() {
        let text = "7300-03-01-2520 2015-09-12_06:23 x1430-0450 1430-045a 01430-045 9009-42A*7835130 lu_1430-045 HSCL350BA";
        assert_eq!(codes(text), [""; 0]);
    }

    #[test]
    fn what_a_person_types_is_brought_to_its_full_form() {
        assert_eq!(normal(" hscl350b ").as_deref(), Some("HSCL350B"));
        assert_eq!(normal("430-045").as_deref(), Some("1430-045"));
        assert_eq!(normal("1430-045 The"), None);
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_found_stands_there(text in ".{0,80}|([0-9A-H-]|HSCL| |…){0,30}") {
            for found in scan(&text) {
                let there = &text[found.start..found.end];
                prop_assert!(found.code.ends_with(there));
                prop_assert_eq!(normal(&found.code), Some(found.code));
            }
        }
    }
}
