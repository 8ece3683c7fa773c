//! `ioslevel`: one line.

use crate::ssh::Output;
use crate::world::frame::Vios;

pub(super) fn run(server: &Vios) -> Output {
    Output { stdout: format!("{}\n", server.level).into_bytes(), ..Output::default() }
}
