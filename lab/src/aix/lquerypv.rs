//! `lquerypv -h /dev/hdisk1 80 10`: bytes of a disk, from and how many in hexadecimal digits; the first 256 where nothing is said.
//! Source: IBM, "AIX LVM PVID Sources".

use std::fmt::Write as _;
use std::io::Write;

use super::{Context, Options};

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "h");
    let device = options.value('h').unwrap_or_default();
    let name = device.trim_start_matches("/dev/");
    let lpar = context.lpar()?;
    let disk = lpar.disk(name).or_else(|| lpar.disk(name.strip_prefix('r')?));
    let Some(disk) = disk else {
        let text = "0516-066 lquerypv: Physical volume is not a valid device.";
        writeln!(std::io::stderr(), "{text}")?;
        return Ok(1);
    };
    let number = |at: usize, otherwise: usize| {
        let word = options.words.get(at);
        word.and_then(|word| usize::from_str_radix(word, 16).ok()).unwrap_or(otherwise)
    };
    let (from, count) = (number(0, 0), number(1, 0x100));
    let bytes = disk.header();
    let shown = bytes.get(from..(from + count).min(bytes.len())).unwrap_or_default();
    for (line, row) in shown.chunks(16).enumerate() {
        let mut text = format!("{:08X}  ", from + line * 16);
        for word in row.chunks(4) {
            text.push(' ');
            for byte in word {
                write!(text, "{byte:02X}")?;
            }
        }
        let plain = |byte: &u8| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' };
        writeln!(out, "{text}  |{}|", row.iter().map(plain).collect::<String>())?;
    }
    Ok(0)
}
