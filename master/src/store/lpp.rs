//! What is in each `lpp_source`: replaced as a whole whenever its folder is looked into.

use std::collections::BTreeMap;

use nim_shared::id::{Digest, ObjectName, OperationId};
use nim_shared::lpp::{BadFile, Content, Fileset, Ifix, Leads, SourceFile};
use nim_shared::stamp::Timestamp;
use sea_orm::sqlx::types::Json;
use sea_orm::sqlx::{query, query_as, query_scalar};
use time::OffsetDateTime;
use uuid::Uuid;

use super::commit::{Held, Txn, Writing};
use super::{Error, Store, bigint, unsigned};

/// An index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LppIndex {
    /// When it was made.
    pub indexed_at: Timestamp,
    /// Whether the object is still the one that was indexed.
    pub current: bool,
    /// What was found, or why nothing is known.
    pub found: Result<Content, String>,
}

/// An index in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LppSummary {
    /// Why nothing is known.
    pub not_indexed: Option<String>,
    /// The level that it leads to.
    pub level: Option<String>,
    /// How many filesets.
    pub filesets: u64,
    /// How many interim fixes.
    pub ifixes: u64,
    /// How many files with something wrong.
    pub faults: u64,
}

/// Id, when, whether it is current, why there is none, level, what says so.
type HeadRow = (i64, OffsetDateTime, bool, Option<String>, Option<String>, Option<String>);
type FilesetRow = (String, String, String, String, String, Json<Vec<String>>, String);
type IfixRow = (String, String, Option<bool>, Option<bool>, Json<Vec<String>>, String);
type SummaryRow = (String, Option<String>, Option<String>, i64, i64, i64);

