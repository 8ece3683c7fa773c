//! A site of 2 HMCs, 6 frames and 150 LPARs: as many as one team looks after.

use std::fmt::Write as _;

use anyhow::Result;
use nim_lab::site;

/// Frames of the site.
pub const FRAMES: u32 = 6;

/// LPARs of the site, the same number on each frame.
pub const LPARS: u32 = 150;

/// The site file.
///
/// # Errors
/// When it cannot be read: a fault of this function.
pub fn site() -> Result<site::File> {
    let mut text = String::from("hmcs:\n");
    for hmc in 1..=2 {
        writeln!(
            text,
            "  - name: hmc0{hmc}\n    address: 127.78.1.{hmc}\n    users:\n      \
             - {{name: liveupdate, role: hmcclientliveupdate, password: live4update}}\n      \
             - {{name: viewer, role: hmcviewer, password: look4only}}"
        )?;
    }
    text += "frames:\n";
    for frame in 1..=FRAMES {
        writeln!(
            text,
            "  - name: frame{frame}\n    type_model: 9105-42A\n    serial: \"78A1B{frame}0\"\n    hmcs: [hmc0{}, hmc0{}]\n    \
             memory_mb: 262144\n    processors: 64.0\n    vios:\n      \
             - {{name: vios{frame}a, address: 127.78.2.{frame}, id: 1}}\n      \
             - {{name: vios{frame}b, address: 127.78.3.{frame}, id: 2}}",
            1 + frame % 2,
            2 - frame % 2,
        )?;
    }
    text += "lpars:\n";
    for lpar in 0..LPARS {
        let (frame, place) = (1 + lpar % FRAMES, lpar / FRAMES);
        writeln!(
            text,
            "  - {{name: lpar{:03}, frame: frame{frame}, address: 127.78.4.{}, id: {}, level: 7200-05-03-2148, memory_mb: 2048}}",
            lpar + 1,
            lpar + 1,
            place + 11,
        )?;
    }
    let mut file = site::parse("big.yaml", &text)?;
    file.read_alike();
    Ok(file)
}
