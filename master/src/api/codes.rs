//! What the site adds to the codes that are known.

use std::path::Path;

use axum::Json;
use axum::extract::State;
use nim_shared::api::SiteEntry;
use nim_shared::code::SiteCodes;
use nim_shared::yaml::read_settings;

use super::Api;
use super::error::{Answer, Refusal};
use super::knowledge;

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
    let read = knowledge::file(path, needed).map_err(|cause| refused().because(Some(&cause)))?;
    let Some(file) = read else { return Ok(Vec::new()) };
    let codes: SiteCodes = read_settings(&file).map_err(|faults| refused().faults(faults))?;
    codes.checked().map_err(|bad| refused().faults(knowledge::faults(&file, &bad)))
}

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
