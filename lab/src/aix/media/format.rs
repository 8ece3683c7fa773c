//! Packages in the forms in which they lie in a folder: images in backup format with an `lpp_name`, interim fixes as a compressed
//! tar with a control file. Beside these each holds what the lab's own commands read.
//!
//! Sources: IBM's "Packaging software for installation" (`lpp_name`), "epkg Command" (tar, compressed; the keys of the control
//! file); for the backup format the descriptions of bff.ex and bffextract, and a file that AIX wrote. The names of the members of
//! an interim fix are not published.

use anyhow::{Context as _, bail};

/// The member that the lab's commands read.
const OURS: &str = "./lab.json";

/// An image with this `lpp_name`.
pub(super) fn image(lpp_name: &str, ours: &[u8]) -> Vec<u8> {
    let mut image = vec![9, 0, 0x6b, 0xea];
    image.resize(20, 0);
    image.extend(b"by name\0");
    image.resize(72, 0);
    for (name, content) in [("./lpp_name", lpp_name.as_bytes()), (OURS, ours)] {
        let begin = image.len();
        let words = 8 + (name.len() + 1).div_ceil(8);
        image.extend([u8::try_from(words).unwrap_or_default(), 11, 0x6b, 0xea]);
        image.resize(begin + 12, 0);
        image.extend(0o100_644_u32.to_le_bytes());
        image.resize(begin + 24, 0);
        let size = u32::try_from(content.len()).unwrap_or_default().to_le_bytes();
        image.extend(size);
        image.resize(begin + 56, 0);
        image.extend(size);
        image.resize(begin + 64, 0);
        image.extend(name.as_bytes());
        image.resize(begin + words * 8, 0);
        // Two words of an access list, and two of another.
        image.extend([2, 0, 0, 0, 2, 0, 0, 0]);
        image.extend([0; 32]);
        image.extend(content);
        image.resize(image.len().next_multiple_of(8), 0);
    }
    image.extend([1, 7, 0x6b, 0xea, 0, 0, 0, 0]);
    image.resize(image.len().next_multiple_of(512), 0);
    image
}

/// What the lab's commands read of an image.
pub(super) fn of_image(image: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut at = 72;
    loop {
        let header = image.get(at..at + 64).context("the image is cut off")?;
        if header[1] != 11 {
            bail!("the image was not made by the lab");
        }
        let words = usize::from(header[0]);
        let size = u32::from_le_bytes(header[24..28].try_into()?) as usize;
        let name = image.get(at + 64..at + words * 8).context("the image is cut off")?;
        let content = at + words * 8 + 40;
        if name.starts_with(OURS.as_bytes()) {
            let content = image.get(content..content + size).context("the image is cut off")?;
            return Ok(content.to_vec());
        }
        at = content + size.next_multiple_of(8);
    }
}

/// An interim fix with this control file.
pub(super) fn ifix(control: &str, ours: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    for (name, content) in [("./control", control.as_bytes()), (OURS, ours)] {
        let mut header = [0; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[148..156].fill(b' ');
        header[156] = b'0';
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        tar.extend(header);
        tar.extend(content);
        tar.resize(tar.len().next_multiple_of(512), 0);
    }
    tar.extend([0; 1024]);
    compress(&tar)
}

/// What the lab's commands read of an interim fix.
pub(super) fn of_ifix(file: &[u8]) -> anyhow::Result<Vec<u8>> {
    let tar = expand(file)?;
    let mut at = 0;
    while let Some(header) = tar.get(at..at + 512).filter(|header| header[0] != 0) {
        let digits = std::str::from_utf8(&header[124..135])?;
        let size = usize::from_str_radix(digits, 8)?;
        if header.starts_with(OURS.as_bytes()) {
            let content = tar.get(at + 512..at + 512 + size).context("the fix is cut off")?;
            return Ok(content.to_vec());
        }
        at += 512 + size.next_multiple_of(512);
    }
    bail!("the fix was not made by the lab")
}

/// As `compress` writes it, in codes of nine bits that mean single bytes: before the table is full it is emptied (code 256), after a
/// whole number of groups of eight codes.
fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0x1f, 0x9d, 0x80 | 16];
    let codes = bytes.chunks(255).flat_map(|chunk| {
        let end = (chunk.len() == 255).then_some(256_u32);
        chunk.iter().map(|byte| u32::from(*byte)).chain(end)
    });
    let (mut bits, mut held) = (0_u32, 0);
    for code in codes {
        bits |= code << held;
        held += 9;
        while held >= 8 {
            file.push(bits.to_le_bytes()[0]);
            bits >>= 8;
            held -= 8;
        }
    }
    if held > 0 {
        file.push(bits.to_le_bytes()[0]);
    }
    file
}

/// Reads what [`compress`] wrote, and nothing else.
fn expand(file: &[u8]) -> anyhow::Result<Vec<u8>> {
    let Some((&[0x1f, 0x9d, 0x90], codes)) = file.split_first_chunk() else {
        bail!("the fix was not made by the lab");
    };
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for byte in codes {
        bits |= u32::from(*byte) << held;
        held += 8;
        if held >= 9 {
            // 256 empties a table that this reader does not have.
            bytes.extend(u8::try_from(bits & 0x1ff));
            bits >>= 9;
            held -= 9;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let ours = vec![b'{'; 3000];
        assert_eq!(of_image(&image("4 R S x {\n}\n", &ours)).unwrap(), ours);
        assert_eq!(of_ifix(&ifix("ABSTRACT=x\n", &ours)).unwrap(), ours);
        assert!(of_image(&[0; 600]).is_err() && of_ifix(b"{}").is_err());
    }
}
