//! Values of settings: how each kind is read and written.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use nim_shared::hook::{HookPlace, NamedHook};
use nim_shared::unit::{Megabytes, Seconds};

/// A value that stands in a settings file.
pub trait Value: Sized {
    /// Reads what was written.
    ///
    /// # Errors
    /// A sentence that follows "KEY: " and says what would be right.
    fn read(text: &str) -> Result<Self, String>;

    /// As it would be written; empty where it is not set. Secrets are masked.
    fn show(&self) -> String;
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count<const MIN: u32, const MAX: u32>(pub u32);

impl<const MIN: u32, const MAX: u32> Count<MIN, MAX> {
    /// As a length or a number of permits.
    #[must_use]
    pub const fn size(self) -> usize {
        self.0 as usize
    }
}

impl<const MIN: u32, const MAX: u32> Value for Count<MIN, MAX> {
    fn read(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(number) if (MIN..=MAX).contains(&number) => Ok(Self(number)),
            Ok(_) | Err(_) => Err(format!("is a whole number from {MIN} to {MAX}, not {text:?}")),
        }
    }

    fn show(&self) -> String {
        self.0.to_string()
    }
}

/// Hooks that nimd runs itself, separated by blanks: `post:ledger:ignore on-failure:page`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookList(pub Vec<NamedHook>);

impl Value for HookList {
    fn read(text: &str) -> Result<Self, String> {
        let hook = |word: &str| {
            let hook = NamedHook::read(word, HookPlace::Master);
            let hook = hook.map_err(|bad| format!("{word}: {bad}"))?;
            hook.on_master().map_err(|bad| format!("{word}: {bad}"))?;
            Ok::<_, String>(hook)
        };
        text.split_whitespace().map(hook).collect::<Result<_, _>>().map(Self)
    }

    fn show(&self) -> String {
        self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }
}

/// A span of time, written with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(Duration);

