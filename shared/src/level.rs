//! Levels of AIX and of its filesets, compared as what they are: `7300-03-00` is later than `7200-05-10`, and `7.2.5.10` later
//! than `7.2.5.9`. Compared as text both would come out wrong.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A level as `oslevel -s` prints it: `7300-03-01-2520` is release 7300, technology level 3, service pack 1, built in week 20 of
/// 2025. A system without any technology level shows `7300-00-00-0000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Level {
    /// Release and technology level.
    pub technology: TechnologyLevel,
    /// Service pack.
    pub service_pack: u8,
    /// Year and week of the build, `YYWW`; 0 on the base level. Compared last: two levels of one service pack differ by it.
    pub build: u16,
}

/// Release and technology level, such as `7300-03`: what features of Live Update depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TechnologyLevel {
    /// Version and release, such as 7300 for 7.3.
    pub release: u16,
    /// Technology level.
    pub number: u8,
}

impl TechnologyLevel {
    /// 7200-01: the first that takes TL and SP updates. Source: LU §4.7.
    pub const UPDATES: Self = Self { release: 7200, number: 1 };
    /// 7200-03: `cpu_reduction`. Source: LU §4.7.
    pub const CPU_REDUCTION: Self = Self { release: 7200, number: 3 };
    /// 7300-03: `clone_from_hmc_profile`, auditing in stream mode, tunnels, Live Library Update. Source: LU §4.7.
    pub const TL_7300_03: Self = Self { release: 7300, number: 3 };
}

/// A level of a fileset, such as `7.2.5.203`: version, release, modification, fix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FilesetLevel([u16; 4]);

impl FilesetLevel {
    /// Its numbers, the most important first.
    #[must_use]
    pub const fn numbers(self) -> [u16; 4] {
        self.0
    }
}

impl Level {
    /// The digits of the level as one number: levels are in the order of these, which a database can sort and compare.
    #[must_use]
    pub fn number(self) -> i64 {
        let Self { technology: TechnologyLevel { release, number }, service_pack, build } = self;
        let parts =
            [(i64::from(release), 100), (number.into(), 100), (service_pack.into(), 10_000)];
        parts.iter().fold(0, |all, (part, next)| (all + part) * next) + i64::from(build)
    }

    /// The level whose digits are `number`; `None` where that is none.
    #[must_use]
    pub fn of_number(number: i64) -> Option<Self> {
        let part = |of: i64| u16::try_from(of).ok();
        let small = |of: i64| u8::try_from(of).ok();
        let technology = TechnologyLevel {
            release: part(number / 100_000_000).filter(|release| *release < 10_000)?,
            number: small(number / 1_000_000 % 100)?,
        };
        Some(Self {
            technology,
            service_pack: small(number / 10_000 % 100)?,
            build: part(number % 10_000)?,
        })
    }
}

/// A text that is no level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{}\" is no {kind}, such as {example}", crate::id::printable(found))]
pub struct BadLevel {
    /// What was expected.
    pub kind: &'static str,
    /// How one looks.
    pub example: &'static str,
    /// What was found.
    pub found: String,
}

impl FromStr for Level {
    type Err = BadLevel;

    fn from_str(text: &str) -> Result<Self, BadLevel> {
        let bad = || BadLevel {
            kind: "AIX level",
            example: "7300-03-01-2520",
            found: text.chars().take(80).collect(),
        };
        let parts: Vec<&str> = text.split('-').collect();
        let &[release, number, service_pack, build] = &parts[..] else { return Err(bad()) };
        let technology = TechnologyLevel {
            release: digits(release, 4).ok_or_else(bad)?,
            number: digits(number, 2).ok_or_else(bad)?,
        };
        Ok(Self {
            technology,
            service_pack: digits(service_pack, 2).ok_or_else(bad)?,
            build: digits(build, 4).ok_or_else(bad)?,
        })
    }
}

impl FromStr for TechnologyLevel {
    type Err = BadLevel;

    fn from_str(text: &str) -> Result<Self, BadLevel> {
        let read = || {
            let (release, number) = text.split_once('-')?;
            Some(Self { release: digits(release, 4)?, number: digits(number, 2)? })
        };
        read().ok_or_else(|| BadLevel {
            kind: "technology level",
            example: "7300-03",
            found: text.chars().take(80).collect(),
        })
    }
}

impl FromStr for FilesetLevel {
    type Err = BadLevel;

