//! What is in an `lpp_source`, in NIM's words.

use insta::assert_snapshot;
use nim_shared::api::{ChangedPackages, LppSourceView};
use nim_shared::id::Digest;
use nim_shared::lpp::{BadFile, Content, Fileset, Ifix, ImageKind, Leads, SourceFile};

use crate::api::Api;
use crate::nim::called;
use crate::sample::{at, object, page};

fn view(content: Content) -> LppSourceView {
    LppSourceView {
        name: "lpp_7300".parse().unwrap(),
        location: "/export/lpp_7300".to_owned(),
        indexed_at: at("10:00:00"),
        not_indexed: None,
        content,
    }
}

fn content() -> Content {
    let fileset = |name: &str, kind, description: &str| Fileset {
        name: name.to_owned(),
        level: "7.3.3.1".parse().unwrap(),
        package: name.to_owned(),
        kind,
        description: description.to_owned(),
        requisites: Vec::new(),
        file: format!("installp/ppc/{name}.bff"),
    };
    let ifix = |label: &str, live_update| Ifix {
        label: label.to_owned(),
        description: "a fix".to_owned(),
        live_update,
        reboot: None,
        requisites: Vec::new(),
        file: format!("emgr/ppc/{label}.241031.epkg.Z"),
    };
    Content {
        level: Some(Leads { to: "7300-03".to_owned(), by: "bos.mp64 7.3.3.1".to_owned() }),
        filesets: vec![
            fileset("bos.adt.debug", ImageKind::Install, "Debuggers"),
            fileset("bos.mp64", ImageKind::Update, "Base"),
        ],
        ifixes: vec![ifix("IJ52421s2a", Some(true)), ifix("IJ1", Some(false)), ifix("IJ2", None)],
        files: vec![SourceFile { path: "x".to_owned(), bytes: 1, digest: Digest::ZERO }],
        faults: Vec::new(),
    }
}

/// What nimd answers to a change of packages.
pub(crate) fn changed(added: &[&str], removed: &[&str]) -> ChangedPackages {
    let texts = |files: &[&str]| files.iter().map(|one| (*one).to_owned()).collect();
    let (added, removed) = (texts(added), texts(removed));
    ChangedPackages { added, removed, unchanged: Vec::new(), now: view(content()) }
}

#[test]
fn filesets_and_interim_fixes_are_listed() {
    let lpp = object("lpp_source", "lpp_7300", &[("location", "/export/lpp_7300")]);
    let api = Api::new()
        .on("GET /v1/objects?name=lpp_7300&limit=1000", &page(vec![lpp]))
        .on("GET /v1/lpp_sources/lpp_7300", &view(content()));
    assert_snapshot!(called(&api, "nim", "-o showres lpp_7300"), @r"
    exit: 0
    --- stdout
    Leads to 7300-03 (bos.mp64 7.3.3.1).

    Fileset        Level    Type  Description
    -----------------------------------------
    bos.adt.debug  7.3.3.1  I     Debuggers
    bos.mp64       7.3.3.1  U     Base

    Interim fix               Label       LU CAPABLE  Abstract
    ----------------------------------------------------------
    IJ52421s2a.241031.epkg.Z  IJ52421s2a  yes         a fix
    IJ1.241031.epkg.Z         IJ1         no          a fix
    IJ2.241031.epkg.Z         IJ2         not said    a fix
    ");
    assert_snapshot!(called(&api, "nim", "-o lslpp -a filesets=bos.mp* lpp_7300"), @r"
    exit: 0
    --- stdout
    Fileset   Level    Type  Description
    ------------------------------------
    bos.mp64  7.3.3.1  U     Base
    ");
    assert_snapshot!(called(&api, "nim", "-o lslpp -a lslpp_flags=-Lc lpp_7300"), @r"
    exit: 0
    --- stdout
    bos.adt.debug:bos.adt.debug:7.3.3.1: : : : :Debuggers: : : : : : :0:0:/:
    bos.mp64:bos.mp64:7.3.3.1: : : : :Base: : : : : : :0:0:/:
    ");
}

#[test]
fn a_check_names_each_bad_file_and_fails() {
    let fault =
        |path: &str, reason: &str| BadFile { path: path.to_owned(), reason: reason.to_owned() };
    let bad = Content {
        faults: vec![
            fault("a.bff", "it is cut off"),
            fault("b.epkg.Z", "no control file is in it"),
        ],
        ..content()
    };
    let source = |name: &str| page(vec![object("lpp_source", name, &[("location", "/export")])]);
    let api = Api::new()
        .on("GET /v1/objects?name=lpp_7300&limit=1000", &source("lpp_7300"))
        .on("GET /v1/objects?name=good&limit=1000", &source("good"))
        .on("POST /v1/lpp_sources/lpp_7300/check", &view(bad))
        .on("POST /v1/lpp_sources/good/check", &view(content()));
    assert_snapshot!(called(&api, "nim", "-Fo check lpp_7300"), @r"
    exit: 1
    --- stderr
    NLU-0552 nim: a.bff: it is cut off
       in lpp_7300, /export/lpp_7300
    NLU-0552 nim: b.epkg.Z: no control file is in it
       in lpp_7300, /export/lpp_7300
    ");
    assert_snapshot!(called(&api, "nim", "-o check good"), @r"
    exit: 0
    ");
}

#[test]
fn what_is_not_known_is_said() {
    let nothing = LppSourceView {
        not_indexed: Some("it lies on nim02, not on this master".to_owned()),
        ..view(Content::default())
    };
    let api = Api::new().on("GET /v1/lpp_sources/lpp_7300", &nothing);
    assert_snapshot!(called(&api, "nim", "-o showres lpp_7300"), @r"
    exit: 3
    --- stderr
    NLU-0551 nim: what is in lpp_7300 is not known: it lies on nim02, not on this master
       next step: make /export/lpp_7300 readable for nimd on this master, or list it where it lies
    ");
}

#[test]
fn packages_are_added_and_removed() {
    let api = Api::new()
        .on("POST /v1/lpp_sources/lpp_7300/packages", &changed(&["installp/ppc/a.bff"], &[]));
    let line =
        "-o update -a packages=\"bos.a bos.b\" -a source=/stage -a show_progress=yes lpp_7300";
    assert_snapshot!(called(&api, "nim", line), @r"
    exit: 0
    --- stdout
    added installp/ppc/a.bff
    ");
    assert_snapshot!(api.changes().join("\n"), @r#"
    POST /v1/lpp_sources/lpp_7300/packages {"source":"/stage","packages":["bos.a","bos.b"]}
    "#);
    let api = Api::new().on("POST /v1/lpp_sources/lpp_7300/packages", &changed(&[], &["a.bff"]));
    assert_snapshot!(called(&api, "nim", "-o update -a packages=all -a rm_images=yes lpp_7300"), @r"
    exit: 0
    --- stdout
    removed a.bff
    ");
    assert_snapshot!(api.changes().join("\n"), @r#"
    POST /v1/lpp_sources/lpp_7300/packages {"packages":["all"]}
    "#);
    for line in ["-o update -a packages=all lpp_7300", "-o update -a source=/stage lpp_7300"] {
        assert_eq!(called(&api, "nim", line).0.status.code(), Some(2), "{line}");
    }
}
