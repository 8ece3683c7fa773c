//! Message numbers of AIX, Live Update, its tools and the HMC.

mod scan;
pub use scan::{Found, leading, normal, scan};
