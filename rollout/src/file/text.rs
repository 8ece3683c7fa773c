//! Values of the file that are one text.

use std::fmt;
use std::str::FromStr;

use nim_shared::id::printable;
use nim_shared::level::Level;
use nim_shared::select::{Compare, Field, Order, Selector, Test, Value};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A type that is written as the text that it is read from.
macro_rules! as_text {
    ($($name:ident: $pattern:literal),+ $(,)?) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": ["string", "integer"], "pattern": $pattern })
            }
        }
    )+};
}

pub(crate) use as_text;

as_text! {
    Span: "^([0-9]+[smhd])+$",
    Amount: "^[0-9]+%?$",
    Percent: "^[0-9]+%$",
    Pattern: "^[^\\s]+$",
    Labels: "^.+$",
    LevelTest: "^(=|!=|<|<=|>|>=)?[0-9]{4}-[0-9]{2}(-[0-9]{2}(-[0-9]{4})?)?$",
}

/// A span of time in whole seconds, written `90s`, `15m`, `4h`, `2d`, `1h30m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(u32);

/// Longest span: ten years.
const LONGEST: u32 = 3653 * 86_400;

/// The letters, with what they mean in seconds.
const UNITS: [(char, u32); 4] = [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];

impl Span {
    /// So many seconds, ten years at most.
    #[must_use]
    pub const fn seconds(seconds: u32) -> Self {
        Self(if seconds < LONGEST { seconds } else { LONGEST })
    }

    /// In seconds.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A text that is no span of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is no span of time, such as 90s, 15m, 4h, 2d or 1h30m", printable(.0))]
pub struct BadSpan(String);

impl FromStr for Span {
    type Err = BadSpan;

    fn from_str(text: &str) -> Result<Self, BadSpan> {
        let bad = || BadSpan(text.chars().take(80).collect());
        let mut total = 0_u32;
        let mut rest = text;
        let mut last = u32::MAX;
        if rest.is_empty() {
            return Err(bad());
        }
        while !rest.is_empty() {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let number: u32 = rest[..digits].parse().map_err(|_| bad())?;
            let letter = rest[digits..].chars().next().ok_or_else(bad)?;
            let (_, unit) = UNITS.iter().find(|(c, _)| *c == letter).ok_or_else(bad)?;
            // From large to small, each once.
            if *unit >= last {
                return Err(bad());
            }
            last = *unit;
            total = number.checked_mul(*unit).and_then(|n| total.checked_add(n)).ok_or_else(bad)?;
            rest = &rest[digits + 1..];
        }
        if total > LONGEST { Err(bad()) } else { Ok(Self(total)) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.0;
        for (letter, unit) in UNITS {
            if left >= unit {
                write!(f, "{}{letter}", left / unit)?;
                left %= unit;
            }
        }
        if self.0 == 0 { f.write_str("0s") } else { Ok(()) }
    }
}

/// A part of a whole, from 0 % to 100 %.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u8);

impl Percent {
    pub(super) const fn new_const(percent: u8) -> Self {
        Self(percent)
    }

    /// As a number.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// That part of `whole`, rounded up.
    #[must_use]
    pub fn of(self, whole: usize) -> usize {
        (whole * usize::from(self.0)).div_ceil(100)
    }
}

/// A text that is no part of a whole.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is no percentage from 0% to 100%", printable(.0))]
pub struct BadPercent(String);

impl FromStr for Percent {
    type Err = BadPercent;

