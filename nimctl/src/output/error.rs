//! A failure as a person reads it.

use nim_shared::api::Failure;

use super::Style;
use super::text::{Paint, clean};

/// What was tried, why it failed, all faults, and what to do now.
pub(crate) fn text(failure: &Failure, style: Style) -> String {
    let label = Paint::Bad.paint("error:", style);
    let mut text = format!("{label} {}  [{}]\n", clean(&failure.message), clean(&failure.code));
    for cause in &failure.causes {
        text += &format!("  cause: {}\n", clean(cause));
    }
    for fault in &failure.faults {
        text += &format!("  {}\n", clean(&fault.to_string()));
    }
    if let Some(hint) = &failure.hint {
        text += &format!("  hint: {}\n", clean(hint));
    }
    text
}
