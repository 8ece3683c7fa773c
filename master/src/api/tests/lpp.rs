//! What is in an `lpp_source`, and changes of it.

use std::path::Path;

use nim_shared::api::{ChangedPackages, LppSourceView};
use serde_json::{Value, json};

use super::client::Fixture;
use super::cust;
use crate::lpp::{backup, epkg};

fn lpp_name(fileset: &str, level: &str) -> String {
    format!("4 R S {fileset} {{\n{fileset} {level} 1 N U en_US Some text\n[\n%\n%\n%\n]\n}}\n")
}

fn image(fileset: &str, level: &str) -> Vec<u8> {
    backup::tests::image(&[("./lpp_name", lpp_name(fileset, level).as_bytes())])
}

fn ifix(capable: &str) -> Vec<u8> {
    let control = format!("ABSTRACT=a fix\nEFIX_FILES=1\nLKU_CAPABLE={capable}\n");
    epkg::tests::package(&[("control", control.as_bytes())])
}

fn write(folder: &Path, file: &str, bytes: &[u8]) {
    let path = folder.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

async fn define(nimd: &Fixture, name: &str, location: &str, more: &[(&str, &str)]) {
    let mut attributes = vec![json!({"attribute": "location", "value": location})];
    attributes.extend(more.iter().map(|(a, v)| json!({"attribute": a, "value": v})));
    let body = json!({"type": "lpp_source", "name": name, "attributes": attributes});
    let (status, answer) = nimd.post("/v1/objects", &body).await;
    assert_eq!(status, 201, "{answer}");
}

async fn shown(nimd: &Fixture, name: &str) -> LppSourceView {
    let (status, view) = nimd.get(&format!("/v1/lpp_sources/{name}")).await;
    assert_eq!(status, 200, "{view}");
    serde_json::from_value(view).unwrap()
}

fn filesets(view: &LppSourceView) -> Vec<String> {
    view.content.filesets.iter().map(|one| format!("{} {}", one.name, one.level)).collect()
}

fn faults(view: &LppSourceView) -> Vec<String> {
    view.content.faults.iter().map(|one| format!("{}: {}", one.path, one.reason)).collect()
}

#[tokio::test]
async fn a_folder_is_looked_into_when_it_is_defined_and_when_it_is_checked() {
    let nimd = Fixture::start().await;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "installp/ppc/a.bff", &image("bos.mp64", "7.3.3.1"));
    write(folder.path(), "emgr/ppc/IJ1.241031.epkg.Z", &ifix("yes"));
    define(&nimd, "lpp", folder.path().to_str().unwrap(), &[]).await;
    let view = shown(&nimd, "lpp").await;
    assert_eq!((filesets(&view), faults(&view)), (vec!["bos.mp64 7.3.3.1".to_owned()], vec![]));
    assert_eq!(view.content.ifixes[0].live_update, Some(true));
    write(folder.path(), "installp/ppc/b.bff", b"broken");
    assert_eq!(faults(&shown(&nimd, "lpp").await), Vec::<String>::new());
    let (status, _) = nimd.post("/v1/lpp_sources/lpp/check", &Value::Null).await;
    assert_eq!(status, 200);
    let broken = ["installp/ppc/b.bff: it is no image in backup format"];
    assert_eq!(faults(&shown(&nimd, "lpp").await), broken);
    let (_, object) = nimd.get("/v1/objects/lpp").await;
    assert!(
        object["derived"].to_string().contains("1 filesets, 1 interim fixes, 1 faults"),
        "{object}"
    );
}

#[tokio::test]
async fn what_the_master_does_not_see_is_defined_and_said_not_to_be_known() {
    let nimd = Fixture::start().await;
    define(&nimd, "gone", "/nowhere/lpp", &[]).await;
    define(&nimd, "far", "/export/lpp", &[("server", "nim02"), ("access", "nfs")]).await;
    let reason = shown(&nimd, "gone").await.not_indexed.unwrap();
    assert!(reason.starts_with("cannot read /nowhere/lpp: No such file"), "{reason}");
    let reason = shown(&nimd, "far").await.not_indexed.unwrap();
    assert_eq!(reason, "it lies on nim02, not on this master");
    nimd.fleet().await;
    let (status, failure) = nimd.get("/v1/lpp_sources/lpar01").await;
    assert_eq!((status, failure["code"].as_str()), (409, Some("NLU-0113")));
}