impl Store {
    /// Keeps what was found in `name` as it was in version `revision`. `false`, and nothing is kept, when the object is another by now.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn lpp_index_put(
        &self,
        name: &ObjectName,
        revision: u64,
        found: &Result<Content, String>,
    ) -> Result<bool, Error> {
        let mut txn = self.begin(Writing::LppIndex).await?;
        // Two that index at once follow each other here.
        let id: Option<i64> =
            query_scalar("SELECT id FROM nim_object WHERE name = $1 AND version = $2 FOR UPDATE")
                .bind(name.as_str())
                .bind(bigint(revision))
                .fetch_optional(txn.connection())
                .await
                .map_err(txn.failed())?;
        let Some(id) = id else { return Ok(false) };
        query("DELETE FROM lpp_index WHERE object_id = $1")
            .bind(id)
            .execute(txn.connection())
            .await
            .map_err(txn.failed())?;
        let level = found.as_ref().ok().and_then(|content| content.level.as_ref());
        query(
            "INSERT INTO lpp_index (object_id, revision, not_indexed, level, level_by)
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(id)
        .bind(bigint(revision))
        .bind(found.as_ref().err())
        .bind(level.map(|level| &level.to))
        .bind(level.map(|level| &level.by))
        .execute(txn.connection())
        .await
        .map_err(txn.failed())?;
        if let Ok(content) = found {
            files(&mut txn, id, &content.files).await?;
            filesets(&mut txn, id, &content.filesets).await?;
            ifixes(&mut txn, id, &content.ifixes).await?;
            faults(&mut txn, id, &content.faults).await?;
        }
        txn.commit().await?;
        Ok(true)
    }

    /// What is kept of `name`; `None` where it was never looked into.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn lpp_index(&self, name: &ObjectName) -> Result<Option<LppIndex>, Error> {
        let failed = |cause| Error::sqlx(format!("read what is in {name}"), cause);
        // All of it as it was at one time: it may be replaced meanwhile.
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let mut held = Held::begin(&self.pool, begin).await.map_err(failed)?;
        let head: Option<HeadRow> = query_as(
            "SELECT o.id, i.indexed_at, i.revision = o.version, i.not_indexed, i.level, i.level_by
             FROM lpp_index i JOIN nim_object o ON o.id = i.object_id WHERE o.name = $1",
        )
        .bind(name.as_str())
        .fetch_optional(held.connection())
        .await
        .map_err(failed)?;
        let Some((id, at, current, not_indexed, level, by)) = head else { return Ok(None) };
        let (indexed_at, level) = (Timestamp::new(at), level.zip(by));
        if let Some(reason) = not_indexed {
            return Ok(Some(LppIndex { indexed_at, current, found: Err(reason) }));
        }
        let files: Vec<(String, i64, Vec<u8>)> =
            query_as("SELECT path, bytes, digest FROM lpp_file WHERE object_id = $1 ORDER BY path")
                .bind(id)
                .fetch_all(held.connection())
                .await
                .map_err(failed)?;
        let filesets: Vec<FilesetRow> = query_as(
            "SELECT name, level, package, kind, description, requisites, path
             FROM lpp_fileset WHERE object_id = $1 ORDER BY position",
        )
        .bind(id)
        .fetch_all(held.connection())
        .await
        .map_err(failed)?;
        let ifixes: Vec<IfixRow> = query_as(
            "SELECT label, description, live_update, reboot, requisites, path
             FROM lpp_ifix WHERE object_id = $1 ORDER BY position",
        )
        .bind(id)
        .fetch_all(held.connection())
        .await
        .map_err(failed)?;
        let faults: Vec<(String, String)> =
            query_as("SELECT path, reason FROM lpp_fault WHERE object_id = $1 ORDER BY position")
                .bind(id)
                .fetch_all(held.connection())
                .await
                .map_err(failed)?;
        let content = Content {
            level: level.map(|(to, by)| Leads { to, by }),
            filesets: filesets.into_iter().map(fileset).collect::<Result<_, _>>()?,
            ifixes: ifixes.into_iter().map(ifix).collect(),
            files: files.into_iter().map(file).collect::<Result<_, _>>()?,
            faults: faults.into_iter().map(|(path, reason)| BadFile { path, reason }).collect(),
        };
        Ok(Some(LppIndex { indexed_at, current, found: Ok(content) }))
    }

    /// Those of `names` that were looked into as they are now, each in a line. One query.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn lpp_summaries(
        &self,
        names: &[&ObjectName],
    ) -> Result<BTreeMap<ObjectName, LppSummary>, Error> {
        let names: Vec<_> = names.iter().map(|name| name.as_str()).collect();
        let rows: Vec<SummaryRow> = query_as(
            "SELECT o.name, i.not_indexed, i.level,
                    (SELECT count(*) FROM lpp_fileset f WHERE f.object_id = i.object_id),
                    (SELECT count(*) FROM lpp_ifix f WHERE f.object_id = i.object_id),
                    (SELECT count(*) FROM lpp_fault f WHERE f.object_id = i.object_id)
             FROM lpp_index i JOIN nim_object o ON o.id = i.object_id AND o.version = i.revision
             WHERE o.name = ANY ($1)",
        )
        .bind(names)
        .fetch_all(&self.pool)
        .await
        .map_err(|cause| Error::sqlx("read what is in lpp_sources", cause))?;
        rows.into_iter()
            .map(|(name, not_indexed, level, filesets, ifixes, faults)| {
                let name = super::batch::name(&name)?;
                let (filesets, ifixes, faults) =
                    (unsigned(filesets), unsigned(ifixes), unsigned(faults));
                Ok((name, LppSummary { not_indexed, level, filesets, ifixes, faults }))
            })
            .collect()
    }

    /// An operation that is open and installs from `name`.
    ///
    /// # Errors
    /// [`Error::Unreachable`] and its like.
    pub async fn open_with_source(&self, name: &ObjectName) -> Result<Option<OperationId>, Error> {
        let id: Option<Uuid> = query_scalar(
            "SELECT o.id FROM operation o JOIN batch b ON b.id = o.batch_id
             WHERE o.state IN ('queued', 'dispatching', 'running', 'stuck')
               AND b.request->>'lpp_source' = $1 ORDER BY o.id LIMIT 1",
        )
        .bind(name.as_str())
        .fetch_optional(&self.pool)
        .await
        .map_err(|cause| Error::sqlx(format!("see whether an operation uses {name}"), cause))?;
        Ok(id.map(OperationId))
    }
}

