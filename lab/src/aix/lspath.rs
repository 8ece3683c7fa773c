//! `lspath`, with `-l`, `-p`, `-s`, `-H` and `-F` (LU §5.3).

use std::io::Write;

use super::{Context, Options};
use crate::world::lpar::DiskPath;

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "lpsFi");
    let lpar = context.lpar()?;
    let wanted = |option: char, value: &str| {
        options.value(option).is_none_or(|given| given.eq_ignore_ascii_case(value))
    };
    let found: Vec<&DiskPath> = lpar
        .paths
        .iter()
        .filter(|path| {
            wanted('l', &path.disk) && wanted('p', &path.parent) && wanted('s', &path.status)
        })
        .collect();
    let Some(list) = options.value('F') else {
        for path in found {
            writeln!(out, "{} {} {}", path.status, path.disk, path.parent)?;
        }
        return Ok(0);
    };
    let separator = list.chars().find(|c| !c.is_ascii_alphanumeric() && *c != '_').unwrap_or(' ');
    let columns: Vec<&str> = list.split(separator).filter(|name| !name.is_empty()).collect();
    let separator = separator.to_string();
    if options.has('H') {
        writeln!(out, "{}", columns.join(&separator))?;
    }
    for path in found {
        let values: Vec<String> = columns.iter().map(|column| value(path, column)).collect();
        writeln!(out, "{}", values.join(&separator))?;
    }
    Ok(0)
}

fn value(path: &DiskPath, column: &str) -> String {
    match column {
        "name" => path.disk.clone(),
        "parent" => path.parent.clone(),
        "path_id" => path.id.to_string(),
        "status" => path.status.clone(),
        "path_status" => "Available".to_owned(),
        "connection" => {
            let number: usize = path.disk.trim_start_matches("hdisk").parse().unwrap_or(0);
            format!("8{}0000000000", number + 1)
        }
        _ => String::new(),
    }
}