#[tokio::test]
async fn packages_are_added_and_removed_with_their_entries() {
    let nimd = Fixture::start().await;
    let (folder, from) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let place = folder.path().join("installp/ppc");
    write(&place, "a.bff", &image("bos.a", "1.0.0.1"));
    write(
        &place,
        ".toc",
        format!("0 112120260000 2\na.bff {}", lpp_name("bos.a", "1.0.0.1")).as_bytes(),
    );
    write(from.path(), "b.bff", &image("bos.b", "1.0.0.1"));
    write(from.path(), "c.bff", &image("bos.c", "1.0.0.1"));
    define(&nimd, "lpp", folder.path().to_str().unwrap(), &[]).await;
    let change = async |body: Value| nimd.post("/v1/lpp_sources/lpp/packages", &body).await;
    let read = |answer: Value| serde_json::from_value::<ChangedPackages>(answer).unwrap();
    let add = json!({"source": from.path(), "packages": ["bos.b"]});
    let (status, answer) = change(add.clone()).await;
    assert_eq!(status, 200, "{answer}");
    let done = read(answer);
    assert_eq!(done.added, ["installp/ppc/b.bff"]);
    assert_eq!(
        (filesets(&done.now), faults(&done.now)),
        (vec!["bos.a 1.0.0.1".to_owned(), "bos.b 1.0.0.1".to_owned()], vec![])
    );
    let toc = std::fs::read_to_string(place.join(".toc")).unwrap();
    assert!(
        toc.contains("\na.bff 4 R S bos.a {\n") && toc.contains("\nb.bff 4 R S bos.b {\n"),
        "{toc}"
    );
    assert_eq!(read(change(add).await.1).unchanged, ["installp/ppc/b.bff"]);
    let done = read(change(json!({"packages": ["bos.a"]})).await.1);
    assert_eq!(done.removed, ["installp/ppc/a.bff"]);
    assert_eq!(
        (filesets(&done.now), faults(&done.now)),
        (vec!["bos.b 1.0.0.1".to_owned()], vec![])
    );
    assert!(!place.join("a.bff").exists());
    let (status, failure) = change(json!({"packages": ["bos.a", "x.y"]})).await;
    let said: Vec<_> = failure["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["message"].as_str().unwrap())
        .collect();
    assert_eq!((status, said), (409, vec!["bos.a is not there", "x.y is not there"]));
    write(from.path(), "b.bff", &image("bos.b", "1.0.0.2"));
    let (status, failure) = change(json!({"source": from.path(), "packages": ["all"]})).await;
    assert_eq!((status, failure["code"].as_str()), (409, Some("NLU-0116")), "{failure}");
    assert!(!place.join("c.bff").exists(), "all or nothing is decided before the first file");
}

#[tokio::test]
async fn an_update_with_what_is_not_in_its_source_is_refused() {
    let nimd = cust::ready().await;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "a.bff", &image("bos.mp64", "7.3.3.1"));
    write(folder.path(), "IJ1.241031.epkg.Z", &ifix("no"));
    define(&nimd, "media", folder.path().to_str().unwrap(), &[]).await;
    shown(&nimd, "media").await;
    let mut request = cust::request(&["lpar01"]);
    request.lpp_source = Some("media".parse().unwrap());
    let names = ["bos.mp64", "bos.net", "IJ1.241031.epkg.Z"];
    request.install = nim_shared::request::Install::List(names.map(str::to_owned).into());
    let (status, failure) = cust::send(&nimd, &request).await;
    let said: Vec<_> = failure["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["message"].as_str().unwrap())
        .collect();
    assert_eq!(
        (status, said),
        (
            409,
            vec![
                "bos.net is not in media",
                "IJ1.241031.epkg.Z is not LU CAPABLE: take another one, or install it with a reboot",
            ]
        )
    );
    request.install = nim_shared::request::Install::List(vec!["bos.mp64".to_owned()]);
    let (status, answer) = cust::send(&nimd, &request).await;
    assert_eq!(status, 200, "{answer}");
    let (status, failure) =
        nimd.post("/v1/lpp_sources/media/packages", &json!({"packages": ["bos.mp64"]})).await;
    assert_eq!(status, 409);
    assert!(failure["faults"][0]["message"].as_str().unwrap().ends_with("uses it"), "{failure}");
}