async fn files(txn: &mut Txn, id: i64, files: &[SourceFile]) -> Result<(), Error> {
    query(
        "INSERT INTO lpp_file (object_id, path, bytes, digest)
         SELECT $1, x.* FROM unnest($2::text[], $3::bigint[], $4::bytea[]) AS x",
    )
    .bind(id)
    .bind(files.iter().map(|one| one.path.as_str()).collect::<Vec<_>>())
    .bind(files.iter().map(|one| bigint(one.bytes).unwrap_or(i64::MAX)).collect::<Vec<_>>())
    .bind(files.iter().map(|one| one.digest.0.as_slice()).collect::<Vec<_>>())
    .execute(txn.connection())
    .await
    .map_err(txn.failed())?;
    Ok(())
}

async fn filesets(txn: &mut Txn, id: i64, all: &[Fileset]) -> Result<(), Error> {
    query(
        "INSERT INTO lpp_fileset
            (object_id, name, level, package, kind, description, requisites, path, position)
         SELECT $1, x.* FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                                    $7::jsonb[], $8::text[]) WITH ORDINALITY AS x",
    )
    .bind(id)
    .bind(all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>())
    .bind(all.iter().map(|one| one.level.to_string()).collect::<Vec<_>>())
    .bind(all.iter().map(|one| one.package.as_str()).collect::<Vec<_>>())
    .bind(all.iter().map(|one| one.kind.name()).collect::<Vec<_>>())
    .bind(all.iter().map(|one| one.description.as_str()).collect::<Vec<_>>())
    .bind(all.iter().map(|one| serde_json::json!(one.requisites)).collect::<Vec<_>>())
    .bind(all.iter().map(|one| one.file.as_str()).collect::<Vec<_>>())
    .execute(txn.connection())
    .await
    .map_err(txn.failed())?;
    Ok(())
}

async fn ifixes(txn: &mut Txn, id: i64, all: &[Ifix]) -> Result<(), Error> {
    query(
        "INSERT INTO lpp_ifix
            (object_id, label, description, live_update, reboot, requisites, path, position)
         SELECT $1, x.* FROM unnest($2::text[], $3::text[], $4::boolean[], $5::boolean[],
                                    $6::jsonb[], $7::text[]) WITH ORDINALITY AS x",
    )
    .bind(id)
    .bind(all.iter().map(|one| one.label.as_str()).collect::<Vec<_>>())
    .bind(all.iter().map(|one| one.description.as_str()).collect::<Vec<_>>())
    .bind(all.iter().map(|one| one.live_update).collect::<Vec<_>>())
    .bind(all.iter().map(|one| one.reboot).collect::<Vec<_>>())
    .bind(all.iter().map(|one| serde_json::json!(one.requisites)).collect::<Vec<_>>())
    .bind(all.iter().map(|one| one.file.as_str()).collect::<Vec<_>>())
    .execute(txn.connection())
    .await
    .map_err(txn.failed())?;
    Ok(())
}

async fn faults(txn: &mut Txn, id: i64, all: &[BadFile]) -> Result<(), Error> {
    query(
        "INSERT INTO lpp_fault (object_id, path, reason, position)
         SELECT $1, x.* FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS x",
    )
    .bind(id)
    .bind(all.iter().map(|one| one.path.as_str()).collect::<Vec<_>>())
    .bind(all.iter().map(|one| one.reason.as_str()).collect::<Vec<_>>())
    .execute(txn.connection())
    .await
    .map_err(txn.failed())?;
    Ok(())
}

fn fileset(row: FilesetRow) -> Result<Fileset, Error> {
    let (name, level, package, kind, description, Json(requisites), file) = row;
    let unreadable = |cause| Error::unreadable("the level of a fileset", cause);
    Ok(Fileset {
        name,
        level: level.parse().map_err(unreadable)?,
        package,
        kind: kind.parse().map_err(|cause| Error::unreadable("the kind of an image", cause))?,
        description,
        requisites,
        file,
    })
}