/// Units of time, longest first, in milliseconds.
const TIMES: &[(&str, u64)] =
    &[("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Longest span that can be meant: ten years.
const LONGEST: u64 = 3653 * 86_400_000;

impl Span {
    /// `n` days.
    pub(super) const fn days(n: u64) -> Self {
        Self::milliseconds(n * 86_400_000)
    }

    /// `n` hours.
    pub(super) const fn hours(n: u64) -> Self {
        Self::milliseconds(n * 3_600_000)
    }

    /// `n` minutes.
    pub(super) const fn minutes(n: u64) -> Self {
        Self::milliseconds(n * 60_000)
    }

    /// `n` seconds.
    pub(super) const fn seconds_of(n: u64) -> Self {
        Self::milliseconds(n * 1000)
    }

    /// `n` milliseconds.
    pub(super) const fn milliseconds(n: u64) -> Self {
        Self(Duration::from_millis(n))
    }

    /// As `std` wants it.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }

    /// In whole seconds, rounded up: a limit is never shorter than it was written.
    #[must_use]
    pub const fn seconds(self) -> Seconds {
        let part = if self.0.subsec_nanos() == 0 { 0 } else { 1 };
        Seconds(self.0.as_secs() + part)
    }
}

impl Value for Span {
    fn read(text: &str) -> Result<Self, String> {
        match split(text, TIMES) {
            Some(millis @ 1..=LONGEST) => Ok(Self::milliseconds(millis)),
            Some(_) => Err(format!("is a span of time from 1ms to 3653d, not {text:?}")),
            None => {
                Err(format!("is a number with a unit (500ms, 30s, 15m, 6h, 30d), not {text:?}"))
            }
        }
    }

    fn show(&self) -> String {
        joined(u64::try_from(self.0.as_millis()).unwrap_or(LONGEST), TIMES)
    }
}

/// A number of bytes, written with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(u64);

/// Units of size, largest first, in bytes.
const SIZES: &[(&str, u64)] = &[("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

impl Size {
    /// `n` times 2^20 bytes.
    pub(super) const fn mebibytes(n: u64) -> Self {
        Self(n << 20)
    }

    /// In bytes.
    #[must_use]
    pub fn bytes(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// In megabytes as AIX counts them, rounded up.
    #[must_use]
    pub const fn megabytes(self) -> Megabytes {
        Megabytes(self.0.div_ceil(1 << 20))
    }
}

impl Value for Size {
    fn read(text: &str) -> Result<Self, String> {
        match split(text, SIZES) {
            Some(bytes @ 1..) if bytes <= 1 << 40 => Ok(Self(bytes)),
            Some(_) => Err(format!("is a size from 1KiB to 1024GiB, not {text:?}")),
            None => Err(format!("is a number with a unit (64KiB, 16MiB, 2GiB), not {text:?}")),
        }
    }

    fn show(&self) -> String {
        joined(self.0, SIZES)
    }
}

/// The number in `text` times its unit; `None` where it has none of `units` or is no number. Saturates.
fn split(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(at);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    Some(number.parse::<u64>().ok()?.saturating_mul(*factor))
}

/// `number` in the largest unit that leaves nothing over.
fn joined(number: u64, units: &[(&str, u64)]) -> String {
    let fits = units.iter().find(|(_, factor)| number.is_multiple_of(*factor));
    fits.map_or_else(|| number.to_string(), |(name, factor)| format!("{}{name}", number / factor))
}

/// Mode of a file, in octal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode(pub u32);

impl Value for Mode {
    fn read(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("0o").unwrap_or(text);
        match u32::from_str_radix(digits, 8) {
            Ok(mode) if mode <= 0o777 && mode & 0o600 == 0o600 && !digits.starts_with('+') => {
                Ok(Self(mode))
            }
            Ok(_) | Err(_) => Err(format!(
                "is a mode in octal that lets the owner read and write, such as 0660, not {text:?}"
            )),
        }
    }

    fn show(&self) -> String {
        format!("{:04o}", self.0)
    }
}

/// Name or number of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupName(pub String);

impl Value for GroupName {
    fn read(text: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '$');
        if (1..=255).contains(&text.len()) && text.chars().all(allowed) && !text.starts_with('-') {
            Ok(Self(text.to_owned()))
        } else {
            Err(format!("is the name of a group, not {text:?}"))
        }
    }

    fn show(&self) -> String {
        self.0.clone()
    }
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Value for LogFormat {
    fn read(text: &str) -> Result<Self, String> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(format!("is `text` or `json`, not {text:?}")),
        }
    }

    fn show(&self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Json => "json".to_owned(),
        }
    }
}

impl Value for PathBuf {
    fn read(text: &str) -> Result<Self, String> {
        match text.chars().find(|c| c.is_control()) {
            Some(found) => Err(format!("is a path; {found:?} is not allowed in it")),
            None if text.is_empty() => Err("is a path, and this one is empty".to_owned()),
            None => Ok(Self::from(text)),
        }
    }

    fn show(&self) -> String {
        self.display().to_string()
    }
}

/// What may be left out.
impl<T: Value> Value for Option<T> {
    fn read(text: &str) -> Result<Self, String> {
        T::read(text).map(Some)
    }

    fn show(&self) -> String {
        self.as_ref().map(T::show).unwrap_or_default()
    }
}

/// URL of a database. It may hold a password: `Debug` and [`Value::show`] mask that, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The URL itself, for the one place that connects.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.show())
    }
}

impl Value for DatabaseUrl {
    fn read(text: &str) -> Result<Self, String> {
        let known = ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme));
        let clean = !text.chars().any(|c| c.is_control() || c.is_whitespace());
        // The text is not repeated: it may hold a password.
        if known && clean {
            Ok(Self(text.to_owned()))
        } else {
            Err("is a URL such as postgres://nim@db01/nim".to_owned())
        }
    }

    /// Without the password, wherever in the URL it stands.
    fn show(&self) -> String {
        let (base, query) = self.0.split_once('?').map_or((&*self.0, None), |(b, q)| (b, Some(q)));
        let (scheme, rest) = base.split_once("://").unwrap_or((base, ""));
        // An unescaped `@` or `/` in the password would be read as its end: mask up to the last `@`.
        let rest = match rest.rsplit_once('@') {
            Some((user, host)) => match user.split_once(':') {
                Some((user, _)) => format!("{user}:***@{host}"),
                None => format!("{user}@{host}"),
            },
            None => rest.to_owned(),
        };
        let query = query.map(|query| {
            let pairs = query.split('&').map(|pair| match pair.split_once('=') {
                Some((name, _)) if name.contains("pass") => format!("{name}=***"),
                Some(_) | None => pair.to_owned(),
            });
            format!("?{}", pairs.collect::<Vec<_>>().join("&"))
        });
        format!("{scheme}://{rest}{}", query.unwrap_or_default())
    }
}
