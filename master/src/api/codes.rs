//! What the site adds to the codes that are known.

use std::io::{self, Read as _};
use std::path::Path;

use axum::Json;
use axum::extract::State;
use nim_shared::api::{File, FileFault, SiteEntry};
use nim_shared::code::SiteCodes;
use nim_shared::yaml::read_settings;

use super::Api;
use super::error::{Answer, Refusal};

/// `GET /v1/codes`: the entries of the site, none where it has no such file.
pub(super) async fn list(State(api): State<Api>) -> Answer<Json<Vec<SiteEntry>>> {
    let (path, needed) = api.configuration.codes();
    let reading = tokio::task::spawn_blocking(move || read(&path, needed));
    let read = reading.await.map_err(|cause| {
        Refusal::internal("NLU-0199", "a fault in nimd ended the request", &cause)
    })?;
    read.map(Json)
}

fn read(path: &Path, needed: bool) -> Answer<Vec<SiteEntry>> {
    let refused = || {
        let message = format!("cannot use the codes of the site in {}", path.display());
        Refusal::refused("NLU-0144", message)
            .hint("nimctl explain knows all others; the form is in schemas/codes.schema.json")
    };
    let text = match text(path) {
        Ok(text) => text,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound && !needed => return Ok(Vec::new()),
        Err(cause) => return Err(refused().because(Some(&cause))),
    };
    let file = File { name: path.display().to_string(), text };
    let codes: SiteCodes = read_settings(&file).map_err(|faults| refused().faults(faults))?;
    codes.checked().map_err(|bad| {
        let fault = |bad: nim_shared::code::BadEntry| FileFault {
            file: Some(file.name.clone()),
            line: None,
            path: String::new(),
            message: bad.to_string(),
        };
        refused().faults(bad.into_iter().map(fault).collect())
    })
}

fn text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    std::fs::File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("it has more than {LARGEST} bytes"),
        ));
    }
    Ok(text)
}

/// Largest file, in bytes.
const LARGEST: u64 = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_read_and_what_is_wrong_is_said_with_its_place() {
        let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/codes.yaml");
        assert_eq!(read(Path::new(example), true).unwrap().len(), 2);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("codes.yaml");
        assert_eq!(read(&path, false).unwrap(), []);
        assert_eq!(read(&path, true).unwrap_err().failure().code, "NLU-0144");
        let entry =
            "codes:\n- code: NLU-0201\n  title: a\n  cause: b\n  remedy: c\n  says: [abcd]\n";
        for (text, said) in
            [("codes:\n- code: 1430-134\n  titel: x\n", "titel"), (entry, "those of nimd itself")]
        {
            std::fs::write(&path, text).unwrap();
            let faults = read(&path, false).unwrap_err().failure().faults;
            assert!(faults.iter().any(|fault| fault.to_string().contains(said)), "{faults:?}");
        }
    }
}