fn ifix(row: IfixRow) -> Ifix {
    let (label, description, live_update, reboot, Json(requisites), file) = row;
    Ifix { label, description, live_update, reboot, requisites, file }
}

fn file((path, bytes, digest): (String, i64, Vec<u8>)) -> Result<SourceFile, Error> {
    let digest = digest
        .try_into()
        .map_err(|_| Error::unreadable("the digest of a file", nim_shared::id::BadDigest))?;
    Ok(SourceFile { path, bytes: unsigned(bytes), digest: Digest(digest) })
}

#[cfg(test)]
mod tests {
    use nim_shared::lpp::ImageKind;
    use nim_shared::object::ObjectType;

    use super::*;
    use crate::store::testing::store;
    use crate::store::testing::world::{SOMEBODY, name, object};

    fn content() -> Content {
        Content {
            level: Some(Leads { to: "7300-03".to_owned(), by: "bos.mp64 7.3.3.1".to_owned() }),
            filesets: vec![Fileset {
                name: "bos.mp64".to_owned(),
                level: "7.3.3.1".parse().unwrap(),
                package: "bos.mp64".to_owned(),
                kind: ImageKind::Update,
                description: "Base".to_owned(),
                requisites: vec!["prereq bos.rte 7.3.3.0".to_owned()],
                file: "a.bff".to_owned(),
            }],
            ifixes: vec![Ifix {
                label: "IJ1".to_owned(),
                description: "x".to_owned(),
                live_update: Some(false),
                reboot: None,
                requisites: vec![],
                file: "b.epkg.Z".to_owned(),
            }],
            files: vec![SourceFile {
                path: "a.bff".to_owned(),
                bytes: 7,
                digest: Digest::of(b"a"),
            }],
            faults: vec![BadFile { path: "c.bff".to_owned(), reason: "it is cut off".to_owned() }],
        }
    }

    #[tokio::test]
    async fn an_index_is_kept_whole_and_replaced_whole() {
        let store = store().await;
        let lpp = object(ObjectType::LppSource, "lpp", &[("location", "/a")]);
        store.define(&lpp, SOMEBODY).await.unwrap();
        assert_eq!(store.lpp_index(&name("lpp")).await.unwrap(), None);
        assert!(store.lpp_index_put(&name("lpp"), 1, &Ok(content())).await.unwrap());
        let found = store.lpp_index(&name("lpp")).await.unwrap().unwrap();
        assert_eq!((found.current, found.found), (true, Ok(content())));
        let lines = store.lpp_summaries(&[&name("lpp"), &name("other")]).await.unwrap();
        let line = &lines[&name("lpp")];
        assert_eq!((line.filesets, line.ifixes, line.faults), (1, 1, 1));
        let gone = Err("cannot read /a".to_owned());
        assert!(store.lpp_index_put(&name("lpp"), 1, &gone).await.unwrap());
        assert_eq!(store.lpp_index(&name("lpp")).await.unwrap().unwrap().found, gone);
    }

    #[tokio::test]
    async fn an_index_of_an_object_that_changed_is_not_kept_and_one_from_before_is_not_current() {
        let store = store().await;
        let lpp = object(ObjectType::LppSource, "lpp", &[("location", "/a")]);
        store.define(&lpp, SOMEBODY).await.unwrap();
        assert!(!store.lpp_index_put(&name("lpp"), 2, &Ok(content())).await.unwrap());
        assert!(store.lpp_index_put(&name("lpp"), 1, &Ok(content())).await.unwrap());
        let other = object(ObjectType::LppSource, "lpp", &[("location", "/b")]);
        let change = crate::store::object::Change::Put(other);
        store.apply(vec![change], crate::store::object::Mode::Store, SOMEBODY).await.unwrap();
        assert!(!store.lpp_index(&name("lpp")).await.unwrap().unwrap().current);
        assert!(store.lpp_summaries(&[&name("lpp")]).await.unwrap().is_empty());
        store.remove(&name("lpp"), SOMEBODY).await.unwrap();
        assert_eq!(store.lpp_index(&name("lpp")).await.unwrap(), None);
    }
}
