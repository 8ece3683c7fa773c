//! `agent bundle`: one POSIX shell script that makes an LPAR ready, for `ssh root@lpar sh -s`.
//!
//! It carries the program, its sums and the line of `authorized_keys` by which the master reaches `nim-agent gate` and nothing
//! else. The script arrives on the shell's standard input, so the program cannot simply follow it: some shells read ahead. It
//! travels as base64 in a here-document. AIX has no `base64(1)`; openssl comes with OpenSSH there and perl with the base system, but
//! what a system really has is not known, so the script tries what there is and believes the sum alone.

use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use handlebars::{Handlebars, no_escape};
use nim_shared::id::{Digest, ObjectName};
use nim_shared::object::Standalone;
use serde::Serialize;

/// Why there is no script.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No program for the LPAR's platform.
    #[error("there is no agent for the platform {platform}: no file {}", path.display())]
    NoProgram {
        /// The platform.
        platform: String,
        /// Where it should be.
        path: PathBuf,
    },
    /// The program cannot be read.
    #[error("cannot read the agent in {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A platform that could lead out of the folder.
    #[error("\"{}\" is no platform", nim_shared::id::printable(platform))]
    BadPlatform {
        /// As the object has it.
        platform: String,
    },
    /// A user that a shell would read.
    #[error("\"{}\" is no name of a user", nim_shared::id::printable(user))]
    BadUser {
        /// As the object has it.
        user: String,
    },
    /// The master's public key is no line of `authorized_keys`.
    #[error("the master's public key cannot be read")]
    BadKey,
    /// The template and this module do not fit.
    #[error("the installer cannot be written")]
    Template(#[source] Box<handlebars::RenderError>),
}

/// The program for `lpar`, from the `folder` of programs: `PLATFORM/nim-agent`.
///
/// # Errors
/// [`Error`], without [`Error::Template`].
pub fn program(folder: &Path, lpar: &Standalone) -> Result<Vec<u8>, Error> {
    let platform = lpar.platform.as_deref().unwrap_or(PLATFORM);
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if platform.is_empty() || !platform.chars().all(is_name) {
        return Err(Error::BadPlatform { platform: platform.to_owned() });
    }
    let path = folder.join(platform).join("nim-agent");
    match std::fs::read(&path) {
        Ok(program) => Ok(program),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            Err(Error::NoProgram { platform: platform.to_owned(), path })
        }
        Err(cause) => Err(Error::Unreadable { path, cause }),
    }
}

/// The script that installs `program` on `lpar` and lets the master in by `public_key`, a line of `authorized_keys`.
///
/// # Errors
/// [`Error::BadUser`], [`Error::BadKey`], [`Error::Template`].
pub fn script(
    name: &ObjectName,
    lpar: &Standalone,
    program: &[u8],
    public_key: &str,
) -> Result<String, Error> {
    let user = lpar.ssh_user.as_deref().unwrap_or("root");
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if user.is_empty() || user.starts_with(['-', '.']) || !user.chars().all(is_name) {
        return Err(Error::BadUser { user: user.to_owned() });
    }
    let harmless =
        |c: char| c.is_ascii_graphic() && !matches!(c, '\'' | '"' | '\\' | '$' | '`') || c == ' ';
    let public_key = public_key.trim();
    let blob = public_key.split(' ').nth(1).filter(|_| public_key.chars().all(harmless));
    let fields = Fields {
        version: nim_shared::VERSION,
        lpar: name.as_str(),
        hostname: &lpar.if1.hostname,
        user,
        bytes: program.len(),
        sha256: Digest::of(program).to_string(),
        cksum: cksum(program),
        key_blob: blob.ok_or(Error::BadKey)?,
        public_key,
        binary: lines(&BASE64.encode(program)),
    };
    let mut handlebars = Handlebars::new();
    handlebars.set_strict_mode(true);
    handlebars.register_escape_fn(no_escape);
    handlebars.render_template(TEMPLATE, &fields).map_err(|cause| Error::Template(Box::new(cause)))
}

/// What the template asks for. Everything has been looked at: none of it means anything to a shell.
#[derive(Serialize)]
struct Fields<'a> {
    version: &'a str,
    lpar: &'a str,
    hostname: &'a str,
    user: &'a str,
    bytes: usize,
    sha256: String,
    cksum: u32,
    key_blob: &'a str,
    public_key: &'a str,
    binary: String,
}

/// The script.
const TEMPLATE: &str = include_str!("../templates/agent-install.sh.hbs");

/// NIM's default platform. Source: the NIM reference, §1.5.
const PLATFORM: &str = "chrp";

/// `text` in lines of 76 characters, which every decoder takes.
fn lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 76 + 1);
    let mut rest = text;
    while rest.len() > 76 {
        let (line, more) = rest.split_at(76);
        out.push_str(line);
        out.push('\n');
        rest = more;
    }
    out.push_str(rest);
    out
}

/// The sum that `cksum` prints. Source: POSIX, cksum: CRC of ISO 8802-3 over the bytes and then their number, without zeros.
fn cksum(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x04c1_1db7;
    let table: [u32; 256] =
        std::array::from_fn(|index| {
            let first = u32::try_from(index).expect("an index below 256") << 24;
            (0..8).fold(first, |crc, _| {
                if crc & 0x8000_0000 == 0 { crc << 1 } else { crc << 1 ^ POLYNOMIAL }
            })
        });
    let step = |crc: u32, byte: u8| {
        let [high, ..] = crc.to_be_bytes();
        crc << 8 ^ table[usize::from(high ^ byte)]
    };
    let length = bytes.len().to_le_bytes();
    let used = length.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    !length[..used]
        .iter()
        .fold(bytes.iter().fold(0, |crc, byte| step(crc, *byte)), |crc, byte| step(crc, *byte))
}

#[cfg(test)]
mod tests;
