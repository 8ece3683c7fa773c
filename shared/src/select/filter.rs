//! What fields have to be: comparisons joined by `and`, `or`, `not` and parentheses.

use std::fmt;
use std::str::FromStr;

use super::value::{BadValue, Order, Test, Value};
use super::{Field, UnknownField};
use crate::id::printable;

/// What has to hold of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// All of these.
    All(Vec<Filter>),
    /// One of these at least.
    Any(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// A comparison.
    Is {
        /// What is compared.
        field: Field,
        /// What it has to be.
        test: Test,
        /// How it was written: the comparison.
        order: Order,
        /// How it was written: the value.
        value: Value,
    },
}

/// A text that is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("character {at}: {problem}")]
pub struct BadFilter {
    /// Where, in characters from 1.
    pub at: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// No such field.
    #[error(transparent)]
    Field(#[from] UnknownField),
    /// A comparison that makes no sense for the field.
    #[error(transparent)]
    Value(#[from] BadValue),
    /// Something else should stand there.
    #[error("{wanted} should stand here, not {}", found.as_ref().map_or_else(|| "the end".to_owned(), |text| format!("\"{}\"", printable(text))))]
    Expected {
        /// What should.
        wanted: &'static str,
        /// What does; `None` at the end.
        found: Option<String>,
    },
    /// A quotation mark without its other one.
    #[error("the quotation mark has no other one")]
    Quote,
    /// A character that no text in a database can have.
    #[error("there is a character NUL")]
    Nul,
    /// Longer than anybody types.
    #[error(
        "it is longer than {LONGEST} characters, or has more than {DEEPEST} parentheses and `not` in each other"
    )]
    TooMuch,
}

/// Most characters.
const LONGEST: usize = 4096;

/// How deep parentheses and `not` may stand in each other.
const DEEPEST: usize = 32;

impl FromStr for Filter {
    type Err = BadFilter;

    fn from_str(text: &str) -> Result<Self, BadFilter> {
        if text.chars().count() > LONGEST {
            return Err(BadFilter { at: LONGEST + 1, problem: Problem::TooMuch });
        }
        if let Some(at) = text.chars().position(|c| c == '\0') {
            return Err(BadFilter { at: at + 1, problem: Problem::Nul });
        }
        let mut reader = Reader { words: words(text)?, next: 0, end: text.chars().count() + 1 };
        let filter = reader.any(0)?;
        match reader.peek() {
            None => Ok(filter),
            Some(_) => Err(reader.expected("`and`, `or` or the end")),
        }
    }
}

/// A piece of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    /// A field, a value, `and`, `or`, `not`.
    Plain(String),
    /// `!`
    Not,
    /// A value in quotation marks.
    Quoted(String),
    /// A comparison.
    Order(Order),
    /// `(` or `)`.
    Parenthesis(char),
}

impl Word {
    fn text(&self) -> String {
        match self {
            Self::Plain(text) | Self::Quoted(text) => text.clone(),
            Self::Not => "!".to_owned(),
            Self::Order(order) => order.sign().to_owned(),
            Self::Parenthesis(c) => c.to_string(),
        }
    }
}

/// The pieces, each with its place.
fn words(text: &str) -> Result<Vec<(usize, Word)>, BadFilter> {
    let mut words = Vec::new();
    let mut left = text.chars().enumerate().map(|(at, c)| (at + 1, c)).peekable();
    while let Some((at, c)) = left.next() {
        let word = match c {
            c if c.is_whitespace() => continue,
            '(' | ')' => Word::Parenthesis(c),
            '\'' | '"' => {
                let mut inside = String::new();
                loop {
                    match left.next() {
                        Some((_, end)) if end == c => break,
                        Some((_, c)) => inside.push(c),
                        None => return Err(BadFilter { at, problem: Problem::Quote }),
                    }
                }
                Word::Quoted(inside)
            }
            '=' | '<' | '>' | '!' => {
                let mut sign = c.to_string();
                sign.extend(left.next_if(|(_, c)| *c == '=').map(|(_, c)| c));
                // `!` alone compares nothing.
                Order::of(&sign).map_or(Word::Not, Word::Order)
            }
            c => {
                let mut plain = c.to_string();
                while let Some((_, c)) = left.next_if(|(_, c)| is_plain(*c)) {
                    plain.push(c);
                }
                Word::Plain(plain)
            }
        };
        words.push((at, word));
    }
    Ok(words)
}

