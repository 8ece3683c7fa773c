//! What the site adds to the codes that are known.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::extract::State;
use nim_shared::api::SiteEntry;
use nim_shared::code::{Knowledge, SiteCodes};
use nim_shared::yaml::read_settings;
use tracing::warn;

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

/// What is known here, as it was read last, and of which state of the site's file that is.
#[derive(Default)]
pub(super) struct LastRead(Mutex<Option<(Option<knowledge::Version>, Arc<Knowledge>)>>);

impl Api {
    /// All that is known: what is built in, and what the site adds. Where its file cannot be used that is logged, once for each state of the
    /// file, and what is built in counts alone: nothing that is asked of an operation is refused for it.
    pub(super) async fn knowledge(&self) -> Arc<Knowledge> {
        let (path, needed) = self.configuration.codes();
        let codes = Arc::clone(&self.codes);
        let reading = tokio::task::spawn_blocking(move || codes.now(&path, needed));
        reading.await.unwrap_or_else(|cause| {
            warn!(error = %cause, "the codes of the site could not be read");
            Arc::default()
        })
    }
}

impl LastRead {
    fn now(&self, path: &Path, needed: bool) -> Arc<Knowledge> {
        let version = knowledge::Version::of(path);
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, known)) = &*last
            && *of == version
        {
            return Arc::clone(known);
        }
        let entries = read(path, needed).unwrap_or_else(|refusal| {
            let failure = refusal.failure();
            let causes: Vec<String> = failure
                .faults
                .iter()
                .map(ToString::to_string)
                .chain(failure.causes.iter().cloned())
                .collect();
            warn!(error.code = %failure.code, "{}: {}", failure.message, causes.join("; "));
            Vec::new()
        });
        let known = Arc::new(Knowledge::with(entries));
        *last = Some((version, Arc::clone(&known)));
        known
    }
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
    fn what_is_known_follows_the_file_of_the_site() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("codes.yaml");
        let last = LastRead::default();
        let title = || last.now(&path, false).explain("1430-134", "").unwrap().title;
        let built_in = title();
        let entry = |title: &str| {
            format!("codes:\n- code: 1430-134\n  title: {title}\n  cause: b\n  remedy: c\n")
        };
        std::fs::write(&path, entry("of the site")).unwrap();
        assert_eq!(title(), "of the site");
        assert!(Arc::ptr_eq(&last.now(&path, false), &last.now(&path, false)));
        std::fs::write(&path, "codes: 7").unwrap();
        assert_eq!(title(), built_in);
        std::fs::write(&path, entry("of the site again")).unwrap();
        assert_eq!(title(), "of the site again");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(title(), built_in);
    }

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