    fn from_str(text: &str) -> Result<Self, BadPercent> {
        let number = text.strip_suffix('%').map(str::trim_end);
        let number = number.filter(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
        let number = number.and_then(|number| number.parse().ok()).filter(|number| *number <= 100);
        number.map(Self).ok_or_else(|| BadPercent(text.chars().take(80).collect()))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

/// A number, or a part of a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// So many; at least one.
    Count(u32),
    /// So large a part.
    Part(Percent),
}

impl Amount {
    /// How many of `whole` that is: rounded up, and at least one.
    #[must_use]
    pub fn of(self, whole: usize) -> usize {
        match self {
            Self::Count(count) => usize::try_from(count).unwrap_or(usize::MAX),
            Self::Part(part) => part.of(whole).max(1),
        }
    }
}

/// A text that is no amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is neither a number from 1 on nor a percentage from 1% to 100%", printable(.0))]
pub struct BadAmount(String);

impl FromStr for Amount {
    type Err = BadAmount;

    fn from_str(text: &str) -> Result<Self, BadAmount> {
        let part = || text.parse().ok().filter(|part: &Percent| part.0 > 0).map(Self::Part);
        let count = || {
            let digits = text.bytes().all(|b| b.is_ascii_digit());
            text.parse().ok().filter(|count| digits && *count > 0).map(Self::Count)
        };
        count().or_else(part).ok_or_else(|| BadAmount(text.chars().take(80).collect()))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => count.fmt(f),
            Self::Part(part) => part.fmt(f),
        }
    }
}

/// Names: one, or a pattern in which `*` and `?` stand for others, `[7-9]` for one of these and `[07:12]` for numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    /// What it means: a range is several.
    parts: Vec<String>,
}

/// A text that is no pattern of names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is no name and no pattern of names, such as lpar01, lpar*, lpar0[7-9] or lpar[07:12]", printable(.0))]
pub struct BadPattern(String);

impl FromStr for Pattern {
    type Err = BadPattern;

    fn from_str(text: &str) -> Result<Self, BadPattern> {
        let bad = || BadPattern(text.chars().take(80).collect());
        let known = |c: char| !c.is_whitespace() && !c.is_control() && c != '/';
        if text.is_empty() || text.len() > 200 || !text.chars().all(known) {
            return Err(bad());
        }
        // A colon is in ranges alone: no name has one.
        let parts = if text.contains(':') {
            nim_shared::nim::range::expand(text).map_err(|_| bad())?
        } else {
            vec![text.to_owned()]
        };
        let sound = parts.iter().all(|part| glob_is_sound(part));
        if sound { Ok(Self { text: text.to_owned(), parts }) } else { Err(bad()) }
    }
}

impl Pattern {
    /// Whether `name` is meant.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        self.parts.iter().any(|part| glob(part.as_bytes(), name.as_bytes()))
    }

    /// The names, where no pattern is meant.
    #[must_use]
    pub fn exact(&self) -> Option<&[String]> {
        let plain = |part: &String| !part.contains(['*', '?', '[']);
        self.parts.iter().all(plain).then_some(&self.parts)
    }
}

/// Whether every bracket has its other one, with something between them.
fn glob_is_sound(glob: &str) -> bool {
    let mut rest = glob;
    while let Some((_, after)) = rest.split_once('[') {
        match after.split_once(']') {
            Some((set, after)) if !set.trim_start_matches(['!', '^']).is_empty() => rest = after,
            Some(_) | None => return false,
        }
    }
    true
}

/// Whether `text` matches. Of several `*` the last is tried again, so that no pattern takes long.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut in_text) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        let one = pattern.get(at).copied();
        let fits = match (one, text.get(in_text)) {
            (None, None) => return true,
            (Some(b'*'), _) => {
                star = Some((at, in_text));
                at += 1;
                continue;
            }
            (Some(b'['), Some(c)) => set(&pattern[at..], *c),
            (Some(b'?'), Some(_)) => Some(1),
            (Some(one), Some(c)) if one == *c => Some(1),
            (Some(_) | None, _) => None,
        };
        match (fits, star) {
            (Some(length), _) => {
                at += length;
                in_text += 1;
            }
            (None, Some((before, from))) if from < text.len() => {
                star = Some((before, from + 1));
                (at, in_text) = (before + 1, from + 1);
            }
            (None, Some(_) | None) => return false,
        }
    }
}