    fn from_str(text: &str) -> Result<Self, BadLevel> {
        let read = || {
            let mut numbers = [0; 4];
            let mut parts = text.split('.');
            for number in &mut numbers {
                let part = parts.next()?;
                *number =
                    (1..=4).contains(&part.len()).then(|| digits(part, part.len())).flatten()?;
            }
            parts.next().is_none().then_some(Self(numbers))
        };
        read().ok_or_else(|| BadLevel {
            kind: "fileset level",
            example: "7.3.3.1",
            found: text.chars().take(80).collect(),
        })
    }
}

/// Exactly so many digits as a number.
fn digits<T: FromStr>(text: &str, count: usize) -> Option<T> {
    let only_digits = text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    only_digits.then(|| text.parse().ok()).flatten()
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { technology, service_pack, build } = self;
        f.pad(&format!("{technology}-{service_pack:02}-{build:04}"))
    }
}

impl fmt::Display for TechnologyLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { release, number } = self;
        f.pad(&format!("{release:04}-{number:02}"))
    }
}

impl fmt::Display for FilesetLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [version, release, modification, fix] = self.0;
        f.pad(&format!("{version}.{release}.{modification}.{fix}"))
    }
}

/// Types that are text in JSON.
macro_rules! as_text {
    ($($name:ident: $pattern:literal),+ $(,)?) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(de::Error::custom)
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern })
            }
        }
    )+};
}

as_text! {
    Level: "^[0-9]{4}-[0-9]{2}-[0-9]{2}-[0-9]{4}$",
    TechnologyLevel: "^[0-9]{4}-[0-9]{2}$",
    FilesetLevel: "^[0-9]{1,4}(\\.[0-9]{1,4}){3}$",
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn level(text: &str) -> Level {
        text.parse().unwrap()
    }

    #[test]
    fn levels_are_compared_as_levels() {
        let sorted = [
            "7200-00-00-0000",
            "7200-01-05-1845",
            "7200-02-00-1810",
            "7200-05-01-2037",
            "7200-05-01-2038",
            "7200-05-10-2420",
            "7300-00-00-0000",
            "7300-03-01-2520",
        ];
        assert!(sorted.windows(2).all(|pair| level(pair[0]) < level(pair[1])));
        assert!(level("7300-00-00-0000").technology < TechnologyLevel::TL_7300_03);
        assert!(level("7300-03-00-2446").technology >= TechnologyLevel::TL_7300_03);
        assert!("7.2.5.9".parse::<FilesetLevel>().unwrap() < "7.2.5.10".parse().unwrap());
    }

    #[test]
    fn what_is_no_level_is_refused_and_quoted() {
        for text in [
            "",
            "7300",
            "7300-03",
            "7300-3-1-2520",
            "7300-03-01-2520 ",
            "7300-03-01-25x0",
            "+300-03-01-2520",
            "7300-03-01-2520-1",
        ] {
            assert!(text.parse::<Level>().is_err(), "{text:?}");
        }
        let error = "0042\u{1b}".parse::<Level>().unwrap_err().to_string();
        assert_eq!(error, "\"0042\u{fffd}\" is no AIX level, such as 7300-03-01-2520");
        for text in ["7.3", "7.3.3.1.0", "7.3.3.x", "7.3.3.12345", "7..3.1"] {
            assert!(text.parse::<FilesetLevel>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(release in 0_u16..10_000, number in 0_u8..100, service_pack in 0_u8..100, build in 0_u16..10_000) {
            let level = Level { technology: TechnologyLevel { release, number }, service_pack, build };
            prop_assert_eq!(level.to_string().parse(), Ok(level));
            prop_assert_eq!(Level::of_number(level.number()), Some(level));
            prop_assert_eq!(format!("{:012}", level.number()), level.to_string().replace('-', ""));
            prop_assert_eq!(level.technology.to_string().parse(), Ok(level.technology));
            let json = serde_json::to_string(&level).unwrap();
            prop_assert_eq!(serde_json::from_str::<Level>(&json).unwrap(), level);
        }

        #[test]
        fn no_text_panics(text in ".{0,30}|[0-9.-]{0,24}") {
            let read = (text.parse::<Level>(), text.parse::<TechnologyLevel>(), text.parse::<FilesetLevel>());
            if let Ok(level) = read.0 {
                prop_assert_eq!(level.to_string(), text);
            }
        }
    }
}