/// Whether a character can stand in a word without quotation marks.
fn is_plain(c: char) -> bool {
    !c.is_whitespace() && !matches!(c, '(' | ')' | '\'' | '"' | '=' | '<' | '>' | '!')
}

const AND: &str = "and";
const OR: &str = "or";
const NOT: &str = "not";

struct Reader {
    words: Vec<(usize, Word)>,
    next: usize,
    /// The place behind the last character.
    end: usize,
}

impl Reader {
    fn peek(&self) -> Option<&Word> {
        self.words.get(self.next).map(|(_, word)| word)
    }

    fn at(&self) -> usize {
        self.words.get(self.next).map_or(self.end, |(at, _)| *at)
    }

    /// Takes the next word where it is this one.
    fn take(&mut self, wanted: &str) -> bool {
        let is = match self.peek() {
            Some(Word::Plain(text)) => text.eq_ignore_ascii_case(wanted),
            Some(Word::Parenthesis(c)) => wanted == c.to_string(),
            Some(Word::Not) => wanted == NOT,
            Some(Word::Quoted(_) | Word::Order(_)) | None => false,
        };
        self.next += usize::from(is);
        is
    }

    fn expected(&self, wanted: &'static str) -> BadFilter {
        let found = self.peek().map(Word::text);
        BadFilter { at: self.at(), problem: Problem::Expected { wanted, found } }
    }

    fn any(&mut self, depth: usize) -> Result<Filter, BadFilter> {
        self.joined(OR, Filter::Any, |reader| {
            reader.joined(AND, Filter::All, |reader| reader.one(depth))
        })
    }

    /// Parts with `between` between them.
    fn joined(
        &mut self,
        between: &str,
        join: fn(Vec<Filter>) -> Filter,
        part: impl Fn(&mut Self) -> Result<Filter, BadFilter>,
    ) -> Result<Filter, BadFilter> {
        let first = part(self)?;
        let mut rest = Vec::new();
        while self.take(between) {
            rest.push(part(self)?);
        }
        if rest.is_empty() {
            return Ok(first);
        }
        rest.insert(0, first);
        Ok(join(rest))
    }

    /// A comparison, something in parentheses, or the contrary of one of both.
    fn one(&mut self, depth: usize) -> Result<Filter, BadFilter> {
        if depth > DEEPEST {
            return Err(BadFilter { at: self.at(), problem: Problem::TooMuch });
        }
        if self.take(NOT) {
            return Ok(Filter::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.take("(") {
            let inside = self.any(depth + 1)?;
            return if self.take(")") {
                Ok(inside)
            } else {
                Err(self.expected("`and`, `or` or `)`"))
            };
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Filter, BadFilter> {
        let at = self.at();
        let Some(Word::Plain(name)) = self.peek() else { return Err(self.expected("a field")) };
        let field = Field::read(name).map_err(|cause| BadFilter { at, problem: cause.into() })?;
        self.next += 1;
        let Some(Word::Order(order)) = self.peek() else {
            return Err(self.expected("one of = != < <= > >="));
        };
        let order = *order;
        self.next += 1;
        let value = match self.peek() {
            Some(Word::Plain(text)) => Value { text: text.clone(), quoted: false },
            Some(Word::Quoted(text)) => Value { text: text.clone(), quoted: true },
            Some(Word::Order(_) | Word::Parenthesis(_) | Word::Not) | None => {
                return Err(self.expected("a value"));
            }
        };
        self.next += 1;
        let test = Test::read(&field, order, &value)
            .map_err(|cause| BadFilter { at, problem: cause.into() })?;
        Ok(Filter::Is { field, test, order, value })
    }
}

impl fmt::Display for Filter {
    /// As it is read again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joined = |f: &mut fmt::Formatter<'_>, parts: &[Self], between: &str| {
            f.write_str("(")?;
            for (at, part) in parts.iter().enumerate() {
                if at > 0 {
                    write!(f, " {between} ")?;
                }
                part.fmt(f)?;
            }
            f.write_str(")")
        };
        match self {
            Self::All(parts) => joined(f, parts, AND),
            Self::Any(parts) => joined(f, parts, OR),
            Self::Not(part) => write!(f, "{NOT} {part}"),
            Self::Is { field, order, value, .. } => write!(f, "{field}{}{value}", order.sign()),
        }
    }
}
