//! `lppchk -f`, `-c`, `-l`, `-v`, with filesets or patterns: silent and 0 where everything is right, which on a simulated LPAR it is.
//! Source: AIX's description of the command. The sentence for a fileset that is not there is not known: its words are the lab's own.

use std::io::Write;

use super::lslpp::matches;
use super::{Context, Options};

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    _: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "mOR");
    let kinds = ['f', 'c', 'l', 'v'].into_iter().filter(|kind| options.has(*kind)).count();
    if kinds != 1 || options.has('u') {
        writeln!(std::io::stderr(), "lppchk: the lab knows exactly one of -f, -c, -l and -v")?;
        return Ok(1);
    }
    let software = context.lpar()?.software;
    let missing = options.words.first().filter(|word| {
        word.as_str() != "all" && !software.filesets.keys().any(|name| matches(word, name))
    });
    if let Some(word) = missing {
        writeln!(std::io::stderr(), "lppchk: nothing that is installed is called {word}.")?;
        return Ok(1);
    }
    Ok(0)
}