/// The length of the set at the beginning of `pattern` where `c` is in it.
fn set(pattern: &[u8], c: u8) -> Option<usize> {
    let end = pattern.iter().position(|one| *one == b']')?;
    let inside = &pattern[1..end];
    let (not, members) = match inside {
        [b'!' | b'^', members @ ..] => (true, members),
        members => (false, members),
    };
    let mut found = false;
    let mut at = 0;
    while at < members.len() {
        if let [from, b'-', to, ..] = members[at..] {
            found |= (from..=to).contains(&c);
            at += 3;
        } else {
            found |= members[at] == c;
            at += 1;
        }
    }
    (found != not).then_some(end + 1)
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Requirements of labels, as `nimctl list -l` takes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels(pub Selector);

impl FromStr for Labels {
    type Err = nim_shared::select::BadSelector;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A comparison with a level: `<7300-03`, `7200-05`, `!=7300-03-01`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LevelTest {
    text: String,
    test: Compare<Level>,
}

/// A text that is no comparison with a level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is no comparison with a level, such as <7300-03, 7200-05 or !=7300-03-01-2520", printable(.0))]
pub struct BadLevelTest(String);

impl FromStr for LevelTest {
    type Err = BadLevelTest;

    fn from_str(text: &str) -> Result<Self, BadLevelTest> {
        let signs = [
            ("!=", Order::Other),
            ("<=", Order::AtMost),
            (">=", Order::AtLeast),
            ("<", Order::Less),
            (">", Order::More),
            ("=", Order::Same),
            ("", Order::Same),
        ];
        let bad = || BadLevelTest(text.chars().take(80).collect());
        let found = signs.iter().find_map(|(sign, order)| Some((text.strip_prefix(sign)?, *order)));
        let (level, order) = found.ok_or_else(bad)?;
        let value = Value { text: level.trim().to_owned(), quoted: false };
        match Test::read(&Field::Oslevel, order, &value) {
            Ok(Test::Level(test)) => Ok(Self { text: text.to_owned(), test }),
            Ok(_) | Err(_) => Err(bad()),
        }
    }
}

impl LevelTest {
    /// Whether an LPAR of this level fits. One whose level is not known fits nothing.
    #[must_use]
    pub fn fits(&self, level: Option<Level>) -> bool {
        level.is_some_and(|level| self.test.holds(&level))
    }
}

impl fmt::Display for LevelTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_what_they_write() {
        for text in ["0s", "90s", "1m30s", "4h", "2d", "1h30m", "3653d"] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.to_string().parse::<Span>().unwrap(), span);
        }
        assert_eq!("1h30m".parse::<Span>().unwrap().get(), 5400);
        for text in ["", "5", "m", "1m1h", "1h1h", "-1s", "1.5h", "99999999999d", "3654d", "1w"] {
            assert!(text.parse::<Span>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_part_of_few_is_at_least_one() {
        let amount = |text: &str| text.parse::<Amount>().unwrap();
        assert_eq!((amount("3").of(1), amount("5%").of(10), amount("25%").of(10)), (3, 1, 3));
        for text in ["0", "0%", "101%", "-1", "+1", "x", "", "1.5%"] {
            assert!(text.parse::<Amount>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn patterns_match_as_in_a_shell() {
        for (pattern, yes, no) in [
            ("lpar01", "lpar01", "lpar010"),
            ("lpar*", "lpar", "xlpar"),
            ("*a*b", "xaxxb", "xaxbx"),
            ("lpar0[7-9]", "lpar08", "lpar06"),
            ("lpar0[!7-9]", "lpar06", "lpar08"),
            ("lpar[08:11]", "lpar10", "lpar12"),
            ("l?ar", "lpar", "lppar"),
        ] {
            let pattern: Pattern = pattern.parse().unwrap();
            assert!(pattern.matches(yes) && !pattern.matches(no), "{pattern}");
        }
        for text in ["", "a b", "lpar[", "lpar[]", "a/b", "lpar[5:1]"] {
            assert!(text.parse::<Pattern>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn levels_are_compared_as_levels() {
        let level = |text: &str| text.parse().ok();
        let test = |text: &str| text.parse::<LevelTest>().unwrap();
        assert!(test("<7300-03").fits(level("7200-05-10-2420")));
        assert!(!test("<7300-03").fits(level("7300-03-00-2446")));
        assert!(test("7300-03").fits(level("7300-03-01-2520")));
        assert!(!test("<7300-03").fits(None) && !test("!=7300-03").fits(None));
        assert!("<7.3".parse::<LevelTest>().is_err());
    }
}
