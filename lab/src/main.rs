//! `nim-lab`, and under other names the AIX commands of an LPAR.

use std::process::ExitCode;

fn main() -> ExitCode {
    nim_lab::cli::main()
}
