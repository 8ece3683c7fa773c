//! Whether what is to be installed is in the `lpp_source`, and a Live Update can install it. Where nothing is known of its content nothing
//! is said here: the preview on the LPAR looks itself.

use nim_shared::api::FileFault;
use nim_shared::id::ObjectName;
use nim_shared::lpp::{Content, Ifix, Package, base};
use nim_shared::near::closest;
use nim_shared::request::Install;

use super::plan::fault;

/// What is wrong with installing `install` from `source`, which holds `content`.
pub(super) fn faults(install: &Install, source: &ObjectName, content: &Content) -> Vec<FileFault> {
    match install {
        Install::List(names) => {
            names.iter().filter_map(|name| one(name, source, content)).collect()
        }
        // `all` takes the interim fixes too (the reference on Live Update, §2.1).
        Install::All => content.ifixes.iter().filter_map(|ifix| incapable(ifix, "fixes")).collect(),
        Install::UpdateAll | Install::Nothing => Vec::new(),
    }
}

fn one(name: &str, source: &ObjectName, content: &Content) -> Option<FileFault> {
    match content.package(name) {
        Some(Package::Ifix(ifix)) => incapable(ifix, "filesets"),
        Some(Package::Filesets | Package::File(_)) => None,
        None => {
            let filesets = content.filesets.iter().map(|one| one.name.as_str());
            let files = content.ifixes.iter().map(|one| base(&one.file));
            let mut text = format!("{name} is not in {source}");
            if let Some(near) = closest(name, filesets.chain(files)) {
                text += &format!("; did you mean {near}?");
            }
            if !content.faults.is_empty() {
                text += &format!(
                    "; {} of its files cannot be used: nim -o check {source}",
                    content.faults.len()
                );
            }
            Some(fault("filesets", text))
        }
    }
}

/// An interim fix that says of itself that a Live Update cannot install it. Source: the reference on Live Update, §4.4, S03: it blocks.
fn incapable(ifix: &Ifix, path: &str) -> Option<FileFault> {
    (ifix.live_update == Some(false)).then(|| {
        fault(
            path,
            format!(
                "{} is not LU CAPABLE: take another one, or install it with a reboot",
                base(&ifix.file)
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use nim_shared::lpp::{BadFile, Fileset, ImageKind};

    use super::*;

    fn content() -> Content {
        let ifix = |label: &str, live_update| Ifix {
            label: label.to_owned(),
            description: String::new(),
            live_update,
            reboot: None,
            requisites: Vec::new(),
            file: format!("{label}.241031.epkg.Z"),
        };
        Content {
            filesets: vec![Fileset {
                name: "bos.mp64".to_owned(),
                level: "7.3.3.1".parse().unwrap(),
                package: "bos.mp64".to_owned(),
                kind: ImageKind::Update,
                description: String::new(),
                requisites: Vec::new(),
                file: "a.bff".to_owned(),
            }],
            ifixes: vec![ifix("IJ1", Some(true)), ifix("IJ2", Some(false)), ifix("IJ3", None)],
            ..Content::default()
        }
    }

    fn said(install: &Install, content: &Content) -> Vec<String> {
        let faults = faults(install, &"lpp".parse().unwrap(), content);
        faults.into_iter().map(|fault| format!("{}: {}", fault.path, fault.message)).collect()
    }

    fn list(names: &[&str]) -> Install {
        Install::List(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn what_is_not_there_and_what_no_live_update_can_install_is_refused() {
        let all = content();
        let good = list(&["bos.mp64", "IJ1.241031.epkg.Z", "E:IJ3.241031.epkg.Z"]);
        assert_eq!(said(&good, &all), Vec::<String>::new());
        assert_eq!(said(&Install::UpdateAll, &all), Vec::<String>::new());
        let incapable =
            "IJ2.241031.epkg.Z is not LU CAPABLE: take another one, or install it with a reboot";
        assert_eq!(said(&Install::All, &all), [format!("fixes: {incapable}")]);
        assert_eq!(
            said(&list(&["bos.mp46", "IJ2.241031.epkg.Z", "x.y"]), &all),
            [
                "filesets: bos.mp46 is not in lpp; did you mean bos.mp64?".to_owned(),
                format!("filesets: {incapable}"),
                "filesets: x.y is not in lpp".to_owned(),
            ]
        );
        let bad = BadFile { path: "b.bff".to_owned(), reason: "it is cut off".to_owned() };
        let broken = Content { faults: vec![bad], ..all };
        assert_eq!(
            said(&list(&["x.y"]), &broken),
            ["filesets: x.y is not in lpp; 1 of its files cannot be used: nim -o check lpp"]
        );
    }
}
