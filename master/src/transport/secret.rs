//! A text that must not be seen: a password on its way to a host.
//!
//! It is never written by `Debug`, has no `Display`, cannot be serialised, and its memory is
//! overwritten when it is dropped. Copies that a library makes of it are the library's: russh
//! overwrites the password of a `password` login, and keeps the answers of a keyboard-interactive
//! login only until they are sent, without overwriting them.

use zeroize::Zeroizing;

/// A password. `Debug` prints `***`; the memory is overwritten on drop.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes over the text; no copy of it stays behind.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself. Every call is a place to look at in a review, hence the long name.
    pub(in crate::transport) fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_tell_a_secret() {
        let secret = Secret::new("abc123".to_owned());
        assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "*** Some(***)");
        assert_eq!(secret.reveal(), "abc123");
    }
}
