//! What stands before a sentence: progress dots, a time stamp, blanks.

use super::local_time::LocalTime;

/// A line without what stands before its sentence.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stripped<'a> {
    /// The text from its first significant character; white space at its end is kept.
    pub(super) text: &'a str,
    /// The line as it is, for continuations, whose leading blank counts.
    pub(super) whole: &'a str,
    /// The time stamp; inner `None` for one that tells no time.
    stamp: Option<Option<LocalTime>>,
    dots: bool,
}

impl<'a> Stripped<'a> {
    pub(super) fn new(whole: &'a str) -> Self {
        let mut stripped = Self { text: whole, whole, stamp: None, dots: false };
        loop {
            let text = stripped.text.trim_start();
            let undotted = text.trim_start_matches(['.', '…']);
            if undotted.len() < text.len() {
                stripped.dots = true;
                stripped.text = undotted;
            } else if let (None, Some((stamp, rest))) = (stripped.stamp, LocalTime::split(text)) {
                stripped.stamp = Some(stamp);
                stripped.text = rest;
            } else {
                stripped.text = text;
                return stripped;
            }
        }
    }

    pub(super) fn at(&self) -> Option<LocalTime> {
        self.stamp.flatten()
    }

    pub(super) const fn has_stamp(&self) -> bool {
        self.stamp.is_some()
    }

    /// Dots or a time stamp: nothing that continues a sentence begins so.
    pub(super) const fn is_marked(&self) -> bool {
        self.dots || self.stamp.is_some()
    }

    pub(super) const fn is_blank(&self) -> bool {
        self.text.is_empty() && !self.is_marked()
    }

    pub(super) const fn is_only_dots(&self) -> bool {
        self.text.is_empty() && self.dots
    }
}
