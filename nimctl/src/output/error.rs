//! A failure as a person reads it.

use nim_shared::api::Failure;

use super::Style;
use super::fold::noted;
use super::text::{Paint, clean};

/// What was tried, why it failed, all faults, and what to do now.
pub(crate) fn text(failure: &Failure, style: Style) -> String {
    let mut text = format!("error: {}  [{}]\n", clean(&failure.message), clean(&failure.code));
    for cause in &failure.causes {
        text += &format!("  cause: {}\n", clean(cause));
    }
    for fault in &failure.faults {
        text += &format!("  {}\n", clean(&fault.to_string()));
    }
    if let Some(hint) = &failure.hint {
        text += &format!("  hint: {}\n", clean(hint));
    }
    let label = Paint::Bad.paint("error:", style).to_string();
    noted(&text, style).replacen("error:", &label, 1)
}
