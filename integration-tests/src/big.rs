//! Sites of 2 HMCs with many frames and LPARs, all of a size.

use std::fmt::Write as _;

use anyhow::Result;
use nim_lab::site;

/// Frames of the site that one team looks after.
pub const FRAMES: u32 = 6;

/// LPARs of that site, the same number on each frame.
pub const LPARS: u32 = 150;

/// Hosts that have an address of their own in one network of this site.
const HOSTS: u32 = 250;

/// Media with `7300-03-01-2520`, as `examples/site-small.yaml` has it: the end of a site file.
pub const MEDIA: &str = "lpp_sources:
  - name: 7300-03-01
    level: 7300-03-01-2520
    filesets: {bos.rte: 7.3.3.1, bos.mp64: 7.3.3.1, bos.rte.libc: 7.3.3.1, bos.liveupdate.rte: 7.3.3.1}
";

/// The file of a rollout that brings each LPAR of a site with [`MEDIA`] there; `rest` says how.
#[must_use]
pub fn rollout(name: &str, rest: &str) -> String {
    format!(
        "name: {name}
targets:
  names: lpar*
operation:
  live_update: yes
  live_update_data: lud_{{lpar}}
  lpp_source: 7300-03-01
  fixes: update_all
  accept_licenses: yes
{rest}"
    )
}

/// The site that one team looks after.
///
/// # Errors
/// When it cannot be read: a fault of this function.
pub fn site() -> Result<site::File> {
    of(&Extent {
        frames: FRAMES,
        lpars: LPARS,
        level: "7200-05-03-2148",
        frame_mb: 262_144,
        media: "",
    })
}

/// How large a site is.
#[derive(Clone, Copy, Debug)]
pub struct Extent<'a> {
    /// Frames.
    pub frames: u32,
    /// LPARs, dealt out to the frames.
    pub lpars: u32,
    /// `oslevel -s` of each.
    pub level: &'a str,
    /// Memory of a frame in MB.
    pub frame_mb: u32,
    /// The end of the site file: its `lpp_sources`.
    pub media: &'a str,
}

/// Serial number of the frame of this number.
#[must_use]
pub fn serial(frame: u32) -> String {
    format!("78A{frame:03}0")
}

/// A site of this extent: `lpar001` on `frame1`, `lpar002` on `frame2`, and so on. HMC 1 manages the even frames, HMC 2 the odd ones.
///
/// # Errors
/// When it cannot be read: a fault of this function.
pub fn of(extent: &Extent<'_>) -> Result<site::File> {
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
    for frame in 1..=extent.frames {
        writeln!(
            text,
            "  - name: frame{frame}\n    type_model: 9105-42A\n    serial: \"{}\"\n    hmcs: [hmc0{}, hmc0{}]\n    \
             memory_mb: {}\n    processors: 64.0\n    vios:\n      \
             - {{name: vios{frame}a, address: 127.78.2.{frame}, id: 1}}\n      \
             - {{name: vios{frame}b, address: 127.78.3.{frame}, id: 2}}",
            serial(frame),
            1 + frame % 2,
            2 - frame % 2,
            extent.frame_mb,
        )?;
    }
    text += "lpars:\n";
    for lpar in 0..extent.lpars {
        let (frame, place) = (1 + lpar % extent.frames, lpar / extent.frames);
        writeln!(
            text,
            "  - {{name: lpar{:03}, frame: frame{frame}, address: 127.78.{}.{}, id: {}, level: {}, memory_mb: 2048}}",
            lpar + 1,
            4 + lpar / HOSTS,
            lpar % HOSTS + 1,
            place + 11,
            extent.level,
        )?;
    }
    text += extent.media;
    let mut file = site::parse("big.yaml", &text)?;
    file.read_alike();
    Ok(file)
}
